#pragma once

#include <cstdint>
#include <string>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit::cluster {

/// Finds out, within the time given, at which address of `host` somebody listens.
///
/// Problem: CAF's middleman connects synchronously on its only thread, and a host that swallows
/// packets would stop every connection of the process for minutes. So a connection is tried here
/// first. Blocks; DNS takes as long as the system's resolver lets it.
/// Error: Network.
[[nodiscard]] expected<std::string> probe_tcp(const std::string& host, std::uint16_t port,
                                              milliseconds patience);

}  // namespace graphbit::cluster
