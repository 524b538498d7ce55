#include "supervisor.hpp"

#include <exception>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/pinned_actor.hpp>

namespace graphbit {

namespace {

class supervisor {
 public:
  supervisor(caf::event_based_actor* self, std::string name, policy::supervision_settings settings)
      : self_(self), name_(std::move(name)), policy_(settings) {}

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
      children_[i].handle = nullptr;
      const bool failed = down.reason && down.reason != caf::exit_reason::normal &&
                          down.reason != caf::exit_reason::user_shutdown;
      if (failed && !policy_.shutting_down())
        log(log_level::warn, "actors",
            name_ + ": " + children_[i].spec->kind + " '" + children_[i].spec->name +
                "' ended: " + self_->system().render(down.reason));
      carry_out(policy_.exited(i, failed, steady_clock::now()), down.reason);
      if (policy_.state(i) == policy::child_state::stopped) forget(i);
      break;
    }
    end_if_down();
  }

  void restart(policy::child_index index) {
    if (policy_.shutting_down() || !children_[index].spec) return;
    try {
      watch(index, children_[index].spec->start());
      policy_.started(index);
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

  [[nodiscard]] child_reports report() const {
    child_reports all;
    for (policy::child_index i = 0; i < children_.size(); ++i) {
      if (!children_[i].spec) continue;
      all.children.push_back({children_[i].spec->kind, children_[i].spec->name, policy_.state(i),
                              policy_.restarts(i)});
    }
    return all;
  }

 private:
  struct child {
    std::shared_ptr<const child_spec> spec;
    caf::actor handle;
  };

  void watch(policy::child_index index, caf::actor handle) {
    self_->monitor(handle);
    children_[index].handle = std::move(handle);
  }

  void stop(policy::child_index index) {
    if (children_[index].handle)
      caf::anon_send_exit(children_[index].handle, caf::exit_reason::user_shutdown);
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
  policy::supervision policy_;
  std::vector<child> children_;
  caf::error exit_reason_;
};

}  // namespace

caf::behavior supervise(caf::event_based_actor* self, const std::string& name,
                        policy::supervision_settings settings) {
  install_safe_handlers(*self);
  auto state = std::make_shared<supervisor>(self, name, settings);
  self->set_down_handler([state](caf::down_msg& down) { state->child_down(down); });
  self->set_exit_handler([state](caf::exit_msg& exit) { state->shut_down(exit.reason); });
  return {
      [state](adopt_atom, const child_spec_ptr& spec, const caf::actor& child) {
        state->adopt(spec.spec, child);
      },
      [state](restart_atom, policy::child_index index) { state->restart(index); },
      [state](tree_atom) { return state->report(); },
  };
}

}  // namespace graphbit
