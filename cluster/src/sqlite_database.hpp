#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// Who else may have the file open.
enum class sqlite_sharing : std::uint8_t {
  alone,   ///< the file is locked to this connection until it is closed
  shared,  ///< processes of this machine take turns; each waits 5 s for its turn
};

/// One SQLite connection with its prepared statements, and SQLite's result codes as our errors:
/// full disk and locks are ResourceExhausted ("disk", "database_lock"), damage is Core.
/// In WAL mode with synchronous=FULL: what was committed survives a power loss.
/// One thread at a time.
class sqlite_database {
 public:
  /// A prepared statement on loan: reset when it goes out of scope.
  class statement {
   public:
    statement(sqlite_database& db, sqlite3_stmt* handle) : db_(&db), handle_(handle) {}
    ~statement() { reset(); }
    statement(statement&& other) noexcept
        : db_(other.db_), handle_(std::exchange(other.handle_, nullptr)) {}
    statement& operator=(statement&&) = delete;

    void bind(int at, std::int64_t value);
    void bind(int at, int value) { bind(at, static_cast<std::int64_t>(value)); }
    /// `value` must live until the next step.
    void bind(int at, std::string_view value);
    void bind_bytes(int at, std::string_view value);
    /// True: a row is there; false: the end.
    [[nodiscard]] expected<bool> step();
    void reset();
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::string_view bytes(int column) const;
    [[nodiscard]] sqlite3_stmt* handle() const noexcept { return handle_; }

   private:
    sqlite_database* db_;
    sqlite3_stmt* handle_;
  };

  [[nodiscard]] static expected<sqlite_database> open(const std::string& path,
                                                      sqlite_sharing sharing);

  /// Statements without results.
  [[nodiscard]] expected<void> run(const char* sql);
  /// Prepared once, kept for the next time. `sql` must live as long as this.
  [[nodiscard]] expected<statement> query(const char* sql);
  /// All of `f` or nothing.
  [[nodiscard]] expected<void> transaction(const std::function<expected<void>()>& f);
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] sqlite3* handle() const noexcept { return db_.get(); }
  /// What "PRAGMA name" gives as a number.
  [[nodiscard]] expected<std::int64_t> number_of(const char* pragma);

 private:
  friend class statement;
  struct close_database {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  struct finalize_statement {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  sqlite_database(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  [[nodiscard]] error last_error() const;
  [[nodiscard]] expected<void> make_durable(sqlite_sharing sharing);

  std::unique_ptr<sqlite3, close_database> db_;
  std::string path_;
  std::map<const char*, std::unique_ptr<sqlite3_stmt, finalize_statement>> statements_;
};

}  // namespace graphbit
