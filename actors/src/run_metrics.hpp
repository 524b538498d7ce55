#pragma once

#include <array>
#include <memory>

#include <graphbit/actors/run_result.hpp>
#include <graphbit/runtime/metrics.hpp>

namespace graphbit {

/// The metric cells of one executor's runs. Any thread.
class run_metrics {
 public:
  explicit run_metrics(metrics_registry& registry);

  void queued() noexcept { queued_->add(1); }
  void started() noexcept {
    queued_->add(-1);
    active_->add(1);
  }
  void parked() noexcept { active_->add(-1); }
  void ended(const run_result& result, bool was_started) noexcept;

 private:
  std::shared_ptr<metric_gauge> queued_, active_;
  std::shared_ptr<metric_histogram> durations_;
  std::array<std::shared_ptr<metric_counter>, 3> runs_;   // completed, failed, cancelled
  std::array<std::shared_ptr<metric_counter>, 4> nodes_;  // and skipped
};

}  // namespace graphbit
