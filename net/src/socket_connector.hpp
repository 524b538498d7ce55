#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include <graphbit/net/url.hpp>

#include "owned_socket.hpp"
#include "resolver.hpp"
#include "socket_poller.hpp"

namespace graphbit {

/// Makes one connection to an origin: resolves its host, and tries its addresses with a head start
/// of 250 ms each until one answers (happy eyeballs, RFC 8305 in its simple form).
///
/// Lifecycle: `start` once; destroying it gives up and closes what is open, but not inside its
/// callback and not before the poller's turn ends. No timeout of its own.
/// Threads: the reactor's only.
class socket_connector {
 public:
  /// A connected, non-blocking socket that the poller watches, or a Network error. Called once,
  /// never inside `start`.
  using callback = std::function<void(expected<owned_socket>)>;

  socket_connector(reactor& home, socket_poller& poller, callback done);
  ~socket_connector();
  socket_connector(const socket_connector&) = delete;
  socket_connector& operator=(const socket_connector&) = delete;

  /// `name` stands for the peer in messages.
  void start(const origin& to, std::string name);
  /// Closes what is open and forgets the question; the callback is not called any more.
  void give_up();

 private:
  struct attempt;

  [[nodiscard]] static owned_socket begin(const socket_address& address);
  void finish(expected<owned_socket> result);
  void try_next();
  void head_start();
  void failed(attempt& which, int code);
  void succeeded(attempt& which);

  reactor& home_;
  socket_poller& poller_;
  callback done_;
  std::string name_;
  resolver::question question_;
  address_list addresses_;
  std::size_t next_ = 0;
  std::vector<std::unique_ptr<attempt>> attempts_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // seen by a timer that fires too late
  int last_errno_ = 0;
};

/// What every connection's socket is set to: no delay for small writes, keep-alive probes so that
/// a peer that vanished is noticed during a long wait.
void tune_tcp_socket(int fd) noexcept;

}  // namespace graphbit
