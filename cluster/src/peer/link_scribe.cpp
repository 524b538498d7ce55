#include "link_scribe.hpp"

#include <sys/socket.h>

#include <utility>

#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/interfaces.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <caf/openssl/session.hpp>
#include <caf/policy/tcp.hpp>

#include <graphbit/runtime/limits.hpp>
#include <graphbit/runtime/log.hpp>

namespace graphbit::cluster {

namespace {

using caf::io::network::default_multiplexer;
using caf::io::network::native_socket;
using caf::io::network::rw_state;

// A frame of ours has two parts at most, and handshakes are small.
constexpr std::size_t promise_bytes_max = 4 * limits::frame_part_bytes_max;

/// How a stream of CAF's reads and writes: through a TLS session. It never accepts.
class tls_policy {
 public:
  explicit tls_policy(caf::openssl::session_ptr session) : session_(std::move(session)) {}
  rw_state read_some(std::size_t& result, native_socket fd, void* buffer, std::size_t size) {
    return session_->read_some(result, fd, buffer, size);
  }
  rw_state write_some(std::size_t& result, native_socket fd, const void* buffer, std::size_t size) {
    return session_->write_some(result, fd, buffer, size);
  }
  bool must_read_more(native_socket fd, std::size_t threshold) {
    return session_->must_read_more(fd, threshold);
  }

 private:
  caf::openssl::session_ptr session_;
};

/// Threads: made anywhere, then the middleman's.
template <class Policy>
class link_scribe final : public caf::io::scribe {
 public:
  template <class... Args>
  link_scribe(default_multiplexer& loop, native_socket fd, Args&&... args)
      : scribe(caf::io::network::conn_hdl_from_socket(fd)),
        stream_(loop, fd, std::forward<Args>(args)...) {}

  void configure_read(caf::io::receive_policy::config config) override {
    if (config.second > promise_bytes_max) return hang_up(config.second);
    stream_.configure_read(config);
    if (std::exchange(launched_, true)) return;
    stream_.start(this);
    stream_.force_empty_write(this);  // the handshake may have to write before there is any data
  }
  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void graceful_shutdown() override {
    stream_.graceful_shutdown();
    detach(&stream_.backend(), false);
  }
  void flush() override { stream_.flush(this); }
  std::string addr() const override {
    const auto address = caf::io::network::remote_addr_of_fd(stream_.fd());
    return address ? *address : "";
  }
  std::uint16_t port() const override {
    const auto port = caf::io::network::remote_port_of_fd(stream_.fd());
    return port ? *port : std::uint16_t{0};
  }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }

 private:
  // The next read finds the end, and the broker forgets the connection as any other that ended.
  void hang_up(std::size_t promised_bytes) {
    log(log_level::warn, "cluster",
        "closing the connection of " + addr() + ": it promises a message of " +
            std::to_string(promised_bytes) + " bytes");
    shutdown(stream_.fd(), SHUT_RDWR);
  }

  bool launched_ = false;
  caf::io::network::stream_impl<Policy> stream_;
};

}  // namespace

caf::io::scribe_ptr make_link_scribe(caf::actor_system& system, int socket,
                                     link_transport transport) {
  auto& loop = static_cast<default_multiplexer&>(system.middleman().backend());
  if (transport == link_transport::plain) {
    caf::io::network::keepalive(socket, true);
    return caf::make_counted<link_scribe<caf::policy::tcp>>(loop, socket);
  }
  const bool accepted = transport == link_transport::tls_accepted;
  auto session = caf::openssl::make_session(system, socket, accepted);
  if (!session) return nullptr;
  return caf::make_counted<link_scribe<tls_policy>>(loop, socket, std::move(session));
}

}  // namespace graphbit::cluster
