#include "sqlite_store_database.hpp"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <graphbit/runtime/clock.hpp>

#include "../sqlite_database.hpp"
#include "commit_mark.hpp"
#include "store_schema.hpp"

namespace graphbit {

namespace {

constexpr std::int64_t application_id = 0x67625253;  // "gbRS"
constexpr milliseconds look_for_changes_every{20};   // of other processes
// SQLite's lock goes to who looks at the right moment: who prunes step after step, without a pause,
// starves other processes that record.
constexpr milliseconds give_way{30};
constexpr const char* shrink_a_little = "PRAGMA incremental_vacuum(2000)";

void store_now(sqlite3_context* context, int, sqlite3_value**) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  sqlite3_result_int64(context, std::chrono::duration_cast<milliseconds>(now).count());
}

class sqlite_connection final : public sql_connection {
 public:
  explicit sqlite_connection(sqlite_database& db) : db_(db) {}

  expected<sql_rows> run(const sql_call& call) override {
    auto statement = db_.query(words_of(call.sql));
    if (!statement) return fail(statement.error());
    for (std::size_t i = 0; i < call.params.size(); ++i)
      std::visit(binder{*statement, static_cast<int>(i) + 1}, call.params[i]);
    const int columns = sqlite3_column_count(statement->handle());
    sql_rows rows(static_cast<std::size_t>(columns));
    for (;;) {
      auto has = statement->step();
      if (!has) return fail(has.error());
      if (!*has) return rows;
      for (int c = 0; c < columns; ++c) rows.add(read(*statement, c));
    }
  }

  expected<std::vector<sql_rows>> run_all(std::span<const sql_call> calls) override {
    std::vector<sql_rows> all;
    all.reserve(calls.size());
    for (const auto& call : calls) {
      auto rows = run(call);
      if (!rows) return fail(rows.error());
      all.push_back(std::move(*rows));
    }
    return all;
  }

 private:
  struct binder {
    sqlite_database::statement& to;
    int at;
    void operator()(std::nullptr_t) const {}  // unbound is NULL
    void operator()(std::int64_t n) const { to.bind(at, n); }
    void operator()(std::string_view text) const { to.bind(at, text); }
    void operator()(sql_bytes bytes) const { to.bind_bytes(at, bytes.view); }
  };

  [[nodiscard]] static sql_rows::cell read(const sqlite_database::statement& row, int column) {
    switch (sqlite3_column_type(row.handle(), column)) {
      case SQLITE_NULL:
        return nullptr;
      case SQLITE_INTEGER:
        return row.integer(column);
      case SQLITE_BLOB:
        return std::string(row.bytes(column));
      default:
        return std::string(row.text(column));
    }
  }

  // SQLite numbers its parameters by "?1".
  [[nodiscard]] const char* words_of(const char* sql) {
    auto& words = words_[sql];
    if (words.empty())
      for (words = sql; words.find('$') != std::string::npos;) words[words.find('$')] = '?';
    return words.c_str();
  }

  sqlite_database& db_;
  std::map<const char*, std::string> words_;
};

class sqlite_store_database final : public sql_database {
 public:
  sqlite_store_database(sqlite_database db, commit_mark mark)
      : db_(std::move(db)), sql_(db_), mark_(std::move(mark)) {}

  // Before anything else.
  [[nodiscard]] expected<void> prepare() {
    sqlite3_create_function_v2(db_.handle(), "store_now", 0, SQLITE_UTF8, nullptr, store_now,
                               nullptr, nullptr, nullptr);
    bool is_new = false;
    auto done = db_.transaction([&]() -> expected<void> {
      auto version = check_owner();
      if (!version) return fail(version.error());
      is_new = *version == 0;
      return migrate(*version);
    });
    if (!done) return done;
    return check_mark(is_new);
  }

  const std::string& name() const noexcept override { return db_.path(); }

  expected<void> write(const work& f, std::int64_t*) override {
    {
      const std::lock_guard guard(mutex_);
      std::int64_t mark = 0;
      const auto changed_before = sqlite3_total_changes64(db_.handle());
      auto done = db_.transaction([&]() -> expected<void> {
        if (auto worked = f(sql_); !worked) return worked;
        if (sqlite3_total_changes64(db_.handle()) == changed_before) return {};
        auto rows =
            sql_.run({"INSERT INTO writers (writer, mark, changed_at) VALUES ('', 1, "
                      "store_now()) ON CONFLICT (writer) DO UPDATE SET mark = "
                      "writers.mark + 1, changed_at = store_now() RETURNING mark"});
        if (!rows) return fail(rows.error());
        mark = rows->integer(0, 0);
        if (mark <= seen_mark_) return fail(is_behind(mark - 1, seen_mark_));
        return {};
      });
      if (!done || mark == 0) return done;
      seen_mark_ = mark;
      mark_.write(mark);
      ++changes_;
    }
    changed_.notify_all();
    return {};
  }

