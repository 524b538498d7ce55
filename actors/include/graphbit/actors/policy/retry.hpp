#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <graphbit/actors/policy/retry_budget.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/random.hpp>

namespace graphbit::policy {

struct retry_settings {
  std::uint32_t retries_max = 3;
  duration backoff_first = milliseconds(100);  ///< doubles per retry, full jitter
  duration backoff_max = seconds(5);
  duration server_wait_max = seconds(60);  ///< a longer retry-after fails at once
};

/// Where one call stands when an attempt of it has failed.
struct retry_state {
  std::uint32_t attempts = 1;          ///< made so far, the failed one included
  bool delivered = false;              ///< a part of the answer has reached the caller
  bool retried_unparsable = false;     ///< the one retry of `retry_rule::once` is used up
  std::optional<bool> should_retry{};  ///< the server's `x-should-retry`
  time_point deadline_at = never;
  std::optional<duration> work_left{};  ///< for attempts and backoff
};

enum class give_up_reason : std::uint8_t {
  none,            ///< not given up: retry
  cancelled,       ///< the caller does not want it any more
  not_retryable,   ///< a retry cannot help, or could act twice
  delivered,       ///< text has reached the caller
  server_said_no,  ///< x-should-retry: false
  retries_spent,   ///< all retries are used up
  wait_too_long,   ///< the server's wait passes the cap, the deadline or the work budget
  deadline,        ///< our own backoff would pass the deadline or the work budget
  budget_spent,    ///< the provider's retry budget is at or under half
};
[[nodiscard]] std::string_view to_string(give_up_reason reason) noexcept;

struct retry_decision {
  give_up_reason reason = give_up_reason::none;
  duration after{0};  ///< retry: how long to wait first, never sooner than the server said
  /// `wait_too_long`: fail with RateLimit and this `retry_after`.
  duration server_wait{0};
  [[nodiscard]] bool retry() const noexcept { return reason == give_up_reason::none; }
};

/// Decides what follows a failed attempt. A pure function but for the budget, whose token it takes
/// exactly when the decision is to retry. A wait stated by the server is `failure.retry_after`.
[[nodiscard]] retry_decision decide_retry(const retry_settings& settings, const error& failure,
                                          const retry_state& state, time_point now,
                                          retry_budget& budget, random_source& random);

/// The n-th retry's backoff (n from 1): uniform in [0, min(cap, first x 2^(n-1))].
[[nodiscard]] duration backoff(const retry_settings& settings, std::uint32_t n,
                               random_source& random) noexcept;

/// Reads an `x-should-retry` header; nothing when it is absent (empty) or neither true nor false.
[[nodiscard]] std::optional<bool> parse_should_retry(std::string_view value) noexcept;

}  // namespace graphbit::policy
