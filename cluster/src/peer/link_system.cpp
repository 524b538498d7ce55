#include "link_system.hpp"

#include <arpa/inet.h>
#include <openssl/rand.h>

#include <charconv>
#include <utility>

#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/openssl/all.hpp>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/native_thread.hpp>

#include "frame_message.hpp"
#include "tcp_probe.hpp"
#include "tls_mending.hpp"

namespace graphbit::cluster {

namespace {

// CAF's own heartbeats: a coarse guard for connections that have not come as far as ours.
constexpr seconds caf_heartbeat{5};
constexpr seconds caf_timeout{20};
constexpr seconds caf_answer{10};

// Marks the middleman's thread, whose TLS contexts are ours to watch.
class mend_tls_of_threads final : public caf::thread_hook {
 public:
  void init(caf::actor_system&) override {}
  void thread_started() override { mend_tls_of_this_thread(); }
  void thread_terminates() override {}
};

}  // namespace

link_system::link_system(const certificate_files& files, const link_settings& settings)
    : encrypted_(files.any()),
      probe_patience_(settings.probe_patience),
      diallers_({.threads_max = 4, .queue_max = 4096, .thread_name = "graphbit-dial"}) {
  config_.add_message_type<frame>("graphbit.frame");
  config_.set("scheduler.policy", caf::atom("sharing"));
  config_.set("scheduler.max-threads", std::size_t{1});
  config_.set("middleman.workers", std::size_t{0});
  config_.set("middleman.heartbeat-interval", caf::timespan{caf_heartbeat});
  config_.set("middleman.connection-timeout", caf::timespan{caf_timeout});
  config_.load<caf::io::middleman>();
  if (encrypted_) {
    config_.load<caf::openssl::manager>();
    config_.openssl_certificate = files.certificate;
    config_.openssl_key = files.key;
    config_.openssl_cafile = files.ca;
    config_.add_thread_hook<mend_tls_of_threads>();
  }
  const signals_blocked blocked;
  system_ = std::make_unique<caf::actor_system>(config_);
}

link_system::~link_system() {
  diallers_.stop(probe_patience_ * 2);
  system_.reset();
}

expected<std::uint16_t> link_system::publish(const caf::actor& door, const std::string& address,
                                             std::uint16_t port) {
  const spawn_scope scope;
  const char* where = address.c_str();
  auto opened = encrypted_ ? caf::openssl::publish(door, port, where, true)
                           : system_->middleman().publish(door, port, where, true);
  if (opened) return *opened;
  return fail(network_error("cannot listen on " + address + ":" + std::to_string(port) + ": " +
                            system_->render(opened.error())));
}

// caf::openssl::unpublish of 0.17.6 does not compile; this is what it means to send.
void link_system::unpublish(std::uint16_t port) {
  caf::anon_send(connector(), caf::close_atom::value, port);
}

caf::actor link_system::connector() {
  return caf::actor_cast<caf::actor>(encrypted_ ? system_->openssl_manager().actor_handle()
                                                : system_->middleman().actor_handle());
}

void link_system::probe(const std::string& host, std::uint16_t port,
                        std::function<void(expected<tcp_probe>)> done) {
  const auto queued = diallers_.submit(
      [host, port, done, patience = probe_patience_] { done(probe_tcp(host, port, patience)); });
  if (!queued) log(log_level::debug, "cluster", "no dialling after the end");
}

// CAF offers no way to close a connection by its node; its broker has one for its own timeouts. All
// of this runs on the middleman's thread, where the broker lives.
void link_system::hang_up(const caf::node_id& node) {
  const auto handle = system_->middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
  system_->middleman().backend().post([handle, node] {
    auto* broker =
        static_cast<caf::io::basp_broker*>(caf::actor_cast<caf::abstract_actor*>(handle));
    const auto connection = broker->instance.tbl().lookup_direct(node);
    if (!connection) return;
    const auto closing = *connection;
    broker->connection_cleanup(closing, caf::sec::connection_timeout);
    broker->close(closing);
  });
}

std::string link_system::make_nonce() {
  std::string nonce(32, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(nonce.data()), static_cast<int>(nonce.size()));
  return nonce;
}

expected<endpoint> parse_endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  endpoint e;
  if (colon != std::string::npos && colon > 0) {
    e.host = text.substr(0, colon);
    if (e.host.size() > 2 && e.host.front() == '[' && e.host.back() == ']')
      e.host = e.host.substr(1, e.host.size() - 2);
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + colon + 1, end, e.port);
    if (read.ec == std::errc{} && read.ptr == end && !e.host.empty()) return e;
  }
  return fail(configuration_error("address", "\"" + text + "\" is no HOST:PORT"));
}

bool is_loopback(const std::string& host) {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  return host == "localhost" || host == "::1";
}

}  // namespace graphbit::cluster
