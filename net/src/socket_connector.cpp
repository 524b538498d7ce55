#include "socket_connector.hpp"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace graphbit {

namespace {

constexpr milliseconds head_start_time{250};

std::string advice(int code) {
  switch (code) {
    case ECONNREFUSED:
      return "; is the server running, and is the port right?";
    case ENOENT:
      return "; is the server running, and is the socket's path right?";
    case ENETUNREACH:
    case EHOSTUNREACH:
      return "; check the network of this machine";
    default:
      return "";
  }
}

error connect_error(const std::string& where, int code) {
  if (code == EMFILE || code == ENFILE)
    return resource_error("file_descriptors", "no file descriptor left for a connection to " +
                                                  where + ": raise 'ulimit -n'");
  return network_error("cannot connect to " + where + ": " + std::system_category().message(code) +
                       advice(code));
}

}  // namespace

void tune_tcp_socket(int fd) noexcept {
  const int on = 1, idle_s = 45, between_s = 15;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between_s, sizeof between_s);
}

struct socket_connector::attempt final : socket_watcher {
  socket_connector* owner;
  owned_socket fd;

  explicit attempt(socket_connector& of) : owner(&of) {}

  void on_ready(std::uint32_t events) override {
    if (!fd || (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    int code = 0;
    socklen_t size = sizeof code;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &code, &size);
    if (code != 0)
      owner->failed(*this, code);
    else
      owner->succeeded(*this);
  }
};

socket_connector::socket_connector(reactor& home, socket_poller& poller, callback done)
    : home_(home), poller_(poller), done_(std::move(done)), timer_(home.context()) {}

socket_connector::~socket_connector() { give_up(); }

void socket_connector::start(const origin& to, std::string name) {
  name_ = std::move(name);
  question_ = resolver::ask(home_, to, [this](expected<address_list> found) {
    if (!found) return finish(fail(std::move(found.error())));
    if (found->empty()) return finish(fail(network_error(name_ + " has no address")));
    addresses_ = std::move(*found);
    try_next();
  });
}

/// Calls back from the stack alone: the callback may end this object.
void socket_connector::finish(expected<owned_socket> result) {
  const auto done = std::move(done_);
  done(std::move(result));
}

/// A socket on its way to `address`; none, with errno, when that fails at once.
owned_socket socket_connector::begin(const socket_address& address) {
  owned_socket fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return {};
  if (address.family() != AF_UNIX) tune_tcp_socket(fd.get());
  if (::connect(fd.get(), address.get(), address.size) == 0 || errno == EINPROGRESS) return fd;
  const int why = errno;
  fd.reset();
  errno = why;
  return {};
}

/// Begins the next address' attempt; addresses that fail at once are passed over.
void socket_connector::try_next() {
  while (next_ < addresses_.size()) {
    auto fresh = std::make_unique<attempt>(*this);
    fresh->fd = begin(addresses_[next_++]);
    if (fresh->fd && poller_.add(fresh->fd.get(), *fresh)) {
      attempts_.push_back(std::move(fresh));
      return head_start();
    }
    last_errno_ = errno;
  }
  const bool all_failed =
      std::none_of(attempts_.begin(), attempts_.end(), [](const auto& a) { return bool(a->fd); });
  if (all_failed) finish(fail(connect_error(name_, last_errno_)));
}

void socket_connector::head_start() {
  if (next_ >= addresses_.size()) return;
  timer_.expires_after(head_start_time);
  timer_.async_wait(
      [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& cancelled) {
        if (!cancelled && !alive.expired()) try_next();
      });
}

void socket_connector::failed(attempt& which, int code) {
  last_errno_ = code;
  poller_.remove(which.fd.get());
  which.fd.reset();
  timer_.cancel();
  try_next();
}

void socket_connector::succeeded(attempt& which) {
  auto fd = std::move(which.fd);
  give_up();
  finish(std::move(fd));
}

void socket_connector::give_up() {
  alive_.reset();
  timer_.cancel();
  question_ = {};
  for (auto& a : attempts_) {
    if (a->fd) poller_.remove(a->fd.get());
    a->fd.reset();
  }
}

}  // namespace graphbit
