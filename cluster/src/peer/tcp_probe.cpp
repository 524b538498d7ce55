#include "tcp_probe.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace graphbit::cluster {

namespace {

class socket_handle {
 public:
  explicit socket_handle(int fd) : fd_(fd) {}
  ~socket_handle() {
    if (fd_ >= 0) close(fd_);
  }
  socket_handle(const socket_handle&) = delete;
  socket_handle& operator=(const socket_handle&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

[[nodiscard]] std::shared_ptr<socket_handle> open_socket(int family) {
  return std::make_shared<socket_handle>(
      socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// 0, or why not.
[[nodiscard]] int try_connect(const socket_handle& fd, const addrinfo& to, milliseconds patience) {
  if (fd.get() < 0) return errno;
  if (connect(fd.get(), to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd waiting{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  if (poll(&waiting, 1, static_cast<int>(patience.count())) == 0) return ETIMEDOUT;
  int why = 0;
  socklen_t size = sizeof why;
  getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &why, &size);
  return why;
}

[[nodiscard]] std::string numeric(const addrinfo& a) {
  char text[NI_MAXHOST] = "";
  getnameinfo(a.ai_addr, a.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

}  // namespace

expected<tcp_probe> probe_tcp(const std::string& host, std::uint16_t port, milliseconds patience) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (failed != 0)
    return fail(network_error("cannot resolve " + host + ": " + gai_strerror(failed)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
  const auto until = steady_clock::now() + patience;
  int why = 0;
  for (const auto* a = addresses.get(); a != nullptr; a = a->ai_next) {
    auto fd = open_socket(a->ai_family);
    const auto left = remaining(until, steady_clock::now());
    why = try_connect(*fd, *a, std::max(milliseconds{1}, left));
    if (why == 0) return tcp_probe{numeric(*a), std::move(fd)};
  }
  return fail(network_error(std::strerror(why)));
}

}  // namespace graphbit::cluster
