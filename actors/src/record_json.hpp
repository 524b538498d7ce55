#pragma once

#include <string>

#include <graphbit/actors/run_result.hpp>
#include <graphbit/actors/run_store.hpp>

namespace graphbit {

/// Steady times of one run as calendar time, and back: records outlive the process whose steady
/// clock they were taken from.
class run_calendar {
 public:
  run_calendar(std::chrono::system_clock::time_point wall, time_point steady)
      : wall_(wall), steady_(steady) {}
  [[nodiscard]] std::int64_t to_ms(time_point t) const;
  [[nodiscard]] time_point from_ms(std::int64_t ms) const;

 private:
  std::chrono::system_clock::time_point wall_;
  time_point steady_;
};

// Bodies of records, as JSON text. What a reader does not find is as in a default value.

/// A node's whole result, but for the texts that were asked: those are made again from what came
/// before.
[[nodiscard]] std::string node_body(const node_result& result, const run_calendar& calendar);
/// Reads all but the texts that were asked.
void read_node_body(const json_value& body, const run_calendar& calendar, node_result& out);

/// One answer of a model, as it came; enough for the node to go on with.
[[nodiscard]] std::string call_body(const llm_call_record& answer);
[[nodiscard]] chat_response read_call_body(const json_value& body);

/// One result of a function.
[[nodiscard]] std::string tool_body(const expected<json_value>& result);
[[nodiscard]] expected<json_value> read_tool_body(const json_value& body);

[[nodiscard]] std::string error_body(const error& e);
[[nodiscard]] error read_error(const json_value& body);

}  // namespace graphbit
