#include "link_system.hpp"

#include <arpa/inet.h>
#include <openssl/rand.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/openssl/all.hpp>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/native_thread.hpp>

#include "frame_message.hpp"
#include "link_door.hpp"
#include "link_scribe.hpp"
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

using caf::io::basp_broker;
using caf::io::connection_handle;

// Precondition of the following: the middleman's thread, where the broker lives.

[[nodiscard]] basp_broker& broker_of(const caf::actor& handle) {
  return *static_cast<basp_broker*>(caf::actor_cast<caf::abstract_actor*>(handle));
}

// CAF sends what it still has first, and keeps the socket until the peer closes it, too.
void close_connection(basp_broker& broker, connection_handle connection) {
  broker.connection_cleanup(connection, caf::sec::connection_timeout);
  broker.close(connection);
}

void break_off(basp_broker& broker, connection_handle connection) {
  const auto fd = static_cast<int>(connection.id());
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  shutdown(fd, SHUT_RDWR);
  close_connection(broker, connection);
}

[[nodiscard]] std::vector<connection_handle> connections_to(basp_broker& broker,
                                                            const caf::node_id& node) {
  std::vector<connection_handle> all;
  for (const auto& [connection, peer] : broker.instance.tbl().direct_by_hdl_)
    if (peer == node) all.push_back(connection);
  return all;
}

[[nodiscard]] bool was_dialled_here(const basp_broker& broker, connection_handle connection) {
  const auto context = broker.ctx.find(connection);
  return context != broker.ctx.end() && context->second.remote_port != 0;
}

}  // namespace

/// Connections that nobody here knows, with the time at which they were first seen.
struct link_system::strangers {
  std::map<connection_handle, time_point> since;
};

link_system::link_system(const certificate_files& files, const link_settings& settings)
    : encrypted_(files.any()),
      settings_(settings),
      diallers_({.threads_max = 4, .queue_max = 4096, .thread_name = "graphbit-dial"}),
      strangers_(std::make_shared<strangers>()) {
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
  diallers_.stop(settings_.connect_patience * 2);
  system_.reset();
}

expected<std::uint16_t> link_system::publish(const caf::actor& door, const std::string& address,
                                             std::uint16_t port) {
  const spawn_scope scope;
  auto opened = open_link_door(*system_, address, port, encrypted_);
  if (!opened) return fail(opened.error());
  const std::uint16_t taken = (*opened)->port();
  caf::anon_send(broker(), caf::publish_atom::value, std::move(*opened), taken,
                 caf::actor_cast<caf::strong_actor_ptr>(door), std::set<std::string>{});
  return taken;
}

// caf::openssl::unpublish of 0.17.6 does not compile; this is what it means to send.
void link_system::unpublish(std::uint16_t port) {
  caf::anon_send(caf::actor_cast<caf::actor>(encrypted_ ? system_->openssl_manager().actor_handle()
                                                        : system_->middleman().actor_handle()),
                 caf::close_atom::value, port);
}

caf::actor link_system::broker() {
  return system_->middleman().named_broker<basp_broker>(caf::atom("BASP"));
}

void link_system::connect(const std::string& host, std::uint16_t port,
                          std::function<void(expected<tcp_connection>)> done) {
  const auto queued = diallers_.submit([host, port, done, patience = settings_.connect_patience] {
    done(connect_tcp(host, port, patience));
  });
  if (!queued) log(log_level::debug, "cluster", "no dialling after the end");
}

expected<caf::io::scribe_ptr> link_system::dress(tcp_connection connection) {
  auto scribe = make_link_scribe(*system_, connection.fd(),
                                 encrypted_ ? link_transport::tls_dialled : link_transport::plain);
  if (!scribe) return fail(network_error("TLS could not begin"));
  connection.release();
  return scribe;
}

void link_system::hang_up(const caf::node_id& node) {
  system_->middleman().backend().post([handle = broker(), node] {
    auto& broker = broker_of(handle);
    for (const auto& connection : connections_to(broker, node)) break_off(broker, connection);
  });
}

void link_system::part_from(const caf::node_id& node) {
  system_->middleman().backend().post([handle = broker(), node] {
    auto& broker = broker_of(handle);
    for (const auto& connection : connections_to(broker, node))
      close_connection(broker, connection);
  });
}

void link_system::hang_up(caf::io::scribe_ptr connection) {
  // Held until then, so that its descriptor cannot be another connection's by now.
  system_->middleman().backend().post([handle = broker(), connection = std::move(connection)] {
    break_off(broker_of(handle), connection->hdl());
  });
}

void link_system::hang_up_on_strangers(std::vector<caf::node_id> known) {
  system_->middleman().backend().post([handle = broker(), known = std::move(known),
                                       all = strangers_, patience = settings_.handshake_patience] {
    auto& broker = broker_of(handle);
    const auto now = steady_clock::now();
    auto before = std::exchange(all->since, {});
    for (const auto& connection : broker.connections()) {
      const auto node = broker.instance.tbl().lookup_direct(connection);
      if (was_dialled_here(broker, connection) ||
          std::find(known.begin(), known.end(), node) != known.end())
        continue;
      const auto since = before.try_emplace(connection, now).first->second;
      if (now - since <= patience)
        all->since.emplace(connection, since);
      else
        break_off(broker, connection);
    }
  });
}

void link_system::end(const caf::actor& actor) {
  const spawn_scope scope;
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  caf::scoped_actor waiting(*system_);
  waiting->wait_for(actor);
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
