#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include <graphbit/cluster/owner.hpp>

#include "process_runtime.hpp"

namespace graphbit::python {

namespace py = pybind11;

/// What a Python `Cluster` holds: this process's door to a cluster, opened when first needed and
/// again after the runtime was restarted or the process forked. Threads: every member needs the
/// GIL; blocking ones free it while they wait.
class cluster_handle final : public runtime_user {
 public:
  explicit cluster_handle(cluster::owner_options options) : options_(std::move(options)) {}

  /// Raises what opening gives.
  [[nodiscard]] cluster::owner open();
  /// Waits for so many connected members; False when they were not there in time.
  [[nodiscard]] bool wait(std::size_t count, milliseconds patience);
  [[nodiscard]] py::list members();
  /// Runs a function of the members' by its name, with JSON in and out.
  [[nodiscard]] py::object call(const std::string& name, py::handle arguments);
  void close();

  void release_handles() override;
  void leak_handles() noexcept override;

 private:
  cluster::owner_options options_;
  cluster::owner owner_;
};

}  // namespace graphbit::python
