#pragma once

#include <cstdint>

#include <caf/io/all.hpp>

#include <graphbit/runtime/caf.hpp>

namespace graphbit::cluster {

/// What a socket is dressed in.
enum class link_transport : std::uint8_t { plain, tls_dialled, tls_accepted };

/// Our end of a connection over a socket that is connected already, for CAF's broker.
///
/// Two things of CAF's own ends would not do. They make room for as much as a message's header
/// promises, up to 4 GB, before a byte of it has come: these hang up on a promise that no link of
/// ours makes. And the TLS one is hidden behind a connect that blocks.
///
/// For TLS the system must have CAF's OpenSSL module, which holds certificates and keys. Owns the
/// socket once it is made; null, and the socket the caller's, when TLS could not begin.
[[nodiscard]] caf::io::scribe_ptr make_link_scribe(caf::actor_system& system, int socket,
                                                   link_transport transport);

}  // namespace graphbit::cluster
