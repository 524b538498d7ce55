#include "src/batch_metrics.hpp"

namespace graphbit {

batch_metrics::batch_metrics(metrics_registry& registry)
    : active_(registry.gauge("graphbit_batches_active", "Batches under way.")),
      in_flight_(registry.gauge("graphbit_batch_items_in_flight",
                                "Items of batches that are asked for now.")),
      queued_(registry.gauge("graphbit_batch_items_queued",
                             "Items of batches that were pulled and wait for a slot.")) {
  constexpr std::array outcomes{"succeeded", "failed", "not_started"};
  for (std::size_t i = 0; i < items_.size(); ++i)
    items_[i] =
        registry.counter("graphbit_batch_items_total", "Items of batches that ended, by how.",
                         {{"outcome", outcomes[i]}});
  active_->set(1);
}

batch_metrics::~batch_metrics() {
  active_->set(0);
  at_work(0, 0);
}

}  // namespace graphbit
