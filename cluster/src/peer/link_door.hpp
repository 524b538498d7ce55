#pragma once

#include <cstdint>
#include <string>

#include <caf/io/all.hpp>

#include <graphbit/runtime/caf.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit::cluster {

/// Listens on `address` and `port` (0: any) for CAF's broker, and dresses what it accepts as
/// `make_link_scribe` does, where CAF's own door would take its own ends. Threads: made anywhere,
/// then the middleman's. Error: Network.
[[nodiscard]] expected<caf::io::doorman_ptr> open_link_door(caf::actor_system& system,
                                                            const std::string& address,
                                                            std::uint16_t port, bool encrypted);

}  // namespace graphbit::cluster