  expected<void> read(const work& f) override {
    const std::lock_guard guard(mutex_);
    if (auto begun = db_.run("BEGIN"); !begun) return begun;
    auto done = f(sql_);
    auto ended = db_.run("COMMIT");
    return done ? ended : done;
  }

  expected<bool> was_written(std::int64_t) override { return false; }  // there are no doubts

  expected<void> announce(sql_connection&) override { return {}; }

  std::uint64_t changes() override {
    const std::lock_guard guard(mutex_);
    return look();
  }

  void wait_for_change(std::uint64_t seen, time_point until) override {
    std::unique_lock guard(mutex_);
    while (look() == seen) {
      const auto now = system_clock().now();
      if (now >= until) return;
      changed_.wait_for(guard, std::min<duration>(until - now, look_for_changes_every));
    }
  }

  expected<std::uint64_t> bytes() override {
    const std::lock_guard guard(mutex_);
    auto pages = db_.number_of("PRAGMA page_count");
    if (!pages) return fail(pages.error());
    auto page_bytes = db_.number_of("PRAGMA page_size");
    if (!page_bytes) return fail(page_bytes.error());
    std::error_code none;
    const auto log = std::filesystem::file_size(db_.path() + "-wal", none);
    return static_cast<std::uint64_t>(*pages * *page_bytes) + (none ? 0 : log);
  }

  expected<void> shrink() override {
    {
      const std::lock_guard guard(mutex_);
      if (auto done = db_.run(shrink_a_little); !done) return done;
    }
    std::this_thread::sleep_for(give_way);
    return {};
  }

 private:
  // The version of the schema; 0 in a new file.
  [[nodiscard]] expected<std::int64_t> check_owner() {
    auto owner = db_.number_of("PRAGMA application_id");
    if (!owner) return fail(owner.error());
    auto tables = db_.number_of("SELECT count(*) FROM sqlite_master");
    if (!tables) return fail(tables.error());
    if (*owner != application_id && *tables != 0)
      return fail(validation_error("store", "'" + db_.path() +
                                                "' is a database, but no store of runs: name "
                                                "another file"));
    auto version = db_.number_of("PRAGMA user_version");
    if (version && *version > static_cast<std::int64_t>(store_schema.size()))
      return fail(validation_error(
          "store", "'" + db_.path() + "' was written by a newer version of this program (schema " +
                       std::to_string(*version) + ", here " + std::to_string(store_schema.size()) +
                       "): use that version"));
    return version;
  }

  [[nodiscard]] expected<void> migrate(std::int64_t version) {
    const auto from = static_cast<std::size_t>(version);
    if (from == store_schema.size()) return {};
    for (auto step = from; step < store_schema.size(); ++step)
      if (auto done = db_.run(in_dialect(store_schema[step], sqlite_dialect).c_str()); !done)
        return done;
    const auto stamp = "PRAGMA application_id=" + std::to_string(application_id) +
                       "; PRAGMA user_version=" + std::to_string(store_schema.size());
    return db_.run(stamp.c_str());
  }

  [[nodiscard]] expected<void> check_mark(bool is_new) {
    auto rows = sql_.run({"SELECT mark FROM writers WHERE writer = ''"});
    if (!rows) return fail(rows.error());
    seen_mark_ = rows->empty() ? 0 : rows->integer(0, 0);
    const auto marked = mark_.read();
    if (is_new || !marked)
      mark_.write(seen_mark_);
    else if (*marked > seen_mark_)
      return fail(is_behind(seen_mark_, *marked));
    return {};
  }

  [[nodiscard]] error is_behind(std::int64_t mark, std::int64_t expected_mark) const {
    return core_error("'" + db_.path() + "' has lost its last " +
                      std::to_string(expected_mark - mark) +
                      " commits: its write-ahead log was damaged, or an older copy was put in its "
                      "place. Restore the newest copy; or, to go on with what is there, stop all "
                      "its users and remove '" +
                      db_.path() + "-mark'");
  }

  // Precondition: locked.
  [[nodiscard]] std::uint64_t look() {
    const auto version = db_.number_of("PRAGMA data_version");  // of other connections' commits
    if (version && *version != data_version_) {
      data_version_ = *version;
      ++changes_;
    }
    return changes_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  sqlite_database db_;
  sqlite_connection sql_;
  commit_mark mark_;
  std::int64_t seen_mark_ = 0;
  std::int64_t data_version_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace

expected<std::unique_ptr<sql_database>> open_sqlite_store_database(const std::string& path) {
  auto db = sqlite_database::open(path, sqlite_sharing::shared);
  if (!db) return fail(db.error());
  auto mark = commit_mark::open(path);
  if (!mark) return fail(mark.error());
  auto store = std::make_unique<sqlite_store_database>(std::move(*db), std::move(*mark));
  if (auto done = store->prepare(); !done) return fail(done.error());
  return store;
}

}  // namespace graphbit
