#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <graphbit/actors/policy/supervision.hpp>
#include <graphbit/actors/supervision_tree.hpp>
#include <graphbit/runtime/caf.hpp>

/// Supervision for actors of one's own: CAF is in this header's interface, as in no other.
namespace graphbit {

/// What a supervisor must know of a child to start it again.
struct child_spec {
  std::string kind;  ///< "provider client", "breaker", "executor", ...
  std::string name;
  policy::child_lifetime lifetime = policy::child_lifetime::transient;
  std::function<caf::actor()> start;                 ///< also tells whoever needs the new handle
  std::function<void(const caf::error&)> gave_up{};  ///< restarts ended: intensity was exceeded
  bool supervises = false;  ///< it answers (tree) itself, and is asked for its children
};

struct supervisor_settings {
  std::string name = "supervisor";  ///< in logs and trees
  /// Rule (one_for_one, one_for_all, rest_for_one), intensity and period, backoff.
  policy::supervision_settings restarts;
  /// A child that was asked to end and has not by then is killed and no longer waited for.
  duration stop_patience = seconds(5);
};

using adopt_atom = caf::atom_constant<caf::atom("adopt")>;
using restart_atom = caf::atom_constant<caf::atom("restart")>;
using overdue_atom = caf::atom_constant<caf::atom("overdue")>;
using shut_down_atom = caf::atom_constant<caf::atom("shutdown")>;
using out_of_time_atom = caf::atom_constant<caf::atom("outoftime")>;
using tree_atom = caf::atom_constant<caf::atom("tree")>;

struct child_spec_ptr {
  std::shared_ptr<const child_spec> spec;
};
/// One child as its supervisor knows it.
struct child_report {
  std::string kind, name;
  policy::child_state state = policy::child_state::running;
  std::uint32_t restarts = 0;
  bool supervises = false;
  caf::actor handle{};  ///< of its present incarnation; none while it is restarted
};
struct child_reports {
  std::vector<child_report> children;
};

/// The reusable supervision behaviour: watches children that were started elsewhere (so that the
/// starter has the handle at once), restarts them by its settings, and on an exit message stops
/// them in reverse order of their start before it ends itself. Messages: (adopt, child_spec_ptr,
/// actor); (shutdown, patience), an exit message with a deadline; (tree) -> child_reports. Runs on
/// CAF's scheduler, away from the reactors whose actors it watches.
caf::behavior supervise(caf::event_based_actor* self, const supervisor_settings& settings);

/// A handle to one supervisor actor. Cheap to copy; any thread but a reactor's for `children` and
/// `shut_down`.
class supervisor {
 public:
  supervisor() = default;
  [[nodiscard]] static supervisor start(caf::actor_system& system, supervisor_settings settings);

  /// Starts a child and has it supervised; returns its first incarnation.
  caf::actor start_child(child_spec spec) const;
  /// The children as they are now; none when the supervisor has ended or does not answer in time.
  [[nodiscard]] std::vector<supervised> children(duration patience = seconds(5)) const;
  /// Stops all children, last started first, each within `stop_patience` and all within `patience`,
  /// and ends. False: the time was up, and those left were killed and are not waited for.
  [[nodiscard]] bool shut_down(duration patience) const;
  [[nodiscard]] const caf::actor& actor() const noexcept { return actor_; }
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(actor_); }

 private:
  explicit supervisor(caf::actor actor) : actor_(std::move(actor)) {}
  caf::actor actor_;
};

}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::child_spec_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::child_reports)
