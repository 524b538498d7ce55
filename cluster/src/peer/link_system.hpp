#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/io/scribe.hpp>

#include <graphbit/cluster/identity.hpp>
#include <graphbit/runtime/blocking_pool.hpp>
#include <graphbit/runtime/caf.hpp>

#include "src/peer/link_settings.hpp"
#include "src/peer/tcp_connection.hpp"

namespace graphbit::cluster {

/// The actor system that has CAF's middleman (and its OpenSSL module): the ground of all links.
///
/// Problem: a module must be loaded before an actor system starts, and a process that asks for a
/// cluster has its runtime long since. So links live in a system of their own; its actors exchange
/// plain values with those of the runtime, never handles.
///
/// Lifecycle: `stop` ends what was spawned and unpublishes; the destructor joins. Threads: one
/// worker, the middleman, the clock, and up to four that dial. Any thread may call.
class link_system {
 public:
  /// Precondition: the files have gone through `identity::load`.
  link_system(const certificate_files& files, const link_settings& settings);
  ~link_system();
  link_system(const link_system&) = delete;
  link_system& operator=(const link_system&) = delete;

  [[nodiscard]] caf::actor_system& actors() noexcept { return *system_; }
  [[nodiscard]] bool encrypted() const noexcept { return encrypted_; }

  /// Opens a port for `door`; 0 takes any. Gives the port. Error: Network.
  [[nodiscard]] expected<std::uint16_t> publish(const caf::actor& door, const std::string& address,
                                                std::uint16_t port);
  /// Listens no more; open connections stay.
  void unpublish(std::uint16_t port);
  /// Connects on a thread of its own and then calls `done`.
  void connect(const std::string& host, std::uint16_t port,
               std::function<void(expected<tcp_connection>)> done);
  /// An open connection in the form that `broker` takes. Error: Network when TLS cannot begin.
  [[nodiscard]] expected<caf::io::scribe_ptr> dress(tcp_connection connection);
  /// CAF's actor that owns all connections: (connect_atom, scribe, port) makes the transport's
  /// handshake and gives (node, published actor, its interface).
  [[nodiscard]] caf::actor broker();
  /// Closes all connections to a node, now and without waiting for what is still to be sent: a
  /// peer that is dead takes nothing. Its actors get down messages, and the next dial makes a new
  /// connection.
  void hang_up(const caf::node_id& node);
  /// Closes all connections to a node once what was sent to it has gone out.
  void part_from(const caf::node_id& node);
  /// Closes a connection that may not have come as far as having a node.
  void hang_up(caf::io::scribe_ptr connection);
  /// Closes who has dialled, is none of `known`, and has been that for longer than the patience
  /// with handshakes. To be called now and then: CAF waits for ever for a peer that says nothing.
  void hang_up_on_strangers(std::vector<caf::node_id> known);

  /// Ends one of its actors and waits for it.
  void end(const caf::actor& actor);

  [[nodiscard]] std::uint64_t next_number() noexcept { return next_.fetch_add(1); }
  [[nodiscard]] static std::string make_nonce();

 private:
  struct strangers;

  bool encrypted_;
  link_settings settings_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  blocking_pool diallers_;
  std::shared_ptr<strangers> strangers_;  // the middleman's thread's
  std::atomic<std::uint64_t> next_{1};
};

/// "HOST:PORT" or "[ADDRESS]:PORT" taken apart. Error: Configuration{address}.
struct endpoint {
  std::string host;
  std::uint16_t port = 0;
};
[[nodiscard]] expected<endpoint> parse_endpoint(const std::string& text);
/// True for addresses of this machine's own loopback.
[[nodiscard]] bool is_loopback(const std::string& host);

}  // namespace graphbit::cluster
