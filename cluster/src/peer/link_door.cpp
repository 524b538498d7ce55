#include "link_door.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/doorman_impl.hpp>
#include <caf/io/network/interfaces.hpp>

#include "link_scribe.hpp"

namespace graphbit::cluster {

namespace {

using caf::io::network::default_multiplexer;
using caf::io::network::native_socket;

class link_door final : public caf::io::network::doorman_impl {
 public:
  link_door(default_multiplexer& loop, native_socket fd, link_transport transport)
      : doorman_impl(loop, fd), transport_(transport) {}

  bool new_connection() override {
    const native_socket fd = acceptor_.accepted_socket();
    caf::io::network::nonblocking(fd, true);  // TLS begins at once, on the middleman's thread
    // Once the broker has let go of it there is nobody to take what comes.
    auto scribe = detached() ? nullptr : make_link_scribe(parent()->system(), fd, transport_);
    if (!scribe) {
      ::close(fd);
      return false;
    }
    const auto connection = scribe->hdl();
    parent()->add_scribe(std::move(scribe));
    return doorman::new_connection(&acceptor_.backend(), connection);
  }

 private:
  const link_transport transport_;
};

// The system's own word, which CAF does not keep; empty when the port can be had now.
[[nodiscard]] std::string why_not_bound(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const auto unknown = getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (unknown != 0) return gai_strerror(unknown);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> where(found, &freeaddrinfo);
  const int fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool bound = bind(fd, where->ai_addr, where->ai_addrlen) == 0;
  const std::string why = bound ? "" : std::strerror(errno);
  close(fd);
  return why;
}

}  // namespace

expected<caf::io::doorman_ptr> open_link_door(caf::actor_system& system, const std::string& address,
                                              std::uint16_t port, bool encrypted) {
  const char* where = address.empty() ? nullptr : address.c_str();
  auto fd = caf::io::network::new_tcp_acceptor_impl(port, where, true);
  if (!fd) {
    auto why = why_not_bound(address, port);
    if (why.empty()) why = system.render(fd.error());
    return fail(
        network_error("cannot listen on " + address + ":" + std::to_string(port) + ": " + why));
  }
  auto& loop = static_cast<default_multiplexer&>(system.middleman().backend());
  return caf::make_counted<link_door>(
      loop, *fd, encrypted ? link_transport::tls_accepted : link_transport::plain);
}

}  // namespace graphbit::cluster
