#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <graphbit/actors/run_store.hpp>

#include "sql_connection.hpp"

namespace graphbit {

/// A database with our tables in it: what `sql_run_store` and `sql_limit_authority` stand on, once
/// for SQLite and once for PostgreSQL. Threads: any, several at once.
class sql_database {
 public:
  /// May be called again from its start when the database asks for another try.
  using work = std::function<expected<void>(sql_connection&)>;

  virtual ~sql_database() = default;
  /// For people; never a password.
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;
  /// All of `f`, durably, or nothing. When the connection broke while it was being committed, the
  /// Network error comes with a `doubt` to ask `was_written` by.
  [[nodiscard]] virtual expected<void> write(const work& f, std::int64_t* doubt = nullptr) = 0;
  [[nodiscard]] virtual expected<void> read(const work& f) = 0;
  [[nodiscard]] virtual expected<bool> was_written(std::int64_t doubt) = 0;
  /// Within `write`: others who `wait_for_change` are told once it is committed.
  [[nodiscard]] virtual expected<void> announce(sql_connection& sql) = 0;
  /// Grows when something may have been written by anybody.
  [[nodiscard]] virtual std::uint64_t changes() = 0;
  /// Returns when `changes` is no longer `seen`, at `until`, or sooner.
  virtual void wait_for_change(std::uint64_t seen, time_point until) = 0;
  /// On disk, with all indexes.
  [[nodiscard]] virtual expected<std::uint64_t> bytes() = 0;
  /// Gives room that pruning has freed back to the disk, a little at a time, and others their turn.
  [[nodiscard]] virtual expected<void> shrink() = 0;
};

}  // namespace graphbit
