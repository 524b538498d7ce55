#include <graphbit/actors/policy/retry.hpp>

#include <algorithm>

namespace graphbit::policy {

namespace {

give_up_reason forbidden(const retry_settings& settings, const error& failure,
                         const retry_state& state) noexcept {
  if (failure.cancelled) return give_up_reason::cancelled;
  if (state.delivered) return give_up_reason::delivered;
  if (failure.retry == retry_rule::never) return give_up_reason::not_retryable;
  if (state.should_retry == false) return give_up_reason::server_said_no;
  if (failure.retry == retry_rule::once && state.retried_unparsable) {
    return give_up_reason::retries_spent;
  }
  if (state.attempts > settings.retries_max) return give_up_reason::retries_spent;
  return give_up_reason::none;
}

/// How long may be waited at most: a wait of this length is already too long.
duration wait_bound(const retry_state& state, time_point now) noexcept {
  const duration to_deadline =
      state.deadline_at == never ? duration::max() : state.deadline_at - now;
  return std::min(to_deadline, state.work_left.value_or(duration::max()));
}

}  // namespace

std::string_view to_string(give_up_reason reason) noexcept {
  switch (reason) {
    case give_up_reason::none:
      return "none";
    case give_up_reason::cancelled:
      return "cancelled";
    case give_up_reason::not_retryable:
      return "not retryable";
    case give_up_reason::delivered:
      return "text was already delivered";
    case give_up_reason::server_said_no:
      return "the server said not to retry";
    case give_up_reason::retries_spent:
      return "retries spent";
    case give_up_reason::wait_too_long:
      return "the server's wait is too long";
    case give_up_reason::deadline:
      return "no time left";
    case give_up_reason::budget_spent:
      return "retry budget spent";
  }
  return "unknown";
}

retry_decision decide_retry(const retry_settings& settings, const error& failure,
                            const retry_state& state, time_point now, retry_budget& budget,
                            random_source& random) {
  if (const auto reason = forbidden(settings, failure, state); reason != give_up_reason::none) {
    return {reason, duration{0}, duration{0}};
  }
  const duration bound = wait_bound(state, now);
  const duration server_wait = failure.retry_after ? duration(*failure.retry_after) : duration{0};
  if (server_wait > settings.server_wait_max || (server_wait.count() > 0 && server_wait >= bound)) {
    return {give_up_reason::wait_too_long, duration{0}, server_wait};
  }
  // Our own backoff comes on top, so that all who were told the same time do not come at once.
  duration wait = server_wait + backoff(settings, state.attempts, random);
  if (wait >= bound && server_wait.count() > 0) wait = server_wait;
  if (wait >= bound) return {give_up_reason::deadline, duration{0}, duration{0}};
  if (!budget.take()) return {give_up_reason::budget_spent, duration{0}, server_wait};
  return {give_up_reason::none, wait, server_wait};
}

duration backoff(const retry_settings& settings, std::uint32_t n, random_source& random) noexcept {
  duration longest = std::min(settings.backoff_first, settings.backoff_max);
  for (std::uint32_t i = 1; i < n && longest < settings.backoff_max; ++i) {
    longest = std::min(longest * 2, settings.backoff_max);
  }
  return std::chrono::duration_cast<duration>(longest * random.uniform());
}

std::optional<bool> parse_should_retry(std::string_view value) noexcept {
  if (value == "true" || value == "True") return true;
  if (value == "false" || value == "False") return false;
  return std::nullopt;
}

}  // namespace graphbit::policy
