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
  std::string name;  ///< which one of its kind
  /// When its end is a reason to start it again.
  policy::child_lifetime lifetime = policy::child_lifetime::transient;
  std::function<caf::actor()> start;                 ///< also tells whoever needs the new handle
  std::function<void(const caf::error&)> gave_up{};  ///< restarts ended: intensity was exceeded
  bool supervises = false;  ///< it answers (tree) itself, and is asked for its children
};

/// How children are restarted, and how long their end may take.
struct supervisor_settings {
  std::string name = "supervisor";  ///< in logs and trees
  /// Rule (one_for_one, one_for_all, rest_for_one), intensity and period, backoff.
  policy::supervision_settings restarts;
  /// A child that was asked to end and has not by then is killed and no longer waited for.
  duration stop_patience = seconds(5);
};

/// Gives a supervisor a child to watch.
using adopt_atom = caf::atom_constant<caf::atom("adopt")>;
/// Its own: a backoff is over.
using restart_atom = caf::atom_constant<caf::atom("restart")>;
/// Its own: a child takes too long to end.
using overdue_atom = caf::atom_constant<caf::atom("overdue")>;
/// Ends a supervisor within a time.
using shut_down_atom = caf::atom_constant<caf::atom("shutdown")>;
/// Its own: that time is over.
using out_of_time_atom = caf::atom_constant<caf::atom("outoftime")>;
/// Asks for its children.
using tree_atom = caf::atom_constant<caf::atom("tree")>;

/// A message that carries a specification within the process.
struct child_spec_ptr {
  std::shared_ptr<const child_spec> spec;  ///< never null
};
/// One child as its supervisor knows it.
struct child_report {
  std::string kind;                                          ///< "provider client", "executor", ...
  std::string name;                                          ///< which one of its kind
  policy::child_state state = policy::child_state::running;  ///< as its supervisor knows it
  std::uint32_t restarts = 0;                                ///< since it was adopted
  bool supervises = false;                                   ///< it has children of its own
  caf::actor handle{};  ///< of its present incarnation; none while it is restarted
};
/// What `tree_atom` is answered with.
struct child_reports {
  std::vector<child_report> children;  ///< in the order of their start
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
  /// Starts the supervisor's actor.
  [[nodiscard]] static supervisor start(caf::actor_system& system, supervisor_settings settings);

  /// Starts a child and has it supervised; returns its first incarnation.
  caf::actor start_child(child_spec spec) const;
  /// The children as they are now; none when the supervisor has ended or does not answer in time.
  [[nodiscard]] std::vector<supervised> children(duration patience = seconds(5)) const;
  /// Stops all children, last started first, each within `stop_patience` and all within `patience`,
  /// and ends. False: the time was up, and those left were killed and are not waited for.
  [[nodiscard]] bool shut_down(duration patience) const;
  /// To which messages go.
  [[nodiscard]] const caf::actor& actor() const noexcept { return actor_; }
  /// Whether it was started.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(actor_); }

 private:
  explicit supervisor(caf::actor actor) : actor_(std::move(actor)) {}
  caf::actor actor_;
};

}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::child_spec_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::child_reports)
