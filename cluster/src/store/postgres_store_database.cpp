#include "postgres_store_database.hpp"

#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include <graphbit/runtime/random.hpp>

#include "libpq.hpp"
#include "postgres_link.hpp"
#include "postgres_listener.hpp"
#include "store_schema.hpp"

namespace graphbit {

namespace {

constexpr int tries_max = 8;
constexpr milliseconds silent_writers_go_after = std::chrono::hours(24 * 90);
constexpr std::size_t settled_doubts_max = 64;

// Within one statement time stands still, so that indexes can be searched by it.
constexpr const char* store_now = R"sql(
  CREATE OR REPLACE FUNCTION graphbit.store_now() RETURNS BIGINT LANGUAGE sql STABLE
  AS 'SELECT floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint';
)sql";
constexpr const char* first_of_all = R"sql(
  CREATE SCHEMA IF NOT EXISTS graphbit;
  CREATE TABLE IF NOT EXISTS graphbit.schema_version (version BIGINT NOT NULL);
)sql";
constexpr const char* migrating_alone = "SELECT pg_advisory_xact_lock(1734496851)";  // "gbRS"

[[nodiscard]] expected<std::string> name_of(const std::string& url) {
  const auto pq = libpq::load();
  if (!pq) return fail(pq.error());
  char* words = nullptr;
  auto* options = (*pq)->PQconninfoParse(url.c_str(), &words);
  if (options == nullptr) {
    (*pq)->PQfreemem(words);  // they may quote the password
    return fail(configuration_error("store",
                                    "the address of the store is no PostgreSQL address: write "
                                    "postgresql://user@host:port/database"));
  }
  std::string host, port, database;
  for (auto* option = options; option->keyword != nullptr; ++option) {
    const std::string_view key = option->keyword;
    const std::string value = option->val == nullptr ? "" : option->val;
    if (key == "host") host = value;
    if (key == "port" && !value.empty()) port = ":" + value;
    if (key == "dbname") database = value;
  }
  (*pq)->PQconninfoFree(options);
  return "postgresql://" + (host.empty() ? "localhost" : host) + port + "/" + database;
}

/// Each handle is a *writer* with a row of its own, whose mark counts its commits. When a
/// connection breaks during a commit, the mark tells whether it was done; and a database whose mark
/// is behind what was committed is not the one that was left: a backup was restored, or a standby
/// took over that had not got all. It is refused for good, because it knows nothing of tokens given
/// since.
class postgres_store_database final : public sql_database {
 public:
  postgres_store_database(std::string url, std::string name, const postgres_timeouts& timeouts)
      : url_(std::move(url)), name_(std::move(name)), timeouts_(timeouts), listener_(url_) {}

  ~postgres_store_database() override {
    if (link_ && !link_->broken() && mark_ != 0)
      static_cast<void>(link_->run({"DELETE FROM writers WHERE writer = $1", {writer()}}));
  }

  // Before anything else.
  [[nodiscard]] expected<void> prepare() {
    const std::lock_guard guard(mutex_);
    if (auto there = ensure_link(); !there) return there;
    auto version = read_version();
    if (!version) return fail(version.error());
    if (*version == newest()) return {};
    if (auto begun = link_->script("BEGIN"); !begun) return begun;
    auto done = migrate();
    if (done) return link_->script("COMMIT");
    static_cast<void>(link_->script("ROLLBACK"));
    return done;
  }

  const std::string& name() const noexcept override { return name_; }

  expected<void> write(const work& f, std::int64_t* doubt) override {
    auto done = write_with_retries(f, doubt);
    if (done) listener_.changed();
    return done;
  }

  expected<void> read(const work& f) override {
    const std::lock_guard guard(mutex_);
    for (int tries = 1;; ++tries) {
      if (auto there = ensure_link(); !there) return there;
      // One picture for all its statements.
      auto done = link_->script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      if (done) done = f(*link_);
      if (done) done = link_->script("COMMIT");
      if (done) return done;
      if (!link_->broken()) {
        static_cast<void>(link_->script("ROLLBACK"));
        return done;
      }
      if (tries == 2) return done;
    }
  }

