#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include <graphbit/actors/call.hpp>
#include <graphbit/actors/policy/breaker.hpp>
#include <graphbit/actors/policy/limiter.hpp>
#include <graphbit/runtime/clock.hpp>

namespace graphbit::sim {

/// A promise that was not kept; the text says which, and when.
struct violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What one attempt is, as the referee sees it when it goes out.
struct attempt_facts {
  std::uint32_t call = 0;
  std::uint64_t flow = 0;
  std::uint32_t flow_in_flight_max = 0;
  priority_class priority = priority_class::live;
  std::uint64_t tokens = 0;
  bool probe = false;
  breaker_state breaker = breaker_state::closed;  ///< before it went out
  std::uint32_t breaker_life = 0;                 ///< incarnations of the breaker before this one
};

/// Keeps its own books of a simulation, in the plainest way, and throws a `violation` at the first
/// step that breaks a promise: one outcome per call, never past a deadline, never over a limit in
/// any window, silent while refusals are the rule, retries within the budget, one probe, no opening
/// by the caller's errors, no starvation, restarts within intensity.
class referee {
 public:
  referee(policy::limiter_settings limits, double budget_capacity, time_point start)
      : limits_(limits), budget_capacity_(budget_capacity), start_(start) {}

  void call_arrived(std::uint32_t call, time_point deadline_at);
  void call_ended(std::uint32_t call, time_point now);
  void call_succeeded() { ++successes_; }
  void attempt_sent(const attempt_facts& facts, time_point now);
  void attempt_over(const attempt_facts& facts, policy::attempt_outcome outcome, time_point now);
  /// An answer or a 429 came; `until`: the server's time, at most 60 s ahead.
  void answered_with(bool refusal, time_point until, time_point now);
  /// A retry was paid for. A hedge, too; one that did not go out gives its token back.
  void budget_paid(time_point now);
  void budget_given_back() { --paid_; }
  void breaker_opened(bool by_probe, time_point now);
  /// The actor died, and what its policies knew with it.
  void breaker_restarted() {
    ++breaker_life_;
    probes_out_ = 0;
  }
  void client_restarted();
  /// A grant while calls of the named classes could have gone.
  void granted(priority_class to, bool live_waits, bool batch_waits, time_point now);
  void restart_ordered(std::uint32_t child, time_point now);
  void supervisor_restarted() { restarts_.clear(); }
  /// The simulation is over: nothing may be left.
  void finished(time_point now) const;

 private:
  struct call_book {
    time_point deadline_at = never;
    std::uint32_t ends = 0;
  };
  void require(bool kept, const char* promise, time_point now) const;
  [[nodiscard]] bool refusals_are_the_rule() const;
  void check_windows(const attempt_facts& facts, time_point now);

  policy::limiter_settings limits_;
  double budget_capacity_;
  time_point start_;
  std::vector<call_book> calls_;
  std::uint64_t successes_ = 0;
  std::int64_t paid_ = 0;
  std::uint32_t breaker_life_ = 0;
  std::size_t in_flight_ = 0, probes_out_ = 0;
  std::array<std::size_t, 2> in_flight_by_class_{};
  std::unordered_map<std::uint64_t, std::size_t> in_flight_by_flow_;
  std::deque<time_point> sent_;  // within the last minute
  std::deque<std::pair<time_point, std::uint64_t>> tokens_;
  std::uint64_t tokens_sum_ = 0;
  std::deque<time_point> failures_;  // within the last minute
  std::deque<bool> refusals_;        // of the last 20 answers: it was one
  time_point quiet_until_{};
  std::uint32_t passed_over_[2] = {0, 0};
  std::map<std::uint32_t, std::deque<time_point>> restarts_;
};

}  // namespace graphbit::sim
