#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "completion_queue.hpp"

namespace graphbit::python {

namespace py = pybind11;

/// One event loop's side of all operations that are awaited on it.
///
/// Lifecycle: made at the loop's first operation and owned by the loop alone, as the reader of the
/// completion queue's descriptor: closing the loop destroys it, which ends what is still in flight.
/// Its references are visible to Python's garbage collector, so a loop that is merely dropped goes
/// away too. Threads: everything on the loop's thread, with the GIL.
class loop_bridge {
 public:
  /// An operation that has begun: the future to give to the caller, and where its end goes.
  struct operation {
    py::object future;
    ticket where;
  };

  /// The running loop's bridge. RuntimeError "no running event loop" where there is none.
  [[nodiscard]] static loop_bridge& running();

  loop_bridge();
  ~loop_bridge();
  loop_bridge(const loop_bridge&) = delete;
  loop_bridge& operator=(const loop_bridge&) = delete;

  [[nodiscard]] operation begin();
  /// What to do when the future is cancelled or the loop closed before the operation ends.
  void on_cancel(std::uint64_t id, std::function<void()> cancel);
  /// The future of operation `id` on `loop` was cancelled.
  static void cancel(py::handle loop, std::uint64_t id);
  /// Settles the futures of all operations that have ended: the loop's reader callback.
  void drain();
  /// Ends what is in flight without settling it.
  void abandon();

  int visit(visitproc visit, void* arg) const;
  /// In a forked child: the parent's loops are not ours.
  static void forget_all() noexcept;

 private:
  struct entry {
    py::object future;
    std::function<void()> cancel;
  };

  PyObject* loop_ = nullptr;  // not owned: the loop owns us
  std::shared_ptr<completion_queue> queue_ = std::make_shared<completion_queue>();
  std::unordered_map<std::uint64_t, entry> pending_;
  std::vector<completion> taken_;
};

/// Registers `graphbit._core.LoopBridge` and `cancel_operation`.
void bind_loop_bridge(py::module_& module);

}  // namespace graphbit::python
