#include <graphbit/actors/supervisor.hpp>

#include <exception>
#include <future>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/pinned_actor.hpp>

namespace graphbit {

namespace {

class supervisor_shell {
 public:
  supervisor_shell(caf::event_based_actor* self, const supervisor_settings& settings)
      : self_(self),
        name_(settings.name),
        stop_patience_(settings.stop_patience),
        policy_(settings.restarts) {}

  void adopt(std::shared_ptr<const child_spec> spec, caf::actor handle) {
    const auto index = policy_.add(spec->lifetime);
    if (index >= children_.size()) children_.resize(index + 1);
    children_[index] = {std::move(spec), {}};
    watch(index, std::move(handle));
    if (policy_.shutting_down()) stop(index);
  }

  void child_down(const caf::down_msg& down) {
    for (policy::child_index i = 0; i < children_.size(); ++i) {
      if (!children_[i].handle || children_[i].handle.address() != down.source) continue;
      const bool failed = down.reason && down.reason != caf::exit_reason::normal &&
                          down.reason != caf::exit_reason::user_shutdown;
      if (failed && !policy_.shutting_down())
        log(log_level::warn, "actors",
            name_ + ": " + children_[i].spec->kind + " '" + children_[i].spec->name +
                "' ended: " + self_->system().render(down.reason));
      ended(i, failed, down.reason);
      break;
    }
    end_if_down();
  }

  // It was asked to end long ago: killed, and not waited for any more.
  void overdue(policy::child_index index, const caf::actor_addr& child) {
    if (index >= children_.size() || !children_[index].handle ||
        children_[index].handle.address() != child)
      return;
    log(log_level::error, "actors",
        name_ + ": " + children_[index].spec->kind + " '" + children_[index].spec->name +
            "' did not end when it was asked to; going on without it");
    self_->demonitor(child);
    caf::anon_send_exit(children_[index].handle, caf::exit_reason::kill);
    ended(index, true, caf::exit_reason::kill);
    end_if_down();
  }

  void restart(policy::child_index index) {
    if (!policy_.is_due(index)) return;
    try {
      watch(index, children_[index].spec->start());
      carry_out(policy_.started(index), {});
    } catch (const std::exception& e) {
      log(log_level::error, "actors",
          name_ + ": cannot start '" + children_[index].spec->name + "': " + e.what());
      carry_out(policy_.exited(index, true, steady_clock::now()), caf::sec::runtime_error);
    }
  }

  void shut_down(const caf::error& reason) {
    if (policy_.shutting_down()) return;
    exit_reason_ = reason;
    carry_out(policy_.shut_down(), reason);
    end_if_down();
  }

  // No child is waited for past this: what is left is killed.
  void shut_down_within(duration patience) {
    shut_down(caf::exit_reason::user_shutdown);
    self_->delayed_send(self_, patience, out_of_time_atom::value);
  }

  void out_of_time() {
    exit_reason_ = caf::make_error(caf::sec::request_timeout, name_ + " left children behind");
    for (policy::child_index i = 0; i < children_.size(); ++i)
      if (children_[i].handle) overdue(i, children_[i].handle.address());
    end_if_down();
  }

  [[nodiscard]] child_reports report() const {
    child_reports all;
    for (policy::child_index i = 0; i < children_.size(); ++i) {
      if (!children_[i].spec) continue;
      const auto& spec = *children_[i].spec;
      all.children.push_back({spec.kind, spec.name, policy_.state(i), policy_.restarts(i),
                              spec.supervises, children_[i].handle});
    }
    return all;
  }

 private:
  struct child {
    std::shared_ptr<const child_spec> spec;
    caf::actor handle;
  };

  void ended(policy::child_index index, bool failed, const caf::error& reason) {
    children_[index].handle = nullptr;
    carry_out(policy_.exited(index, failed, steady_clock::now()), reason);
    if (policy_.state(index) == policy::child_state::stopped) forget(index);
  }

  void watch(policy::child_index index, caf::actor handle) {
    self_->monitor(handle);
    children_[index].handle = std::move(handle);
  }

  void stop(policy::child_index index) {
    const auto& handle = children_[index].handle;
    if (!handle) return;
    caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
    self_->delayed_send(self_, stop_patience_, overdue_atom::value, index, handle.address());
  }

  void forget(policy::child_index index) {
    children_[index] = {};
    if (!policy_.shutting_down()) policy_.remove(index);
  }

  void carry_out(const std::vector<policy::supervision_action>& actions, const caf::error& reason) {
    for (const auto& action : actions) switch (action.what) {
        case policy::supervision_action::kind::stop:
          stop(action.child);
          break;
        case policy::supervision_action::kind::restart:
          self_->delayed_send(self_, action.after, restart_atom::value, action.child);
          break;
        case policy::supervision_action::kind::escalate:
          escalate(action.child, reason);
          break;
      }
  }

