#pragma once

namespace graphbit {

/// Remembers the process's sockets for a forked child.
///
/// Problem: a child that Python's `multiprocessing` forks holds a copy of every connection, so that
/// a connection the parent closes stays open for the server until the child ends. The child closes
/// its copies, and does nothing else to them: a TLS farewell or an `epoll_ctl` would reach what the
/// parent still uses.
///
/// Threads: any. Costs a lock when a connection opens or closes.
void remember_socket(int fd);
/// Call before the descriptor is closed.
void forget_socket(int fd) noexcept;

}  // namespace graphbit
