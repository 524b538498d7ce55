#include "tls_scribe.hpp"

#include <utility>

#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/interfaces.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <caf/openssl/session.hpp>

namespace graphbit::cluster {

namespace {

using caf::io::network::default_multiplexer;
using caf::io::network::native_socket;
using caf::io::network::rw_state;

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
class tls_scribe final : public caf::io::scribe {
 public:
  tls_scribe(default_multiplexer& loop, native_socket fd, caf::openssl::session_ptr session)
      : scribe(caf::io::network::conn_hdl_from_socket(fd)), stream_(loop, fd, std::move(session)) {}

  void configure_read(caf::io::receive_policy::config config) override {
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
  bool launched_ = false;
  caf::io::network::stream_impl<tls_policy> stream_;
};

}  // namespace

caf::io::scribe_ptr make_tls_scribe(caf::actor_system& system, int socket) {
  auto session = caf::openssl::make_session(system, socket, false);
  if (!session) return nullptr;
  auto& loop = static_cast<default_multiplexer&>(system.middleman().backend());
  return caf::make_counted<tls_scribe>(loop, socket, std::move(session));
}

}  // namespace graphbit::cluster
