#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include <graphbit/actors/executor.hpp>

#include "handover.hpp"
#include "process_runtime.hpp"

namespace graphbit::python {

namespace py = pybind11;

/// The events of one run on their way to Python. Dropping it cancels the run.
class run_events {
 public:
  using events_type = handover<run_event, int>;

  run_events(std::shared_ptr<events_type> events, std::stop_source stop)
      : events_(std::move(events)), stop_(std::move(stop)) {}
  ~run_events() { stop_.request_stop(); }
  run_events(const run_events&) = delete;
  run_events& operator=(const run_events&) = delete;

  /// As `text_stream::take`, with one dict per event.
  [[nodiscard]] py::object take();
  [[nodiscard]] py::object wait_async();
  void wait();

 private:
  std::shared_ptr<events_type> events_;
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
  /// The same settings, with every call to a model masked by `policy`, a GuardRailPolicyConfig.
  [[nodiscard]] std::unique_ptr<workflow_executor> with_policy(py::object policy) const;

  /// The finished run as a `graphbit.WorkflowResult`.
  [[nodiscard]] py::object execute(const workflow& flow, py::handle inputs, py::handle timeout_s);
  [[nodiscard]] py::object run_async(const workflow& flow, py::handle inputs, py::handle timeout_s);
  [[nodiscard]] std::unique_ptr<run_events> stream(const workflow& flow, py::handle inputs,
                                                   py::handle timeout_s, const std::string& mode);

  void configure(const executor_changes& changes);
  [[nodiscard]] executor_stats stats() const;
  void reset_stats();

  void release_handles() override { executor_ = {}; }
  void leak_handles() noexcept override;

 private:
  struct opened_executor {
    std::shared_ptr<runtime> home;  // destroyed last
    executor handle;
  };
  [[nodiscard]] opened_executor open();

  provider_config config_;
  executor_options options_;
  std::shared_ptr<PyObject> ask_;     // null: the provider client
  std::shared_ptr<PyObject> policy_;  // null: none
  executor executor_;
};

}  // namespace graphbit::python
