#include "src/run_metrics.hpp"

#include <optional>

namespace graphbit {

namespace {

constexpr std::array outcomes{"completed", "failed", "cancelled", "skipped"};

std::optional<std::size_t> outcome_of(node_status status) noexcept {
  switch (status) {
    case node_status::completed:
      return 0;
    case node_status::failed:
      return 1;
    case node_status::cancelled:
      return 2;
    case node_status::skipped:
      return 3;
    case node_status::pending:
    case node_status::running:
      break;
  }
  return std::nullopt;
}

}  // namespace

run_metrics::run_metrics(metrics_registry& registry)
    : queued_(registry.gauge("graphbit_runs_queued", "Runs accepted that wait for their start.")),
      active_(registry.gauge("graphbit_runs_active", "Runs under way.")),
      durations_(registry.histogram("graphbit_run_duration_seconds",
                                    "Time of a run of a workflow, from its start to its end.",
                                    latency_bounds())) {
  for (std::size_t i = 0; i < runs_.size(); ++i)
    runs_[i] = registry.counter("graphbit_runs_total", "Runs of workflows that ended, by how.",
                                {{"outcome", outcomes[i]}});
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    nodes_[i] = registry.counter("graphbit_nodes_total", "Nodes of runs that ended, by how.",
                                 {{"outcome", outcomes[i]}});
}

void run_metrics::ended(const run_result& result, bool was_started) noexcept {
  (was_started ? active_ : queued_)->add(-1);
  runs_[result.is_success() ? 0 : result.state() == run_state::cancelled ? 2 : 1]->add();
  if (!was_started) return;
  const auto& record = result.record();
  durations_->observe(std::chrono::duration<double>(record.ended - record.started).count());
  std::array<double, 4> ended{};
  for (const auto& node : record.nodes)
    if (const auto outcome = outcome_of(node.status)) ++ended[*outcome];
  for (std::size_t i = 0; i < ended.size(); ++i)
    if (ended[i] > 0) nodes_[i]->add(ended[i]);
}

}  // namespace graphbit
