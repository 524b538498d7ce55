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
  metrics_.queued();
  return true;
}

void executor_ledger::started() {
  const std::lock_guard guard(mutex_);
  --counts_.queued;
  ++counts_.active;
  metrics_.started();
}

void executor_ledger::parked() {
  const std::lock_guard guard(mutex_);
  --counts_.active;
  metrics_.parked();
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
  metrics_.ended(result, was_started);
  if (!numbers_.metrics) return;
  durations_.record(took);
  if (was_started) note_nodes(result.record());
}

void executor_ledger::note_nodes(const run_record& record) {
  for (std::size_t i = 0; i < record.nodes.size(); ++i) {
    const node_result& result = record.nodes[i];
    const bool completed = result.status == node_status::completed;
    if (!completed && result.status != node_status::failed) continue;
    const std::string& name = record.flow->nodes()[i]->name;
    auto found = nodes_.find(name);
    if (found == nodes_.end()) {
      if (nodes_.size() >= node_names_max) continue;
      found = nodes_.emplace(name, std::make_unique<node_ledger>()).first;
    }
    ++(completed ? found->second->completed : found->second->failed);
    found->second->durations.record(result.ended - result.started);
  }
}

namespace {

double milliseconds_at(const policy::percentiles& durations, double share) {
  if (durations.count() == 0) return 0.0;
  return std::chrono::duration<double, std::milli>(durations.at(share)).count();
}

}  // namespace

std::vector<node_times> executor_ledger::times_of_nodes() const {
  std::vector<node_times> all;
  for (const auto& [name, node] : nodes_)
    all.push_back({name, node->completed, node->failed, milliseconds_at(node->durations, 0.50),
                   milliseconds_at(node->durations, 0.95), milliseconds_at(node->durations, 0.99)});
  return all;
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
  s.p50_ms = milliseconds_at(durations_, 0.50);
  s.p95_ms = milliseconds_at(durations_, 0.95);
  s.p99_ms = milliseconds_at(durations_, 0.99);
  s.nodes = times_of_nodes();
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
  nodes_.clear();
}

}  // namespace graphbit
