#pragma once

// The one place that knows which CAF we build on (0.17.6) and how it is spelled.
#include <caf/all.hpp>

#if CAF_VERSION < 1700 || CAF_VERSION >= 1800
#error "graphbit is written against CAF 0.17"
#endif

namespace graphbit {

/// Around every use of `spawn` or `caf::scoped_actor` on a thread that may outlive the actor
/// system.
///
/// Problem: both leave a reference to the system's logger with their thread, and ~actor_system
/// waits until nobody has one: a thread that spawned once and then sleeps would keep the process
/// from ending.
class spawn_scope {
 public:
  spawn_scope() = default;
  ~spawn_scope() { caf::logger::set_current_actor_system(nullptr); }
  spawn_scope(const spawn_scope&) = delete;
  spawn_scope& operator=(const spawn_scope&) = delete;
};

}  // namespace graphbit
