#pragma once

#include <cstdint>
#include <string>

#include <graphbit/actors/run_store.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

/// A run as lists show it: run_id, workflow, state, created_at, changed_at, and where they are
/// known ended_at, wake_at, owner, error, forked_from. Times are UTC as RFC 3339.
[[nodiscard]] json_value run_json(const stored_run& run);

/// A record as an event: `id` (to follow on from), `event` (run_claimed, node_started,
/// llm_call_kept, tool_call_kept, wait_began, node_parked, node_completed, node_failed,
/// node_skipped, signal, cancel_requested, node_forgotten, run_completed, run_failed,
/// run_cancelled), `time`, `node` (of a sub-workflow: "outer/inner") and what the record holds.
[[nodiscard]] json_value record_event_json(const journal_record& record);

/// Whether nothing follows this record unless somebody takes the run up again.
[[nodiscard]] bool is_last_record(const journal_record& record) noexcept;

/// All events of a run in their order; each with `by`, its owner then, and the calls of nodes with
/// `asked`, what was asked. Reads the store: not from a reactor.
/// Errors: Validation{run_id}, the store's.
[[nodiscard]] expected<json_value> run_history(run_store& store, const std::string& run_id);

}  // namespace graphbit
