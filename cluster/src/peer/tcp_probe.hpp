#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit::cluster {

/// A host that answers.
struct tcp_probe {
  std::string address;  ///< numeric
  /// The connection that was tried. To be kept until the real one is there: CAF's TLS listener
  /// loses the descriptor of a peer that is gone by the time it is accepted.
  std::shared_ptr<void> connection;
};

/// Finds out, within the time given, at which address of `host` somebody listens.
///
/// Problem: CAF's middleman connects synchronously on its only thread, and a host that swallows
/// packets would stop every connection of the process for minutes. So a connection is tried here
/// first. Blocks; DNS takes as long as the system's resolver lets it.
/// Error: Network.
[[nodiscard]] expected<tcp_probe> probe_tcp(const std::string& host, std::uint16_t port,
                                            milliseconds patience);

}  // namespace graphbit::cluster
