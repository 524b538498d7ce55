#include "sqlite_database.hpp"

#include <utility>

namespace graphbit {

namespace {

constexpr int turn_wait_ms = 5'000;

}  // namespace

expected<sqlite_database> sqlite_database::open(const std::string& path, sqlite_sharing sharing) {
  sqlite3* raw = nullptr;
  const int failed =
      sqlite3_open_v2(path.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  sqlite_database db(raw, path);
  if (failed != SQLITE_OK) return fail(db.last_error());
  if (auto done = db.make_durable(sharing); !done) return fail(done.error());
  return db;
}

expected<void> sqlite_database::make_durable(sqlite_sharing sharing) {
  if (sharing == sqlite_sharing::alone) {
    if (auto done = run("PRAGMA locking_mode=EXCLUSIVE"); !done) return done;
  } else {
    sqlite3_busy_timeout(db_.get(), turn_wait_ms);
  }
  if (auto done = run("PRAGMA journal_mode=WAL"); !done) return done;
  return run("PRAGMA synchronous=FULL");
}

expected<std::int64_t> sqlite_database::number_of(const char* pragma) {
  auto row = query(pragma);
  if (!row) return fail(row.error());
  auto has = row->step();
  if (!has) return fail(has.error());
  return row->integer(0);
}

error sqlite_database::last_error() const {
  const int code = db_ ? sqlite3_errcode(db_.get()) : SQLITE_NOMEM;
  const std::string words = db_ ? sqlite3_errmsg(db_.get()) : "out of memory";
  switch (code) {
    case SQLITE_FULL:
      return resource_error("disk",
                            "the disk of '" + path_ + "' is full: free some room and go on");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return resource_error("database_lock", "'" + path_ + "' is in use by another process");
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return runtime_error("open", "cannot write '" + path_ + "' (" + words +
                                       "): check that its folder exists and may be written");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return core_error("'" + path_ + "' is damaged or no database (" + words +
                        "): restore it from a copy, or move it away and start again");
    case SQLITE_IOERR:
      return resource_error(
          "disk", "reading or writing '" + path_ + "' failed (" + words + "): check the disk");
    default:
      return core_error("'" + path_ + "': " + words);
  }
}

expected<void> sqlite_database::run(const char* sql) {
  if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return fail(last_error());
  return {};
}

expected<sqlite_database::statement> sqlite_database::query(const char* sql) {
  auto& kept = statements_[sql];
  if (!kept) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr) !=
        SQLITE_OK)
      return fail(last_error());
    kept.reset(raw);
  }
  return statement(*this, kept.get());
}

expected<void> sqlite_database::transaction(const std::function<expected<void>()>& f) {
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
  auto done = f();
  if (done) done = run("COMMIT");
  if (!done) static_cast<void>(run("ROLLBACK"));
  return done;
}

void sqlite_database::statement::bind(int at, std::int64_t value) {
  sqlite3_bind_int64(handle_, at, value);
}

void sqlite_database::statement::bind(int at, std::string_view value) {
  sqlite3_bind_text64(handle_, at, value.data() == nullptr ? "" : value.data(), value.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
}

void sqlite_database::statement::bind_bytes(int at, std::string_view value) {
  // A null pointer would bind NULL, and no bytes are not that.
  sqlite3_bind_blob64(handle_, at, value.data() == nullptr ? "" : value.data(), value.size(),
                      SQLITE_STATIC);
}

expected<bool> sqlite_database::statement::step() {
  switch (sqlite3_step(handle_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return fail(db_->last_error());
  }
}

void sqlite_database::statement::reset() {
  if (handle_ == nullptr) return;
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

std::int64_t sqlite_database::statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

std::string_view sqlite_database::statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::string_view sqlite_database::statement::bytes(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

}  // namespace graphbit
