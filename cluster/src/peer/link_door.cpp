#include "link_door.hpp"

#include <unistd.h>

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

}  // namespace

expected<caf::io::doorman_ptr> open_link_door(caf::actor_system& system, const std::string& address,
                                              std::uint16_t port, bool encrypted) {
  const char* where = address.empty() ? nullptr : address.c_str();
  auto fd = caf::io::network::new_tcp_acceptor_impl(port, where, true);
  if (!fd)
    return fail(network_error("cannot listen on " + address + ":" + std::to_string(port) + ": " +
                              system.render(fd.error())));
  auto& loop = static_cast<default_multiplexer&>(system.middleman().backend());
  return caf::make_counted<link_door>(
      loop, *fd, encrypted ? link_transport::tls_accepted : link_transport::plain);
}

}  // namespace graphbit::cluster
