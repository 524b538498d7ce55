#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "client_exchange.hpp"
#include "http_response_parser.hpp"
#include "proxy_tunnel.hpp"
#include "socket_connector.hpp"
#include "socket_poller.hpp"
#include "tls_context.hpp"
#include "transport.hpp"

namespace graphbit {

/// One connection of a client's pool: gets connected (through a proxy's tunnel
/// where there is one) and secured, then carries one exchange after
/// the other.
///
/// Lifecycle: `open`, then `owner::opened` or `owner::broke`; while idle `send` begins an exchange,
/// which ends by `owner::answered` or `owner::broke`. After `close` (and after `broke`) it is of no
/// more use, and its owner keeps it until the poller's turn ends.
/// Threads: the reactor's only.
class client_connection final : public socket_watcher {
 public:
  enum class phase : std::uint8_t { connecting, tunnelling, securing, idle, busy, closed };

  /// The pool, as its connections see it.
  class owner {
   public:
    virtual ~owner() = default;
    /// Ready for the exchange that it was opened for.
    virtual void opened(client_connection& connection, client_exchange& exchange) = 0;
    /// The response is complete; the connection is idle again, or closed.
    virtual void answered(client_connection& connection, client_exchange& exchange) = 0;
    /// The connection is lost, with `exchange` if it carried one.
    virtual void broke(client_connection& connection, client_exchange* exchange, error why) = 0;
    /// A deadline that is so near that the sweep would miss it may have come up.
    virtual void note_deadline(time_point at) = 0;
    /// Calls `on_ready(0)` after the others had their turn.
    virtual void again(client_connection& connection) = 0;
    /// Receives go here first; valid until the next read.
    [[nodiscard]] virtual std::span<char> buffer() noexcept = 0;
  };

  /// What all connections of one client have in common.
  struct surroundings {
    reactor& home;
    socket_poller& poller;
    owner& pool;
    const origin& at;
    const http_client_options& options;
    tls_session_slot& tls_sessions;
    std::shared_ptr<tls_context> tls;  // nullptr: plain
    std::optional<http_proxy> proxy;
  };

  explicit client_connection(const surroundings& around);
  ~client_connection() override;

  /// Begins to connect on behalf of `exchange`.
  void open(client_exchange& exchange);
  /// Sends a request whose head is `head_for_writing()`. Precondition: idle. Calls nothing back,
  /// not even when the write fails: that shows at the next event.
  void send(client_exchange& exchange);
  /// Where the owner puts a request's head before `send`.
  [[nodiscard]] std::string& head_for_writing() noexcept { return head_; }
  /// Reads on after a pause. Not inside a handler's call.
  void read_more();
  void close();
  void on_ready(std::uint32_t events) override;

  [[nodiscard]] phase now_in() const noexcept { return phase_; }
  [[nodiscard]] client_exchange* exchange() const noexcept { return exchange_; }
  /// The exchange's next deadline and its name ("connect", ...), from its clocks.
  [[nodiscard]] std::pair<time_point, std::string_view> deadline() const noexcept;
  /// True when the present exchange found the connection ready in the pool.
  [[nodiscard]] bool reused() const noexcept { return reused_; }
  /// True once a byte of the present answer came.
  [[nodiscard]] bool answer_begun() const noexcept { return parser_.begun(); }

  std::size_t pool_index = 0;  // for the owner
  time_point idle_since;       // for the owner
  bool was_idle = false;       // for the owner: it has waited in the pool

 private:
  void connected(expected<owned_socket> socket);
  void tunnel();
  void begin_to_secure();
  void secure();
  void check_idle();
  void write_more();
  void take(std::span<char> received);
  [[nodiscard]] bool begin_body();
  [[nodiscard]] bool add_body(std::string_view bytes);
  [[nodiscard]] bool decode_body(std::string_view bytes);
  void gather(std::string_view bytes);
  void hand_over();
  void finish(bool nothing_left);
  void ended();
  void lose(error why);
  [[nodiscard]] bool may_hold_more();
  [[nodiscard]] bool all_sent() const noexcept;
  [[nodiscard]] error too_large() const;

  const surroundings& around_;
  std::unique_ptr<socket_connector> connector_;
  owned_socket socket_;
  std::unique_ptr<transport> transport_;
  std::unique_ptr<proxy_tunnel> tunnel_;
  http_response_parser parser_;
  client_exchange* exchange_ = nullptr;
  std::string head_;
  std::size_t sent_ = 0;  // of head and body
  std::span<char> gathered_;
  time_point phase_since_;
  time_point last_read_;
  std::optional<error> write_fault_;
  phase phase_ = phase::connecting;
  bool reused_ = false;
};

/// `at` plus `wait`, which may be "for ever".
[[nodiscard]] time_point later_by(time_point at, milliseconds wait) noexcept;

}  // namespace graphbit
