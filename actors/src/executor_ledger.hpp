#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <graphbit/actors/executor.hpp>
#include <graphbit/actors/policy/percentiles.hpp>

#include "src/run_metrics.hpp"

namespace graphbit {

/// What an executor's handles, its actor and its runs share: its numbers in force and its counts.
/// Any thread.
class executor_ledger {
 public:
  executor_ledger(const executor_numbers& numbers, metrics_registry& registry)
      : metrics_(registry), numbers_(numbers) {}

  [[nodiscard]] executor_numbers numbers() const;
  void set_numbers(const executor_numbers& numbers);

  /// A run asks to be accepted; false when the queue is full and the mode rejects.
  [[nodiscard]] bool accept();
  void started();
  /// A run that was started has parked: it counts again once it is revived.
  void parked();
  /// A run has ended that `was_started` or never left the queue.
  void ended(const run_result& result, bool was_started);
  void run_crashed();

  [[nodiscard]] executor_stats stats() const;
  /// Zeroes counts and durations; what runs, waits and uptime stay.
  void reset();

 private:
  struct node_ledger {
    std::uint64_t completed = 0, failed = 0;
    policy::percentiles durations;
  };
  static constexpr std::size_t node_names_max = 256;  // 4 KiB each

  void note_nodes(const run_record& record);
  [[nodiscard]] std::vector<node_times> times_of_nodes() const;

  run_metrics metrics_;
  mutable std::mutex mutex_;
  executor_numbers numbers_;
  executor_stats counts_;
  policy::percentiles durations_;
  std::map<std::string, std::unique_ptr<node_ledger>, std::less<>> nodes_;  // by name
  const time_point born_ = steady_clock::now();
};

}  // namespace graphbit
