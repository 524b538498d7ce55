#pragma once

#include <cstdint>
#include <memory>

#include <graphbit/runtime/reactor.hpp>

namespace graphbit {

/// Told when its socket is ready. Must live until the end of the poller's turn in which it was
/// removed, because its event may already have been fetched.
class socket_watcher {
 public:
  virtual ~socket_watcher() = default;
  /// `events` as epoll gives them (EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLERR, EPOLLHUP).
  virtual void on_ready(std::uint32_t events) = 0;
};

/// Watches many sockets through one descriptor of the reactor.
///
/// Problem: Asio re-arms a socket by a system call for every wait and runs a handler for each. Here
/// the sockets of one client sit in an epoll set of their own, armed once and for both directions
/// (edge-triggered), and Asio watches only that set: one handler serves every socket that became
/// ready, and a request costs no re-arming.
///
/// Threads: the reactor's only. Destroying it is allowed inside `on_ready`.
class socket_poller {
 public:
  /// Called around each turn, with the watchers' owner held alive by whoever calls.
  class owner {
   public:
    virtual ~owner() = default;
    virtual void turn_begins() = 0;
    virtual void turn_ends() = 0;
  };

  /// `owned_by` is locked for each turn; nothing is delivered once it is gone.
  socket_poller(reactor& home, std::weak_ptr<owner> owned_by);
  ~socket_poller();
  socket_poller(const socket_poller&) = delete;
  socket_poller& operator=(const socket_poller&) = delete;

  /// Starts watching; false with errno when the system refuses.
  [[nodiscard]] bool add(int fd, socket_watcher& watcher);
  /// Hands a watched socket to another watcher.
  void change(int fd, socket_watcher& watcher);
  /// Stops watching. Call before the descriptor is closed.
  void remove(int fd);

 private:
  class set;
  std::shared_ptr<set> set_;
};

}  // namespace graphbit
