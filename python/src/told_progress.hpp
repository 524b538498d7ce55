#pragma once

#include <functional>
#include <memory>

#include <pybind11/pybind11.h>

#include <graphbit/actors/executor.hpp>
#include <graphbit/actors/workflow.hpp>

#include "node_counts.hpp"

namespace graphbit::python {

/// Tells a Python function how far a run is that its caller waits for.
///
/// Nodes are counted on the run's reactor as they end, and told on the waiting thread, which asks
/// `interrupted` now and then. A function that raises ends the run. None tells nothing.
class told_progress {
 public:
  explicit told_progress(pybind11::handle progress) : progress_(progress) {}

  /// Has `options` count the ends of the nodes of `flow`; of all nodes where it is not known.
  void count(run_options& options, const workflow* flow) const;
  /// Whether to stop waiting: a signal came, or the function raised. To be asked without the GIL.
  [[nodiscard]] bool interrupted() const;
  /// Tells the final numbers. Needs the GIL.
  void finish() const;

 private:
  [[nodiscard]] bool tell() const;

  pybind11::handle progress_;
  std::shared_ptr<node_counts> counts_ = std::make_shared<node_counts>();
};

/// As a run's listener counts: the ends of the run's own nodes, not those inside a node.
[[nodiscard]] std::function<void(const run_event&)> counter(const workflow* flow,
                                                            std::shared_ptr<node_counts> counts);

}  // namespace graphbit::python
