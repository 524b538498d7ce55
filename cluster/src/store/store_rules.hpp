#pragma once

#include <string>

#include <graphbit/actors/run_store.hpp>

namespace graphbit::store_rules {

/// A lease that was let go.
inline constexpr wall_time released{};

[[nodiscard]] inline bool is_due(const stored_run& run, wall_time now) {
  if (run.state == stored_state::running) return run.lease_until <= now;
  return run.state == stored_state::parked && run.wake_at && *run.wake_at <= now;
}

/// The caller of a claim knows that this run's owner is dead.
[[nodiscard]] inline bool is_orphan_of(const stored_run& run, const std::string& gone) {
  return run.state == stored_state::running && !gone.empty() && run.owner == gone;
}

/// What gives a claim of this run back.
[[nodiscard]] inline run_change state_of(const stored_run& run) {
  return {.state = run.state, .wake_at = run.wake_at, .failure_json = run.failure_json};
}

enum class claim_answer : std::uint8_t { take, not_due, has_ended, is_held };

/// What a claim is told.
[[nodiscard]] inline claim_answer answer_claim(const stored_run& run, const run_lease& lease,
                                               claim_rule rule, const std::string& gone,
                                               wall_time now) {
  if (rule == claim_rule::due)
    return is_due(run, now) || is_orphan_of(run, gone) ? claim_answer::take : claim_answer::not_due;
  if (is_ended(run.state) && rule != claim_rule::ended) return claim_answer::has_ended;
  if (run.lease_until > now && run.owner != lease.owner && !is_orphan_of(run, gone))
    return claim_answer::is_held;
  return claim_answer::take;
}

}  // namespace graphbit::store_rules
