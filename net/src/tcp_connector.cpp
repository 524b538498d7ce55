#include "tcp_connector.hpp"

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

struct tcp_connector::attempt final : socket_watcher {
  tcp_connector* owner;
  unique_fd fd;

  explicit attempt(tcp_connector& of) : owner(&of) {}

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

tcp_connector::tcp_connector(reactor& home, socket_poller& poller, callback done)
    : home_(home), poller_(poller), done_(std::move(done)), timer_(home.context()) {}

tcp_connector::~tcp_connector() { give_up(); }

void tcp_connector::start(const std::string& host, std::uint16_t port) {
  where_ = host + ':' + std::to_string(port);
  question_ = resolver::ask(home_, host, port, [this](expected<address_list> found) {
    if (found && !found->empty()) {
      addresses_ = std::move(*found);
      return try_next();
    }
    done_(fail(found ? network_error("the host '" + where_ + "' has no address")
                     : std::move(found.error())));
  });
}

/// Begins the next address' attempt; addresses that fail at once are passed over.
void tcp_connector::try_next() {
  while (next_ < addresses_.size()) {
    const auto& address = addresses_[next_++];
    auto fresh = std::make_unique<attempt>(*this);
    fresh->fd = unique_fd(
        ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!fresh->fd) {
      last_errno_ = errno;
      continue;
    }
    tune_tcp_socket(fresh->fd.get());
    const int failed = ::connect(fresh->fd.get(), address.get(), address.size);
    if ((failed != 0 && errno != EINPROGRESS) || !poller_.add(fresh->fd.get(), *fresh)) {
      last_errno_ = errno;
      continue;
    }
    attempts_.push_back(std::move(fresh));
    return head_start();
  }
  const bool all_failed =
      std::none_of(attempts_.begin(), attempts_.end(), [](const auto& a) { return bool(a->fd); });
  if (all_failed) done_(fail(connect_error(where_, last_errno_)));
}

void tcp_connector::head_start() {
  if (next_ >= addresses_.size()) return;
  timer_.expires_after(head_start_time);
  timer_.async_wait(
      [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& cancelled) {
        if (!cancelled && !alive.expired()) try_next();
      });
}

void tcp_connector::failed(attempt& which, int code) {
  last_errno_ = code;
  poller_.remove(which.fd.get());
  which.fd.reset();
  timer_.cancel();
  try_next();
}

void tcp_connector::succeeded(attempt& which) {
  auto fd = std::move(which.fd);
  give_up();
  done_(std::move(fd));
}

void tcp_connector::give_up() {
  alive_.reset();
  timer_.cancel();
  question_ = {};
  for (auto& a : attempts_) {
    if (a->fd) poller_.remove(a->fd.get());
    a->fd.reset();
  }
}

}  // namespace graphbit
