#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <graphbit/runtime/clock.hpp>

#include "libpq.hpp"
#include "sql_connection.hpp"

namespace graphbit {

/// One connection to PostgreSQL, and its errors as ours: Network when the server cannot be reached
/// or is going away (the link is `broken` and has to be made anew), Authentication, Configuration
/// for a database that is not there, ResourceExhausted for a full disk or a lock, Core for damage.
///
/// Never waits for ever: every call has a deadline, past which the link is broken and its socket is
/// closed; the server gives up on its own before that. One thread at a time.
class postgres_link final : public sql_connection {
 public:
  /// `url`: as libpq takes it. How long connecting may take, and every call afterwards.
  [[nodiscard]] static expected<std::unique_ptr<postgres_link>> connect(
      const std::string& url, milliseconds connect_timeout, milliseconds call_timeout);

  expected<sql_rows> run(const sql_call& call) override;
  expected<std::vector<sql_rows>> run_all(std::span<const sql_call> calls) override;
  /// Statements without values or results.
  [[nodiscard]] expected<void> script(const std::string& sql);

  [[nodiscard]] bool broken() const noexcept { return broken_; }
  /// The server asks for the whole transaction again: a deadlock, or a row that went meanwhile.
  [[nodiscard]] bool wants_retry() const noexcept { return wants_retry_; }
  /// Rows written since the connection was made.
  [[nodiscard]] std::uint64_t rows_changed() const noexcept { return rows_changed_; }
  [[nodiscard]] int socket() const noexcept { return pq_.PQsocket(handle_.get()); }
  /// Reads what has come, without waiting. True: others announced something.
  [[nodiscard]] bool read_notifications();

 private:
  using result = std::unique_ptr<PGresult, decltype(libpq::PQclear)>;
  struct statement {
    std::string name;
  };

  postgres_link(const libpq& pq, PGconn* handle, milliseconds call_timeout)
      : pq_(pq), handle_(handle, pq.PQfinish), call_timeout_(call_timeout) {}
  [[nodiscard]] expected<void> finish_connecting(time_point until);
  [[nodiscard]] expected<const statement*> prepare(const sql_call& call);
  [[nodiscard]] bool send(const statement& s, const sql_call& call);
  /// Writes what is queued and waits for the next result; null: the end of a statement's results.
  [[nodiscard]] expected<result> next_result(time_point until);
  /// One result and the end after it.
  [[nodiscard]] expected<result> only_result(time_point until);
  [[nodiscard]] expected<void> wait(bool to_write, time_point until);
  [[nodiscard]] expected<sql_rows> rows_of(const PGresult* r);
  [[nodiscard]] error error_of(const PGresult* r);
  [[nodiscard]] error broke(const std::string& why);

  const libpq& pq_;
  std::unique_ptr<PGconn, decltype(libpq::PQfinish)> handle_;
  const milliseconds call_timeout_;
  std::map<const char*, statement> statements_;
  std::uint64_t rows_changed_ = 0;
  bool broken_ = false;
  bool wants_retry_ = false;
};

}  // namespace graphbit
