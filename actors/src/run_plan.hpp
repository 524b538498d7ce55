#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <graphbit/actors/policy/ready_nodes.hpp>
#include <graphbit/actors/workflow.hpp>

namespace graphbit {

/// A validated workflow, made ready to be run: who waits for whom, and which name means which node.
/// Immutable; shared by everything in a run.
///
/// A node waits for the nodes it is connected from, and for those its texts refer to: a reference
/// is an input like any other, so that its value never depends on who happens to be faster.
/// References that would close a cycle do not wait.
class run_plan {
 public:
  /// Errors: Validation{workflow} "Workflow cannot be empty", "Invalid workflow: Graph error: ...".
  [[nodiscard]] static expected<std::shared_ptr<const run_plan>> make(
      std::shared_ptr<const workflow> flow);

  [[nodiscard]] const std::shared_ptr<const workflow>& flow() const noexcept { return flow_; }
  [[nodiscard]] std::size_t size() const noexcept { return flow_->nodes().size(); }
  [[nodiscard]] const node& step(std::size_t index) const { return *flow_->nodes()[index]; }
  [[nodiscard]] const std::shared_ptr<const policy::dataflow_graph>& graph() const noexcept {
    return graph_;
  }
  /// The nodes connected to `index`, in the order of the connections.
  [[nodiscard]] std::span<const std::uint32_t> parents(std::size_t index) const noexcept {
    return std::span(parents_).subspan(first_[index], first_[index + 1] - first_[index]);
  }
  /// The nodes that `index` is connected to, in the order of the connections.
  [[nodiscard]] std::vector<std::uint32_t> successors(std::size_t index) const;
  /// By id, name or output name; workflow::npos where there is none.
  [[nodiscard]] std::size_t find(std::string_view name) const noexcept;

 private:
  explicit run_plan(std::shared_ptr<const workflow> flow) : flow_(std::move(flow)) {}
  void pack_parents();
  [[nodiscard]] bool build_graph();

  std::shared_ptr<const workflow> flow_;
  std::shared_ptr<const policy::dataflow_graph> graph_;
  std::vector<std::uint32_t> first_;  // parents of n: parents_[first_[n] .. first_[n + 1])
  std::vector<std::uint32_t> parents_;
  std::unordered_map<std::string_view, std::uint32_t> output_names_;
};

}  // namespace graphbit
