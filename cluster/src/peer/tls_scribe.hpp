#pragma once

#include <caf/io/all.hpp>

#include <graphbit/runtime/caf.hpp>

namespace graphbit::cluster {

/// The dialling end of a mutual TLS connection over a socket that is connected already, for CAF's
/// broker: CAF's own is hidden behind a connect that blocks. The system must have CAF's OpenSSL
/// module, which holds certificates and keys. Owns the socket once it is made; null, and the
/// socket the caller's, when TLS could not begin.
[[nodiscard]] caf::io::scribe_ptr make_tls_scribe(caf::actor_system& system, int socket);

}  // namespace graphbit::cluster
