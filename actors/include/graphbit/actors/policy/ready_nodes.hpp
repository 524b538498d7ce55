#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <tl/expected.hpp>

namespace graphbit::policy {

using node_index = std::uint32_t;

struct graph_edge {
  node_index from = 0, to = 0;
  /// A reference: `to` waits until `from` has ended and is skipped if it failed, but whether a
  /// condition's choice reaches `to` is decided by the other edges.
  bool weak = false;
};

/// What is wrong with a graph.
struct graph_fault {
  enum class fault : std::uint8_t {
    unknown_node,  ///< an edge names a node that is not there
    cycle,
  };
  fault what = fault::cycle;
  std::vector<node_index> nodes;  ///< the edge's two ends, or one cycle in order
};

/// The edges of a checked acyclic graph, packed; immutable, shared by all runs of a workflow.
class dataflow_graph {
 public:
  [[nodiscard]] static tl::expected<std::shared_ptr<const dataflow_graph>, graph_fault> make(
      std::size_t node_count, std::span<const graph_edge> edges);

  [[nodiscard]] std::size_t size() const noexcept { return first_.size() - 1; }
  [[nodiscard]] std::span<const node_index> successors(node_index n) const noexcept {
    return std::span(targets_).subspan(first_[n], first_[n + 1] - first_[n]);
  }
  /// Those by edges that are not weak.
  [[nodiscard]] std::span<const node_index> strong_successors(node_index n) const noexcept {
    return std::span(targets_).subspan(first_[n], weak_from_[n] - first_[n]);
  }
  [[nodiscard]] std::span<const node_index> weak_successors(node_index n) const noexcept {
    return std::span(targets_).subspan(weak_from_[n], first_[n + 1] - weak_from_[n]);
  }
  /// Incoming edges.
  [[nodiscard]] std::uint32_t inputs(node_index n) const noexcept { return inputs_[n]; }
  /// True for a node that no edge but weak ones leads to.
  [[nodiscard]] bool is_root(node_index n) const noexcept { return strong_inputs_[n] == 0; }
  /// Every node after all its parents.
  [[nodiscard]] std::span<const node_index> order() const noexcept { return order_; }

 private:
  dataflow_graph() = default;
  /// Fills `order_`; gives a cycle if there is one.
  [[nodiscard]] std::vector<node_index> sort();
  [[nodiscard]] std::vector<node_index> find_cycle(
      const std::vector<std::uint32_t>& inputs_left) const;

  std::vector<std::uint32_t> first_;      // successors of n: targets_[first_[n] .. first_[n + 1])
  std::vector<std::uint32_t> weak_from_;  // the weak ones among them: from targets_[weak_from_[n]]
  std::vector<node_index> targets_;
  std::vector<std::uint32_t> inputs_;
  std::vector<std::uint32_t> strong_inputs_;
  std::vector<node_index> order_;
};

/// What a failed node means for the rest of its run.
enum class on_failure : std::uint8_t {
  fail,       ///< dependants are skipped, the run fails; independent branches finish
  skip,       ///< dependants are skipped, the run completes
  continue_,  ///< dependants get a null, the run completes
};

enum class node_phase : std::uint8_t { waiting, ready, completed, failed, skipped, cancelled };

enum class skip_reason : std::uint8_t {
  parent_failed,  ///< an input can never come
  not_chosen,     ///< every way here leads through a branch that a condition did not take
};

struct skipped_node {
  node_index node = 0;
  skip_reason reason = skip_reason::parent_failed;
  node_index cause = 0;  ///< the failed node or the condition node at the root of it
};

/// What one event sets off.
struct progress {
  std::vector<node_index> ready;  ///< start these now
  std::vector<skipped_node> skipped;
};

/// Decides which nodes of one run may start: a node is ready the moment its own inputs are there,
/// no levels, no barrier. Every node ends exactly once: completed, failed, skipped or cancelled.
/// O(edges) over a whole run. A plain value; not thread-safe. Events for nodes that are not ready
/// (late, repeated) change nothing.
class ready_nodes {
 public:
  explicit ready_nodes(std::shared_ptr<const dataflow_graph> graph);

  /// The nodes without inputs; once, at the start.
  [[nodiscard]] progress begin();
  [[nodiscard]] progress completed(node_index n);
  /// A condition node completed and chose one direct successor (not a successor: none is chosen).
  [[nodiscard]] progress chose(node_index n, node_index successor);
  [[nodiscard]] progress failed(node_index n, on_failure rule);
  /// Ends everything that has not ended; gives those nodes.
  std::vector<node_index> cancel_rest();

  [[nodiscard]] node_phase phase(node_index n) const noexcept { return nodes_[n].phase; }
  [[nodiscard]] bool done() const noexcept { return left_ == 0; }
  [[nodiscard]] std::size_t left() const noexcept { return left_; }
  /// True once a node failed whose rule is `fail`.
  [[nodiscard]] bool run_failed() const noexcept { return run_failed_; }
  [[nodiscard]] const dataflow_graph& graph() const noexcept { return *graph_; }

 private:
  enum class edge_state : std::uint8_t { live, dead, broken, passed /* weak, and not broken */ };
  struct node {
    std::uint32_t inputs_left = 0;
    node_phase phase = node_phase::waiting;
    bool has_input = false;  // a root, or at least one edge that came is live
    node_index cause = 0;    // of the last dead edge
  };
  struct skip {
    node_index node;
    edge_state edges;  // what it means for its dependants
    node_index cause;
  };

  [[nodiscard]] bool end(node_index n, node_phase phase) noexcept;
  void resolve_edge(node_index to, edge_state state, node_index cause, progress& out);
  void resolve_all(node_index n, edge_state state, node_index cause, progress& out);
  void propagate(progress& out);

  std::shared_ptr<const dataflow_graph> graph_;
  std::vector<node> nodes_;
  std::vector<skip> to_skip_;  // work list; empty between events
  std::size_t left_;
  bool run_failed_ = false;
};

}  // namespace graphbit::policy
