#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include <graphbit/actors/executor.hpp>

#include "cluster_handle.hpp"
#include "process_runtime.hpp"

namespace graphbit::python {

namespace py = pybind11;

struct node_counts;

/// The events of one run on their way to Python. Dropping it cancels the run. When the taker falls
/// behind by as much as a stream may, the run's streams wait for it.
class run_events {
 public:
  /// What the run's reactor appends to.
  class inlet;

  run_events(std::shared_ptr<inlet> events, std::stop_source stop);
  ~run_events();
  run_events(const run_events&) = delete;
  run_events& operator=(const run_events&) = delete;

  /// As `text_stream::take`, with one dict per event.
  [[nodiscard]] py::object take();
  [[nodiscard]] py::object wait_async();
  void wait();

 private:
  std::shared_ptr<inlet> events_;
  std::stop_source stop_;
};

/// What a Python `Executor` holds: the executor, opened when first needed and again after the
/// runtime was restarted or the process forked. Threads: every member needs the GIL; blocking ones
/// free it while they wait.
class workflow_executor final : public runtime_user {
 public:
  /// Raises ValueError for options that cannot work. `ask`: the Python provider to ask instead (see
  /// `python_backends`), or nullptr.
  workflow_executor(provider_config config, executor_options options,
                    std::shared_ptr<PyObject> ask);

  /// Agent nodes run on members of this cluster. Before the first run.
  void use_cluster(std::shared_ptr<cluster_handle> cluster) { cluster_ = std::move(cluster); }

  /// The finished run as a `graphbit.WorkflowResult`. Of all three: `policy` is a
  /// GuardRailPolicyConfig that masks every call to a model, or None; `options` a dict of inputs,
  /// timeout_s, max_cost and max_total_tokens. `progress`: None, or called with how many nodes
  /// ended and failed, now and then and at the end.
  [[nodiscard]] py::object execute(const workflow& flow, py::handle policy, py::handle options,
                                   py::handle progress);
  /// `counts`, where given, follows the run.
  [[nodiscard]] py::object run_async(const workflow& flow, py::handle policy, py::handle options,
                                     std::shared_ptr<node_counts> counts);
  [[nodiscard]] std::unique_ptr<run_events> stream(const workflow& flow, py::handle policy,
                                                   py::handle options, const std::string& mode);

  /// Records runs in this store from now on (see `open_run_store`), and opens the executor, so that
  /// it adopts what others left.
  void keep_runs_in(std::string store);

  struct opened_executor {
    std::shared_ptr<runtime> home;  // destroyed last
    executor handle;
  };
  /// The executor, opened if it was not.
  [[nodiscard]] opened_executor open();

  void configure(const executor_changes& changes);
  [[nodiscard]] executor_stats stats() const;
  void reset_stats();
  /// The whole runtime's supervision tree, as nested dicts.
  [[nodiscard]] py::object supervision_tree();

  void release_handles() override {
    executor_ = {};
    options_.store.reset();
  }
  void leak_handles() noexcept override;

 private:
  [[nodiscard]] chat_backend_factory backends(runtime& home) const;
  [[nodiscard]] run_options make_run_options(runtime& home, py::handle policy,
                                             py::handle options) const;

  provider_config config_;
  executor_options options_;
  std::shared_ptr<PyObject> ask_;            // null: the provider client
  std::shared_ptr<cluster_handle> cluster_;  // none: this process
  std::string store_;                        // empty: nothing is recorded
  executor executor_;
};

/// "refuse" or "map"; ValueError for anything else.
[[nodiscard]] change_rule change_rule_from(const std::string& name);

}  // namespace graphbit::python
