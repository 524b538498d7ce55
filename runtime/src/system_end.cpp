#include "src/system_end.hpp"

#include <utility>

#include <graphbit/runtime/log.hpp>

namespace graphbit {

system_end& system_end::of(caf::actor_system& system) {
  return *reinterpret_cast<system_end*>(&system.network_manager());
}

void system_end::tell(const void* who, std::function<void()> end) {
  const std::lock_guard guard(mutex_);
  if (told_.empty()) {
    system_waits_ = system_.await_actors_before_shutdown();
    system_.await_actors_before_shutdown(false);
  }
  told_.emplace(who, std::move(end));
}

void system_end::forget(const void* who) {
  const std::lock_guard guard(mutex_);
  if (told_.erase(who) != 0 && told_.empty()) system_.await_actors_before_shutdown(system_waits_);
}

void system_end::stop() {
  decltype(told_) told;
  {
    const std::lock_guard guard(mutex_);
    told.swap(told_);
  }
  if (told.empty()) return;
  log(log_level::error, "runtime",
      "a caf::actor_system ends before the graphbit::runtime around it, which is ended now: "
      "destroy the runtime first");
  for (const auto& [who, end] : told) end();
  if (system_waits_) system_.await_all_actors_done();
}

}  // namespace graphbit
