#pragma once

#include <mutex>
#include <utility>

#include <graphbit/runtime/caf.hpp>

namespace graphbit {

/// Where the present incarnation of a supervised actor is found: its supervisor puts a new handle
/// in after a restart, everybody else reads. Any thread.
class actor_slot {
 public:
  [[nodiscard]] caf::actor get() const {
    const std::lock_guard guard(mutex_);
    return handle_;
  }
  void set(caf::actor handle) {
    const std::lock_guard guard(mutex_);
    handle_ = std::move(handle);
  }

 private:
  mutable std::mutex mutex_;
  caf::actor handle_;
};

}  // namespace graphbit
