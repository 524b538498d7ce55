#pragma once

namespace graphbit::cluster {

/// Mends what CAF's OpenSSL module lacks in the TLS connections of this thread, from now on.
///
/// Problem one: it asks OpenSSL for the reason of a failed call without having cleared the thread's
/// queue of errors before, and reads the queue out only where its own log is compiled in, which
/// Debian's is not. So one connection that fails makes every other of the process look failed. The
/// queue is cleared before each read and write of a socket.
///
/// Problem two: for the same want of a log nobody is told why a handshake failed, and an operator
/// who mixed up two authorities sees connections that close. Verification failures and alerts are
/// logged.
///
/// OpenSSL calls back whenever it makes a context or a BIO; those made on a marked thread (the
/// middleman's) get callbacks of ours. Python's and our HTTP client's, made on other threads, are
/// not touched.
void mend_tls_of_this_thread();

}  // namespace graphbit::cluster