  void escalate(policy::child_index index, const caf::error& reason) {
    const auto& spec = children_[index].spec;
    log(log_level::error, "actors",
        name_ + ": restarts of '" + (spec ? spec->name : "?") +
            "' exceed the intensity; giving up");
    if (spec && spec->gave_up) spec->gave_up(reason);
    shut_down(caf::make_error(caf::sec::runtime_error, name_ + " exceeded its restart intensity"));
  }

  void end_if_down() {
    if (policy_.down()) self_->quit(exit_reason_);
  }

  caf::event_based_actor* self_;
  std::string name_;
  duration stop_patience_;
  policy::supervision policy_;
  std::vector<child> children_;
  caf::error exit_reason_;
};

// Read on the actor's own thread between its messages: elsewhere CAF's count would take the
// mailbox from under it. A mailbox that waits for messages is empty, and must not be touched: the
// count would undo its waiting.
std::size_t mailbox_size(pinned_actor& actor) {
  auto& mailbox = actor.mailbox();
  return mailbox.blocked() || mailbox.closed() ? 0 : mailbox.size();
}

std::future<std::size_t> ask_mailbox_size(const caf::actor& child) {
  auto answer = std::make_shared<std::promise<std::size_t>>();
  auto size = answer->get_future();
  auto* pinned = dynamic_cast<pinned_actor*>(caf::actor_cast<caf::abstract_actor*>(child));
  if (pinned != nullptr)
    pinned->home().post([child, pinned, answer] { answer->set_value(mailbox_size(*pinned)); });
  return size;  // broken at once where the actor has no thread of its own
}

// The children of one supervisor, and of those among them that are supervisors.
std::vector<supervised> children_of(caf::scoped_actor& self, const caf::actor& asked,
                                    time_point until) {
  child_reports reports;
  self->request(asked, remaining(until, steady_clock::now()), tree_atom::value)
      .receive([&](child_reports& answer) { reports = std::move(answer); }, [](caf::error&) {});
  std::vector<std::future<std::size_t>> sizes;
  for (const auto& child : reports.children)
    sizes.push_back(child.handle ? ask_mailbox_size(child.handle) : std::future<std::size_t>{});
  std::vector<supervised> out;
  for (std::size_t i = 0; i < reports.children.size(); ++i) {
    auto& child = reports.children[i];
    supervised one{
        std::move(child.kind), std::move(child.name), child.state, child.restarts, {}, {}};
    if (sizes[i].valid() && sizes[i].wait_until(until) == std::future_status::ready) try {
        one.mailbox = sizes[i].get();
      } catch (const std::future_error&) {  // it is not known
      }
    if (child.supervises && child.handle) one.children = children_of(self, child.handle, until);
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

caf::behavior supervise(caf::event_based_actor* self, const supervisor_settings& settings) {
  install_safe_handlers(*self);
  auto state = std::make_shared<supervisor_shell>(self, settings);
  self->set_down_handler([state](caf::down_msg& down) { state->child_down(down); });
  self->set_exit_handler([state](caf::exit_msg& exit) { state->shut_down(exit.reason); });
  return {
      [state](adopt_atom, const child_spec_ptr& spec, const caf::actor& child) {
        state->adopt(spec.spec, child);
      },
      [state](restart_atom, policy::child_index index) { state->restart(index); },
      [state](overdue_atom, policy::child_index index, const caf::actor_addr& child) {
        state->overdue(index, child);
      },
      [state](tree_atom) { return state->report(); },
      [state](shut_down_atom, duration patience) { state->shut_down_within(patience); },
      [state](out_of_time_atom) { state->out_of_time(); },
  };
}

supervisor supervisor::start(caf::actor_system& system, supervisor_settings settings) {
  const spawn_scope scope;
  return supervisor(system.spawn(supervise, std::move(settings)));
}

caf::actor supervisor::start_child(child_spec spec) const {
  const auto shared = std::make_shared<const child_spec>(std::move(spec));
  auto handle = shared->start();
  caf::anon_send(actor_, adopt_atom::value, child_spec_ptr{shared}, handle);
  return handle;
}

std::vector<supervised> supervisor::children(duration patience) const {
  const spawn_scope scope;
  caf::scoped_actor self{actor_.home_system()};
  return children_of(self, actor_, steady_clock::now() + patience);
}

bool supervisor::shut_down(duration patience) const {
  const spawn_scope scope;
  caf::scoped_actor self{actor_.home_system()};
  bool in_time = false;
  self->monitor(actor_);
  caf::anon_send(actor_, shut_down_atom::value, patience);
  // The supervisor keeps to the deadline; the second is for a machine that is busy.
  self->receive(
      [&](const caf::down_msg& down) {
        in_time = down.reason != caf::make_error(caf::sec::request_timeout);
      },
      caf::after(patience + seconds{1}) >> [] {});
  return in_time;
}

}  // namespace graphbit
