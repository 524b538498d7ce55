#include <graphbit/actors/policy/ready_nodes.hpp>

#include <algorithm>
#include <utility>

namespace graphbit::policy {

tl::expected<std::shared_ptr<const dataflow_graph>, graph_fault> dataflow_graph::make(
    std::size_t node_count, std::span<const graph_edge> edges) {
  auto graph = std::shared_ptr<dataflow_graph>(new dataflow_graph);
  graph->first_.assign(node_count + 1, 0);
  graph->inputs_.assign(node_count, 0);
  graph->strong_inputs_.assign(node_count, 0);
  for (const auto& [from, to, weak] : edges) {
    if (from >= node_count || to >= node_count) {
      return tl::unexpected(graph_fault{graph_fault::fault::unknown_node, {from, to}});
    }
    ++graph->first_[from + 1];
    ++graph->inputs_[to];
    graph->strong_inputs_[to] += weak ? 0 : 1;
  }
  for (std::size_t n = 0; n < node_count; ++n) graph->first_[n + 1] += graph->first_[n];
  graph->targets_.resize(edges.size());
  auto next = graph->first_;
  for (const auto& [from, to, weak] : edges)
    if (!weak) graph->targets_[next[from]++] = to;
  graph->weak_from_ = next;
  for (const auto& [from, to, weak] : edges)
    if (weak) graph->targets_[next[from]++] = to;
  if (auto cycle = graph->sort(); !cycle.empty()) {
    return tl::unexpected(graph_fault{graph_fault::fault::cycle, std::move(cycle)});
  }
  return graph;
}

// Kahn's algorithm; what cannot be ordered is on a cycle or behind one.
std::vector<node_index> dataflow_graph::sort() {
  auto inputs_left = inputs_;
  order_.reserve(size());
  for (node_index n = 0; n < size(); ++n) {
    if (inputs_[n] == 0) order_.push_back(n);
  }
  for (std::size_t i = 0; i < order_.size(); ++i) {
    for (const node_index to : successors(order_[i])) {
      if (--inputs_left[to] == 0) order_.push_back(to);
    }
  }
  return order_.size() == size() ? std::vector<node_index>{} : find_cycle(inputs_left);
}

// Every node that was not ordered has a parent that was not either, so walking from parent to
// parent must come back to where it has been.
std::vector<node_index> dataflow_graph::find_cycle(
    const std::vector<std::uint32_t>& inputs_left) const {
  std::vector<node_index> parent(size(), 0);
  node_index at = 0;
  for (node_index n = 0; n < size(); ++n) {
    if (inputs_left[n] == 0) continue;
    at = n;
    for (const node_index to : successors(n)) parent[to] = n;
  }
  std::vector<bool> seen(size(), false);
  for (; !seen[at]; at = parent[at]) seen[at] = true;
  std::vector<node_index> cycle{at};
  for (node_index n = parent[at]; n != at; n = parent[n]) cycle.push_back(n);
  std::reverse(cycle.begin(), cycle.end());
  return cycle;
}

ready_nodes::ready_nodes(std::shared_ptr<const dataflow_graph> graph)
    : graph_(std::move(graph)), nodes_(graph_->size()), left_(graph_->size()) {
  for (node_index n = 0; n < nodes_.size(); ++n) {
    nodes_[n].inputs_left = graph_->inputs(n);
    nodes_[n].has_input = graph_->is_root(n);
  }
}

progress ready_nodes::begin() {
  progress out;
  for (node_index n = 0; n < nodes_.size(); ++n) {
    if (nodes_[n].phase != node_phase::waiting || graph_->inputs(n) != 0) continue;
    nodes_[n].phase = node_phase::ready;
    out.ready.push_back(n);
  }
  return out;
}

progress ready_nodes::completed(node_index n) {
  progress out;
  if (!end(n, node_phase::completed)) return out;
  resolve_all(n, edge_state::live, n, out);
  propagate(out);
  return out;
}

progress ready_nodes::chose(node_index n, node_index successor) {
  progress out;
  if (!end(n, node_phase::completed)) return out;
  for (const node_index to : graph_->strong_successors(n)) {
    resolve_edge(to, to == successor ? edge_state::live : edge_state::dead, n, out);
  }
  for (const node_index to : graph_->weak_successors(n)) {
    resolve_edge(to, edge_state::passed, n, out);
  }
  propagate(out);
  return out;
}

progress ready_nodes::failed(node_index n, on_failure rule) {
  progress out;
  if (!end(n, node_phase::failed)) return out;
  if (rule == on_failure::fail) run_failed_ = true;
  resolve_all(n, rule == on_failure::continue_ ? edge_state::live : edge_state::broken, n, out);
  propagate(out);
  return out;
}

std::vector<node_index> ready_nodes::cancel_rest() {
  std::vector<node_index> cancelled;
  for (node_index n = 0; n < nodes_.size(); ++n) {
    auto& phase = nodes_[n].phase;
    if (phase != node_phase::waiting && phase != node_phase::ready) continue;
    phase = node_phase::cancelled;
    cancelled.push_back(n);
  }
  left_ = 0;
  return cancelled;
}

bool ready_nodes::end(node_index n, node_phase phase) noexcept {
  if (n >= nodes_.size() || nodes_[n].phase != node_phase::ready) return false;
  nodes_[n].phase = phase;
  --left_;
  return true;
}

void ready_nodes::resolve_edge(node_index to, edge_state state, node_index cause, progress& out) {
  node& target = nodes_[to];
  if (target.phase != node_phase::waiting) return;
  --target.inputs_left;
  if (state == edge_state::live) target.has_input = true;
  if (state == edge_state::dead) target.cause = cause;
  if (state != edge_state::broken && target.inputs_left > 0) return;
  if (state != edge_state::broken && target.has_input) {
    target.phase = node_phase::ready;
    out.ready.push_back(to);
    return;
  }
  const bool broken = state == edge_state::broken;
  if (!broken) cause = target.cause;  // a weak edge may have come last
  target.phase = node_phase::skipped;
  --left_;
  to_skip_.push_back({to, broken ? edge_state::broken : edge_state::dead, cause});
  out.skipped.push_back({to, broken ? skip_reason::parent_failed : skip_reason::not_chosen, cause});
}

void ready_nodes::resolve_all(node_index n, edge_state state, node_index cause, progress& out) {
  for (const node_index to : graph_->strong_successors(n)) resolve_edge(to, state, cause, out);
  const auto weak = state == edge_state::broken ? state : edge_state::passed;
  for (const node_index to : graph_->weak_successors(n)) resolve_edge(to, weak, cause, out);
}

// A work list instead of recursion: a chain of 100,000 nodes must not exhaust the stack.
void ready_nodes::propagate(progress& out) {
  while (!to_skip_.empty()) {
    const skip next = to_skip_.back();
    to_skip_.pop_back();
    resolve_all(next.node, next.edges, next.cause, out);
  }
}

}  // namespace graphbit::policy
