#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/actors/policy/supervision.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

class runtime;

/// One actor of the supervision tree at one moment.
struct supervised {
  std::string kind;                                          ///< "provider client", "executor", ...
  std::string name;                                          ///< which one of its kind
  policy::child_state state = policy::child_state::running;  ///< as its supervisor knows it
  std::uint32_t restarts = 0;                                ///< since it was first started
  std::optional<std::size_t> mailbox;  ///< messages that wait; none: not known (busy, restarting)
  std::vector<supervised> children;    ///< in the order of their start
};

/// "running", "stopping", "restarting", "stopped".
[[nodiscard]] std::string_view to_string(policy::child_state state) noexcept;

/// The runtime's supervision tree as it is now, from the root executor down: circuit breakers,
/// limiters, provider clients, executors with their runs and nodes at work, batches. Asks each
/// actor's own thread; takes at most about 5 s where some do not answer. Any thread but a
/// reactor's.
[[nodiscard]] supervised supervision_tree(runtime& rt);

/// {"kind", "name", "state", "restarts", "mailbox", "children"}; an unknown mailbox is null.
[[nodiscard]] json_value to_json(const supervised& tree);

}  // namespace graphbit
