#include <graphbit/cluster/sqlite_batch_journal.hpp>

#include <sqlite3.h>

#include <algorithm>

#include <graphbit/runtime/random.hpp>

#include "sqlite_database.hpp"

namespace graphbit {

namespace {

constexpr std::string_view schema_version = "1";

constexpr const char* schema = R"sql(
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS lines (
    idx INTEGER PRIMARY KEY, fingerprint INTEGER NOT NULL, succeeded INTEGER NOT NULL,
    output TEXT NOT NULL);
)sql";

class sqlite_batch_journal final : public batch_journal {
 public:
  explicit sqlite_batch_journal(sqlite_database db) : db_(std::move(db)) {}

  [[nodiscard]] expected<void> open(const std::string& arguments) {
    if (auto done = db_.run(schema); !done) return done;
    if (auto done = check("version", std::string(schema_version),
                          "was written by another version of this program; finish it with that "
                          "version, or name another journal");
        !done)
      return done;
    if (auto done = check("arguments", arguments,
                          "belongs to a batch with other arguments; repeat those, or name another "
                          "journal");
        !done)
      return done;
    return read_state();
  }

  const std::string& batch_id() const override { return batch_id_; }
  std::uint64_t kept_end() const override { return kept_end_; }

  expected<std::optional<std::uint64_t>> kept(std::uint64_t index, bool succeeded_only) override {
    auto row = db_.query("SELECT fingerprint, succeeded FROM lines WHERE idx = ?1");
    if (!row) return fail(row.error());
    row->bind(1, static_cast<std::int64_t>(index));
    auto has = row->step();
    if (!has) return fail(has.error());
    if (!*has || (succeeded_only && row->integer(1) == 0)) return std::nullopt;
    return static_cast<std::uint64_t>(row->integer(0));
  }

  expected<std::optional<batch_entry>> read(std::uint64_t index) override {
    auto row = db_.query("SELECT fingerprint, succeeded, output FROM lines WHERE idx = ?1");
    if (!row) return fail(row.error());
    row->bind(1, static_cast<std::int64_t>(index));
    auto has = row->step();
    if (!has) return fail(has.error());
    if (!*has) return std::nullopt;
    return batch_entry{index, static_cast<std::uint64_t>(row->integer(0)), row->integer(1) != 0,
                       std::string(row->text(2))};
  }

  expected<void> keep(const std::vector<batch_entry>& group) override {
    auto kept = db_.transaction([&]() -> expected<void> {
      auto insert = db_.query(
          "INSERT INTO lines (idx, fingerprint, succeeded, output) VALUES (?1, ?2, ?3, ?4) "
          "ON CONFLICT (idx) DO UPDATE SET fingerprint = ?2, succeeded = ?3, output = ?4");
      if (!insert) return fail(insert.error());
      for (const auto& entry : group) {
        insert->bind(1, static_cast<std::int64_t>(entry.index));
        insert->bind(2, static_cast<std::int64_t>(entry.fingerprint));
        insert->bind(3, entry.succeeded ? 1 : 0);
        insert->bind(4, entry.output);
        if (auto done = insert->step(); !done) return fail(done.error());
        insert->reset();
      }
      return {};
    });
    if (kept)
      for (const auto& entry : group) kept_end_ = std::max(kept_end_, entry.index + 1);
    return kept;
  }

  expected<void> each(bool succeeded, const std::function<bool(std::string_view)>& f) override {
    auto row = db_.query("SELECT output FROM lines WHERE succeeded = ?1 ORDER BY idx");
    if (!row) return fail(row.error());
    row->bind(1, succeeded ? 1 : 0);
    for (;;) {
      auto has = row->step();
      if (!has) return fail(has.error());
      if (!*has || !f(row->text(0))) return {};
    }
  }

 private:
  // A value that is fixed when the journal is made and must be the same ever after.
  expected<void> check(const std::string& key, const std::string& value, const char* if_other) {
    auto row = db_.query("SELECT value FROM meta WHERE key = ?1");
    if (!row) return fail(row.error());
    row->bind(1, key);
    auto has = row->step();
    if (!has) return fail(has.error());
    if (*has) {
      if (row->text(0) == value) return {};
      return fail(validation_error("journal", "the journal '" + db_.path() + "' " + if_other));
    }
    return remember(key, value);
  }

  expected<void> remember(const std::string& key, const std::string& value) {
    auto insert = db_.query("INSERT INTO meta (key, value) VALUES (?1, ?2)");
    if (!insert) return fail(insert.error());
    insert->bind(1, key);
    insert->bind(2, value);
    auto done = insert->step();
    if (!done) return fail(done.error());
    return {};
  }

  expected<void> read_state() {
    {
      auto row = db_.query("SELECT value FROM meta WHERE key = 'batch_id'");
      if (!row) return fail(row.error());
      auto has = row->step();
      if (!has) return fail(has.error());
      if (*has) batch_id_ = std::string(row->text(0));
    }
    if (batch_id_.empty()) {
      batch_id_ = make_uuid();
      if (auto done = remember("batch_id", batch_id_); !done) return done;
    }
    auto row = db_.query("SELECT coalesce(max(idx) + 1, 0) FROM lines");
    if (!row) return fail(row.error());
    auto has = row->step();
    if (!has) return fail(has.error());
    kept_end_ = static_cast<std::uint64_t>(row->integer(0));
    return {};
  }

  sqlite_database db_;
  std::string batch_id_;
  std::uint64_t kept_end_ = 0;
};

[[nodiscard]] error explain(error e, const std::string& path) {
  if (e.resource_type != "database_lock") return e;
  return validation_error("journal", "the journal '" + path +
                                         "' is in use by another process; wait for it, or name "
                                         "another journal");
}

}  // namespace

expected<std::unique_ptr<batch_journal>> open_sqlite_batch_journal(const std::string& path,
                                                                   const std::string& arguments) {
  auto db = sqlite_database::open(path, sqlite_sharing::alone);
  if (!db) return fail(explain(std::move(db.error()), path));
  auto journal = std::make_unique<sqlite_batch_journal>(std::move(*db));
  if (auto done = journal->open(arguments); !done)
    return fail(explain(std::move(done.error()), path));
  return journal;
}

}  // namespace graphbit
