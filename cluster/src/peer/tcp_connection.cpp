#include "tcp_connection.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace graphbit::cluster {

namespace {

// 0, or why not.
[[nodiscard]] int try_connect(int fd, const addrinfo& to, milliseconds patience) {
  if (fd < 0) return errno;
  if (connect(fd, to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
  if (poll(&waiting, 1, static_cast<int>(patience.count())) == 0) return ETIMEDOUT;
  int why = 0;
  socklen_t size = sizeof why;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size);
  return why;
}

}  // namespace

expected<tcp_connection> connect_tcp(const std::string& host, std::uint16_t port,
                                     milliseconds patience) {
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
    tcp_connection made(socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto left = remaining(until, steady_clock::now());
    why = try_connect(made.fd(), *a, std::max(milliseconds{1}, left));
    if (why == 0) return made;
  }
  return fail(network_error(std::strerror(why)));
}

}  // namespace graphbit::cluster