  expected<bool> was_written(std::int64_t doubt) override {
    const std::lock_guard guard(mutex_);
    if (doubtful_ != 0) {
      link_.reset();
      if (auto there = ensure_link(); !there) return fail(there.error());
    }
    return written_after_all_.contains(doubt);
  }

  expected<void> announce(sql_connection& sql) override {
    auto told = sql.run({"SELECT pg_notify('graphbit_runs', '')"});
    if (!told) return fail(told.error());
    return {};
  }

  std::uint64_t changes() override { return listener_.changes(); }
  void wait_for_change(std::uint64_t seen, time_point until) override {
    listener_.wait(seen, until);
  }

  expected<std::uint64_t> bytes() override {
    std::uint64_t bytes = 0;
    auto done = read([&](sql_connection& sql) -> expected<void> {
      auto rows =
          sql.run({"SELECT CAST(coalesce(sum(pg_total_relation_size(oid)), 0) AS BIGINT) "
                   "FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                   "CAST('graphbit' AS regnamespace)"});
      if (!rows) return fail(rows.error());
      bytes = static_cast<std::uint64_t>(rows->integer(0, 0));
      return {};
    });
    if (!done) return fail(done.error());
    return bytes;
  }

  // Room is autovacuum's task; rows of writers that were killed are ours.
  expected<void> shrink() override {
    return write(
        [](sql_connection& sql) -> expected<void> {
          auto gone = sql.run({"DELETE FROM writers WHERE changed_at < store_now() - $1",
                               {silent_writers_go_after.count()}});
          if (!gone) return fail(gone.error());
          return {};
        },
        nullptr);
  }

 private:
  [[nodiscard]] static std::int64_t newest() {
    return static_cast<std::int64_t>(store_schema.size());
  }
  [[nodiscard]] std::string_view writer() const noexcept { return writer_; }

  [[nodiscard]] expected<void> write_with_retries(const work& f, std::int64_t* doubt) {
    const std::lock_guard guard(mutex_);
    for (int tries = 1;; ++tries) {
      if (auto there = ensure_link(); !there) return there;
      auto done = write_once(f);
      if (done) return done;
      if (link_->broken()) {
        if (tries < tries_max && settle_by_reconnecting()) {
          if (!last_was_written_) continue;
          return {};
        }
        if (refused_) return fail(*refused_);
        if (doubt != nullptr) *doubt = doubtful_;
        return done;
      }
      static_cast<void>(link_->script("ROLLBACK"));
      if (!link_->wants_retry() || tries >= tries_max) return done;
    }
  }

  [[nodiscard]] expected<void> write_once(const work& f) {
    last_was_written_ = false;
    if (auto begun = link_->script("BEGIN"); !begun) return begun;
    const auto before = link_->rows_changed();
    if (auto worked = f(*link_); !worked) return worked;
    const bool changed = link_->rows_changed() != before;
    if (changed) {
      auto marked =
          link_->run({"INSERT INTO writers (writer, mark, changed_at) VALUES ($1, $2, store_now()) "
                      "ON CONFLICT (writer) DO UPDATE SET mark = $2, changed_at = store_now()",
                      {writer(), mark_ + 1}});
      if (!marked) return fail(marked.error());
      doubtful_ = mark_ + 1;
    }
    auto done = link_->script("COMMIT");
    if (done || !link_->broken()) doubtful_ = 0;
    if (done && changed) ++mark_;
    return done;
  }

  // After a break: true when there is a link again, and no doubt left.
  [[nodiscard]] bool settle_by_reconnecting() {
    link_.reset();
    return ensure_link().has_value();
  }

  [[nodiscard]] expected<void> ensure_link() {
    if (refused_) return fail(*refused_);
    if (link_ && !link_->broken()) return {};
    auto link = postgres_link::connect(url_, timeouts_.connect, timeouts_.call);
    if (!link) return fail(link.error());
    link_ = std::move(*link);
    if (mark_ == 0 && doubtful_ == 0) return {};
    return check_mark();
  }

  [[nodiscard]] expected<void> check_mark() {
    auto rows = link_->run({"SELECT mark FROM writers WHERE writer = $1", {writer()}});
    if (!rows) {
      // Without an answer the question stays open; without our tables it is another database.
      if (link_->broken() || rows.error().kind != error_kind::core) return fail(rows.error());
    }
    const auto found = rows && !rows->empty() ? rows->integer(0, 0) : 0;
    if (found != mark_ && (doubtful_ == 0 || found != doubtful_)) {
      refused_ = core_error(
          name_ +
          " is older than what this process has written to it: a backup was restored, or a "
          "standby took over that had not got everything. Nothing more is written. Restart "
          "this process to go on from what the database holds");
      return fail(*refused_);
    }
    last_was_written_ = doubtful_ != 0 && found == doubtful_;
    if (last_was_written_) {
      written_after_all_.insert(doubtful_);
      if (written_after_all_.size() > settled_doubts_max)
        written_after_all_.erase(written_after_all_.begin());
      mark_ = found;
    }
    doubtful_ = 0;
    return {};
  }

  // 0: our schema is not there.
  [[nodiscard]] expected<std::int64_t> read_version() {
    auto there =
        link_->run({"SELECT CAST(count(*) AS BIGINT) FROM pg_class WHERE oid = "
                    "to_regclass('graphbit.schema_version')"});
    if (!there) return fail(there.error());
    if (there->integer(0, 0) == 0) return 0;
    auto rows = link_->run({"SELECT version FROM graphbit.schema_version"});
    if (!rows) return fail(rows.error());
    const auto version = rows->empty() ? 0 : rows->integer(0, 0);
    if (version > newest())
      return fail(validation_error("store", name_ +
                                                " was written by a newer version of this "
                                                "program (schema " +
                                                std::to_string(version) + ", here " +
                                                std::to_string(newest()) + "): use that version"));
    return version;
  }

  // Within a transaction.
  [[nodiscard]] expected<void> migrate() {
    for (const auto* sql : {migrating_alone, first_of_all, store_now})
      if (auto done = link_->script(sql); !done) return done;
    auto version = read_version();  // another may have been faster
    if (!version) return fail(version.error());
    for (auto step = static_cast<std::size_t>(*version); step < store_schema.size(); ++step)
      if (auto done = link_->script(in_dialect(store_schema[step], postgres_dialect)); !done)
        return done;
    return link_->script("DELETE FROM schema_version; INSERT INTO schema_version VALUES (" +
                         std::to_string(newest()) + ")");
  }

  const std::string url_;
  const std::string name_;
  const postgres_timeouts timeouts_;
  const std::string writer_ = make_uuid();
  std::mutex mutex_;
  std::unique_ptr<postgres_link> link_;
  std::int64_t mark_ = 0;      // of the last commit that is known to be done
  std::int64_t doubtful_ = 0;  // the mark of a commit that got no answer; 0: none
  bool last_was_written_ = false;
  std::set<std::int64_t> written_after_all_;
  std::optional<error> refused_;
  postgres_listener listener_;
};

}  // namespace

expected<std::unique_ptr<sql_database>> open_postgres_store_database(
    const std::string& url, const postgres_timeouts& timeouts) {
  auto name = name_of(url);
  if (!name) return fail(name.error());
  auto database = std::make_unique<postgres_store_database>(url, std::move(*name), timeouts);
  if (auto done = database->prepare(); !done) return fail(done.error());
  return database;
}

}  // namespace graphbit
