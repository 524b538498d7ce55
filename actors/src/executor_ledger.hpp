#pragma once

#include <cstdint>
#include <mutex>

#include <graphbit/actors/executor.hpp>
#include <graphbit/actors/policy/percentiles.hpp>

namespace graphbit {

/// What an executor's handles, its actor and its runs share: its numbers in force and its counts.
/// Any thread.
class executor_ledger {
 public:
  explicit executor_ledger(const executor_numbers& numbers) : numbers_(numbers) {}

  [[nodiscard]] executor_numbers numbers() const;
  void set_numbers(const executor_numbers& numbers);

  /// A run asks to be accepted; false when the queue is full and the mode rejects.
  [[nodiscard]] bool accept();
  void started();
  /// A run has ended that `was_started` or never left the queue.
  void ended(const run_result& result, bool was_started);
  void run_crashed();

  [[nodiscard]] executor_stats stats() const;
  /// Zeroes counts and durations; what runs, waits and uptime stay.
  void reset();

 private:
  mutable std::mutex mutex_;
  executor_numbers numbers_;
  executor_stats counts_;
  policy::percentiles durations_;
  const time_point born_ = steady_clock::now();
};

}  // namespace graphbit
