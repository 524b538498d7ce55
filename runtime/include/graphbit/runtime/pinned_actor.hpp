#pragma once

#include <stdexcept>
#include <utility>

#include <graphbit/runtime/caf.hpp>
#include <graphbit/runtime/reactor.hpp>

namespace graphbit {

/// Base of actors that live on one reactor: `caf::stateful_actor<State, pinned_actor>`.
/// Messages from any thread reach it there; it may use that reactor's sockets without locks.
/// Its error, down, exit, exception and default handlers are set so that no stray message or
/// exception ends the process or prints to stdout; supervisors override what they need.
class pinned_actor : public caf::event_based_actor {
 public:
  explicit pinned_actor(caf::actor_config& cfg);

  [[nodiscard]] reactor& home() const noexcept { return *home_; }

  subtype_t subtype() const override { return io_actor; }
  using caf::event_based_actor::enqueue;
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override {
    caf::scheduled_actor::enqueue(std::move(what), home_);
  }
  void launch(caf::execution_unit*, bool lazy, bool hide) override {
    caf::scheduled_actor::launch(home_, lazy, hide);
  }

 private:
  reactor* home_;
};

/// Sets the handlers that every actor of ours has, pinned or not: an exception becomes the exit
/// reason with its text, an unexpected message is answered with an error, errors are logged.
void install_safe_handlers(caf::scheduled_actor& self);

/// Spawns a pinned actor from a function `behavior f(pinned-actor-pointer, args...)`.
/// Any thread. The only way to make one.
template <class F, class... Ts>
caf::actor spawn_on(reactor& home, F f, Ts&&... args) {
  const spawn_scope scope;
  caf::actor_config cfg{&home};
  return caf::actor_cast<caf::actor>(
      home.system().spawn_functor(std::true_type{}, cfg, f, std::forward<Ts>(args)...));
}

}  // namespace graphbit
