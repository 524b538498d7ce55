#pragma once

namespace caf {
class actor_system;
class actor_system_config;
}  // namespace caf

namespace graphbit {

/// Adds what a service's own `caf::actor_system` must know of us: our errors, as a message type
/// and as an error category that it can render. Call it before the system is made:
///
///     caf::actor_system_config config;
///     graphbit::add_message_types(config);
///     caf::actor_system system{config};
///     graphbit::runtime rt{system, {}};  // ends before `system` does
///
/// Should `system` be destroyed first, it ends `rt` and logs that it had to: what `rt` still owed
/// is answered with an error, and so are calls from then on.
void add_message_types(caf::actor_system_config& config);

/// True when `system` was made from a configuration that went through `add_message_types`.
[[nodiscard]] bool has_message_types(const caf::actor_system& system);

}  // namespace graphbit
