#pragma once

#include <optional>
#include <string>
#include <vector>

#include <graphbit/actors/run_store.hpp>

#include "sql_connection.hpp"
#include "stored_value.hpp"

namespace graphbit {

[[nodiscard]] inline std::int64_t to_ms(wall_time t) { return t.time_since_epoch().count(); }
[[nodiscard]] inline wall_time from_ms(std::int64_t ms) { return wall_time(milliseconds(ms)); }

/// A row of `runs` as SQL gives it.
struct run_row {
  stored_run run;  ///< without its workflow and inputs
  std::int64_t no = 0;
  std::int64_t message_id = 0, told_id = 0;
  wall_time now{};  ///< of the store, when the row was read
};

/// "SELECT ... FROM runs " and the rest of a statement whose rows `read_run_row` can read.
[[nodiscard]] std::string select_runs(std::string_view rest);
[[nodiscard]] run_row read_run_row(const sql_rows& rows, std::size_t at);

/// The run of that name, for reading or (`lock`) for changing it.
[[nodiscard]] expected<std::optional<run_row>> find_run(sql_connection& sql,
                                                        const std::string& run_id, bool lock);
/// Its workflow and its inputs, and proof that nothing of the row was damaged.
[[nodiscard]] expected<void> read_run_texts(sql_connection& sql, run_row& row);
[[nodiscard]] std::int64_t checksum_of_run(const stored_run& run, std::string_view workflow,
                                           std::string_view inputs);

/// The statements that add records to a run, the first under `first_id`.
void add_record_calls(std::int64_t run_no, std::uint64_t first_id,
                      const std::vector<journal_record>& records,
                      const std::vector<stored_value>& bodies, std::vector<sql_call>& calls);
/// Up to `limit` records after `after`. Error: Core for damaged or missing ones.
[[nodiscard]] expected<std::vector<journal_record>> read_records(sql_connection& sql,
                                                                 const run_row& row,
                                                                 std::uint64_t after,
                                                                 std::uint64_t limit);

}  // namespace graphbit
