#pragma once

namespace graphbit::cluster {

/// Logs why a TLS connection of this thread's was refused, from now on.
///
/// Problem: CAF's OpenSSL module says nobody why a handshake failed (its own log is compiled out of
/// Debian's library), and an operator who mixed up two CAs sees connections that close. OpenSSL
/// calls back whenever a context is made; contexts made on a marked thread get a callback of ours
/// that logs verification failures and alerts. Python's and our HTTP client's contexts, made on
/// other threads, are not touched.
void watch_tls_of_this_thread();

}  // namespace graphbit::cluster
