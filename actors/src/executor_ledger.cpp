#include "src/executor_ledger.hpp"

namespace graphbit {

executor_numbers executor_ledger::numbers() const {
  const std::lock_guard guard(mutex_);
  return numbers_;
}

void executor_ledger::set_numbers(const executor_numbers& numbers) {
  const std::lock_guard guard(mutex_);
  numbers_ = numbers;
}

bool executor_ledger::accept() {
  const std::lock_guard guard(mutex_);
  if (numbers_.reject_when_full && counts_.queued >= numbers_.runs_queued_max) return false;
  ++counts_.queued;
  return true;
}

void executor_ledger::started() {
  const std::lock_guard guard(mutex_);
  --counts_.queued;
  ++counts_.active;
}

void executor_ledger::ended(const run_result& result, bool was_started) {
  const duration took = result.record().ended - result.record().started;
  const std::lock_guard guard(mutex_);
  --(was_started ? counts_.active : counts_.queued);
  ++counts_.executions;
  ++(result.is_success()                      ? counts_.succeeded
     : result.state() == run_state::cancelled ? counts_.cancelled
                                              : counts_.failed);
  counts_.total_duration_ms += std::chrono::duration<double, std::milli>(took).count();
  if (numbers_.metrics) durations_.record(took);
}

void executor_ledger::run_crashed() {
  const std::lock_guard guard(mutex_);
  ++counts_.crashes;
}

executor_stats executor_ledger::stats() const {
  const std::lock_guard guard(mutex_);
  executor_stats s = counts_;
  s.numbers = numbers_;
  if (s.executions > 0)
    s.average_duration_ms = s.total_duration_ms / static_cast<double>(s.executions);
  const auto percentile = [this](double share) {
    if (durations_.count() == 0) return 0.0;
    return std::chrono::duration<double, std::milli>(durations_.at(share)).count();
  };
  s.p50_ms = percentile(0.50);
  s.p95_ms = percentile(0.95);
  s.p99_ms = percentile(0.99);
  s.uptime = std::chrono::duration_cast<milliseconds>(steady_clock::now() - born_);
  return s;
}

void executor_ledger::reset() {
  const std::lock_guard guard(mutex_);
  executor_stats kept;
  kept.active = counts_.active;
  kept.queued = counts_.queued;
  counts_ = kept;
  durations_.clear();
}

}  // namespace graphbit
