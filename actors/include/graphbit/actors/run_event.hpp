#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

class run_result;

/// What happened.
enum class run_event_kind : std::uint8_t {
  workflow_started,
  workflow_completed,
  workflow_failed,
  node_started,
  node_completed,
  node_failed,
  node_skipped,  ///< ours, beside the contract's events
  token,
  llm_call_started,
  llm_call_completed,
  tool_call_started,
  tool_call_completed,
  tool_call_failed,
};

/// One thing that happened in a run. Only the fields of its kind are filled (contract section 6.4).
struct run_event {
  run_event_kind kind = run_event_kind::workflow_started;  ///< says which fields are filled
  std::chrono::system_clock::time_point time{};            ///< by the calendar
  std::string run_id;                                      ///< in every event
  std::string workflow_id;                                 ///< workflow_started
  std::string workflow_name;                               ///< workflow_started
  std::uint32_t total_nodes = 0;                           ///< workflow_started
  std::string node_id;                                     ///< of a node and of its calls
  std::string node_name;                                   ///< of a node and of its calls
  std::string call_id;                                     ///< llm_call_id or tool_call_id
  std::uint32_t iteration = 0;   ///< of the agent's turns with its tools, from 1
  std::string name;              ///< the model, or the tool
  std::string text;              ///< output, content, parameters, or why a node was skipped
  std::string finish_reason;     ///< of a call that completed
  double duration_ms = 0;        ///< of a call of a model or a tool that has ended
  std::optional<error> failure;  ///< of what failed
  std::shared_ptr<const run_result> result;  ///< workflow_completed, workflow_failed
};

/// Hears a run's events in their order, on the run's reactor. Must not block and must not throw.
using run_listener = std::function<void(const run_event& event)>;

/// "workflow_started", ...
[[nodiscard]] std::string_view to_string(run_event_kind kind) noexcept;
/// "workflow", "node", "llm" or "tool".
[[nodiscard]] std::string_view category_of(run_event_kind kind) noexcept;
/// "started", "completed", "failed" or "token".
[[nodiscard]] std::string_view phase_of(run_event_kind kind) noexcept;
/// "timeout_error", "connection_error", "permission_error", "value_error" or "runtime_error".
[[nodiscard]] std::string_view error_type_of(const error& e) noexcept;
/// True for `workflow_completed` and `workflow_failed`, after which nothing comes.
[[nodiscard]] bool is_terminal(run_event_kind kind) noexcept;
/// The dict of contract section 6.4 (without `result`, which is no JSON).
[[nodiscard]] json_value to_json(const run_event& event);
/// UTC as RFC 3339 with microseconds: "2026-01-31T12:00:00.000000Z".
[[nodiscard]] std::string to_rfc3339(std::chrono::system_clock::time_point t);

}  // namespace graphbit
