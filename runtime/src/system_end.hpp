#pragma once

#include <functional>
#include <map>
#include <mutex>

#include <graphbit/runtime/caf.hpp>

namespace graphbit {

/// Ends the runtimes around a service's own actor system when that is destroyed before them.
///
/// Problem: `~actor_system` waits for all actors, and those of a runtime end only with it: a system
/// that goes first would wait for ever. While a runtime stands on the system, this module waits in
/// its place: it is the first to be stopped, ends the runtimes, and then waits for what is left.
///
/// Lifecycle: made with the system, by `add_message_types`. Threads: any.
class system_end final : public caf::actor_system::module {
 public:
  explicit system_end(caf::actor_system& system) : system_(system) {}
  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>) {
    return new system_end(system);
  }
  /// That of `system`, which has one.
  [[nodiscard]] static system_end& of(caf::actor_system& system);

  /// `end` is called once when the system ends, unless `forget` was called for `who` before.
  void tell(const void* who, std::function<void()> end);
  void forget(const void* who);

  void start() override {}
  void stop() override;
  void init(caf::actor_system_config&) override {}
  // CAF 0.17 has this name for modules outside of it, and none that goes by it.
  id_t id() const override { return network_manager; }
  void* subtype_ptr() override { return this; }

 private:
  caf::actor_system& system_;
  std::mutex mutex_;
  std::map<const void*, std::function<void()>> told_;
  bool system_waits_ = true;  // for its actors, where nobody is to be told
};

}  // namespace graphbit
