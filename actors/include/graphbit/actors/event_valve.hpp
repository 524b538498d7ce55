#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace graphbit {

/// Backpressure from whoever takes a run's events to the streams that they come from.
///
/// Problem: tokens come as fast as models speak; a listener that hands them to a slower taker would
/// gather them without bound. It closes the valve when it has enough, and streams of the run are
/// not read until the taker opens it again. Lifecycle: made by the listener's owner, travels in
/// `run_options`, outlived by nobody's calls: what waits is dropped with it. Threads: any.
class event_valve {
 public:
  /// Until `open`: the run's streams are not read on.
  void close() {
    const std::lock_guard guard(mutex_);
    open_ = false;
  }
  /// Calls everyone that waits, on this thread.
  void open() {
    std::vector<std::function<void()>> waiting;
    {
      const std::lock_guard guard(mutex_);
      open_ = true;
      waiting.swap(waiting_);
    }
    for (const auto& resume : waiting) resume();
  }

  /// True when the caller may go on. False: `resume`, which must not block, is called once the
  /// valve opens.
  [[nodiscard]] bool admits(const std::function<void()>& resume) {
    const std::lock_guard guard(mutex_);
    if (!open_) waiting_.push_back(resume);
    return open_;
  }

 private:
  std::mutex mutex_;
  bool open_ = true;
  std::vector<std::function<void()>> waiting_;  // one per paused stream
};

}  // namespace graphbit
