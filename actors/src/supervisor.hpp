#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <graphbit/actors/policy/supervision.hpp>
#include <graphbit/runtime/caf.hpp>

namespace graphbit {

/// What a supervisor must know of a child to start it again.
struct child_spec {
  std::string kind;  ///< "provider client", "breaker", "executor", ...
  std::string name;
  policy::child_lifetime lifetime = policy::child_lifetime::transient;
  std::function<caf::actor()> start;                 ///< also tells whoever needs the new handle
  std::function<void(const caf::error&)> gave_up{};  ///< restarts ended: intensity was exceeded
};

/// One child as the supervision tree shows it.
struct child_report {
  std::string kind, name;
  policy::child_state state = policy::child_state::running;
  std::uint32_t restarts = 0;
};

using adopt_atom = caf::atom_constant<caf::atom("adopt")>;
using restart_atom = caf::atom_constant<caf::atom("restart")>;
using tree_atom = caf::atom_constant<caf::atom("tree")>;

struct child_spec_ptr {
  std::shared_ptr<const child_spec> spec;
};
struct child_reports {
  std::vector<child_report> children;
};

/// The reusable supervision behaviour: watches children that were started elsewhere (so that the
/// starter has the handle at once), restarts them by `settings`, and on an exit message stops them
/// in reverse order of their start before it ends itself.
/// Messages: (adopt, child_spec_ptr, actor); (tree) -> child_reports.
/// Runs on CAF's scheduler, away from the reactors whose actors it watches.
caf::behavior supervise(caf::event_based_actor* self, const std::string& name,
                        policy::supervision_settings settings);

}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::child_spec_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::child_reports)
