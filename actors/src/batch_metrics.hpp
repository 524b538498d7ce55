#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include <graphbit/actors/batch.hpp>
#include <graphbit/runtime/metrics.hpp>

namespace graphbit {

/// The metric cells of one batch, from its start to its destruction. One thread at a time.
class batch_metrics {
 public:
  explicit batch_metrics(metrics_registry& registry);
  ~batch_metrics();
  batch_metrics(const batch_metrics&) = delete;
  batch_metrics& operator=(const batch_metrics&) = delete;

  void at_work(std::size_t in_flight, std::size_t queued) noexcept {
    in_flight_->set(static_cast<double>(in_flight));
    queued_->set(static_cast<double>(queued));
  }
  void delivered(const batch_outcome& outcome) noexcept {
    items_[!outcome.started ? 2 : outcome.result ? 0 : 1]->add_alone();
  }

 private:
  std::shared_ptr<metric_gauge> active_, in_flight_, queued_;
  std::array<std::shared_ptr<metric_counter>, 3> items_;  // succeeded, failed, not started
};

}  // namespace graphbit
