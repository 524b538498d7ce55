#include <simulation/referee.hpp>

#include <algorithm>
#include <string>

namespace graphbit::sim {

namespace {

constexpr auto minute = std::chrono::minutes(1);

template <class Deque, class Time>
void forget_before(Deque& deque, Time&& time_of, time_point oldest) {
  while (!deque.empty() && time_of(deque.front()) < oldest) deque.pop_front();
}

}  // namespace

void referee::require(bool kept, const char* promise, time_point now) const {
  if (kept) return;
  const auto at = std::chrono::duration<double>(now - start_).count();
  throw violation(std::string(promise) + ", at " + std::to_string(at) + " s");
}

void referee::call_arrived(std::uint32_t call, time_point deadline_at) {
  if (call >= calls_.size()) calls_.resize(call + 1);
  calls_[call] = {deadline_at, 0};
}

void referee::call_ended(std::uint32_t call, time_point now) {
  require(++calls_[call].ends == 1, "exactly one outcome per call", now);
  require(now <= calls_[call].deadline_at, "no call outlives its deadline", now);
}

void referee::attempt_sent(const attempt_facts& facts, time_point now) {
  require(calls_[facts.call].ends == 0, "no attempt for a call that has ended", now);
  require(now < calls_[facts.call].deadline_at, "no attempt starts at or past the deadline", now);
  require(facts.probe || facts.breaker == breaker_state::closed,
          "only a probe goes out unless the breaker is closed", now);
  if (facts.probe) require(++probes_out_ == 1, "half-open admits one probe", now);
  require(now >= quiet_until_ || !refusals_are_the_rule(),
          "nothing before the server's time while refusals are the rule", now);
  ++in_flight_;
  ++in_flight_by_class_[static_cast<std::size_t>(facts.priority)];
  require(limits_.in_flight_max == 0 || in_flight_ <= limits_.in_flight_max,
          "never more in flight than the limit", now);
  if (facts.flow != 0) {
    const auto of_flow = ++in_flight_by_flow_[facts.flow];
    require(facts.flow_in_flight_max == 0 || of_flow <= facts.flow_in_flight_max,
            "never more of a flow in flight than its bound", now);
  }
  check_windows(facts, now);
}

void referee::check_windows(const attempt_facts& facts, time_point now) {
  if (limits_.requests_per_minute != 0) {
    sent_.push_back(now);
    forget_before(
        sent_, [](time_point t) { return t; }, now - minute);
    require(sent_.size() <= limits_.requests_per_minute,
            "never more requests in a sliding minute than the limit", now);
  }
  if (limits_.tokens_per_minute != 0) {
    tokens_.emplace_back(now, facts.tokens);
    tokens_sum_ += facts.tokens;
    while (tokens_.front().first < now - minute) {
      tokens_sum_ -= tokens_.front().second;
      tokens_.pop_front();
    }
    require(tokens_sum_ <= limits_.tokens_per_minute,
            "never more tokens in a sliding minute than the limit", now);
  }
}

void referee::attempt_over(const attempt_facts& facts, policy::attempt_outcome outcome,
                           time_point now) {
  require(in_flight_-- > 0, "an attempt ends once", now);
  --in_flight_by_class_[static_cast<std::size_t>(facts.priority)];
  if (facts.flow != 0) --in_flight_by_flow_[facts.flow];
  if (facts.probe && facts.breaker_life == breaker_life_) --probes_out_;
  if (outcome == policy::attempt_outcome::failure) failures_.push_back(now);
  forget_before(
      failures_, [](time_point t) { return t; }, now - seconds(60));
}

bool referee::refusals_are_the_rule() const {
  const auto count = std::count(refusals_.begin(), refusals_.end(), true);
  return refusals_.size() < 10 || 2 * static_cast<std::size_t>(count) >= refusals_.size();
}

void referee::answered_with(bool refusal, time_point until, time_point now) {
  refusals_.push_back(refusal);
  if (refusals_.size() > 20) refusals_.pop_front();
  if (!refusals_are_the_rule()) {
    quiet_until_ = now;
  } else if (refusal) {
    quiet_until_ = std::max(quiet_until_, until);
  }
}

void referee::client_restarted() {
  refusals_.clear();
  quiet_until_ = {};
  paid_ = 0;
  successes_ = 0;
  sent_.clear();
  tokens_.clear();
  tokens_sum_ = 0;
  passed_over_[0] = passed_over_[1] = 0;
}

void referee::budget_paid(time_point now) {
  ++paid_;
  const double allowed = budget_capacity_ / 2 + 0.5 + 0.5 * static_cast<double>(successes_);
  require(static_cast<double>(paid_) <= allowed, "retries and hedges stay within the budget", now);
}

void referee::breaker_opened(bool by_probe, time_point now) {
  require(by_probe || failures_.size() >= 10, "only the provider's failures open the breaker", now);
}

void referee::granted(priority_class to, bool live_waits, bool batch_waits, time_point now) {
  const auto live = static_cast<std::size_t>(priority_class::live);
  const auto batch = static_cast<std::size_t>(priority_class::batch);
  const bool to_live = to == priority_class::live;
  passed_over_[live] = live_waits && !to_live ? passed_over_[live] + 1 : 0;
  passed_over_[batch] = batch_waits && to_live ? passed_over_[batch] + 1 : 0;
  // With slots short a batch that has its tenth may wait for as long as live calls want the rest.
  const std::size_t share = limits_.in_flight_max / 10;
  passed_over_[in_flight_by_class_[batch] < share ? live : batch] = 0;
  require(passed_over_[live] <= 30, "live calls do not starve", now);
  require(passed_over_[batch] <= 30, "batch calls do not starve", now);
}

void referee::restart_ordered(std::uint32_t child, time_point now) {
  auto& times = restarts_[child];
  times.push_back(now);
  forget_before(
      times, [](time_point t) { return t; }, now - seconds(10));
  require(times.size() <= 5, "at most five restarts in ten seconds", now);
}

void referee::finished(time_point now) const {
  require(in_flight_ == 0, "no attempt is left", now);
  for (const auto& call : calls_) require(call.ends == 1, "exactly one outcome per call", now);
}

}  // namespace graphbit::sim
