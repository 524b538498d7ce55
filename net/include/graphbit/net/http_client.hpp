#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <graphbit/net/http_types.hpp>
#include <graphbit/net/url.hpp>
#include <graphbit/runtime/limits.hpp>

namespace graphbit {

class reactor;

/// How TLS connections are made and checked. Chain and host name are always verified unless
/// `verify` is turned off by name, which logs a warning.
struct tls_options {
  bool verify = true;            ///< false: chain and host name are not looked at
  std::string ca_file;           ///< empty: SSL_CERT_FILE, else the system's store
  std::string client_cert_file;  ///< PEM chain; empty: none
  std::string client_key_file;   ///< PEM, of that certificate

  friend bool operator==(const tls_options&, const tls_options&) = default;
};

/// How an origin's connections are made, and how much they may bring.
struct http_client_options {
  tls_options tls;  ///< for https origins
  /// The proxy's URL ("http://[user:password@]host[:port]"); "": none; not set: as the environment
  /// says (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY). A proxy that cannot be used fails every
  /// exchange with a Configuration error.
  std::optional<std::string> proxy;
  std::size_t connections_max =
      0;  ///< 0: limits::connections_per_origin_max or half the file limit
  seconds idle_max = limits::connection_idle_max;  ///< then an unused connection is closed
  std::size_t body_bytes_max = limits::response_body_bytes_max;   ///< of a response, decompressed
  std::size_t header_bytes_max = limits::header_block_bytes_max;  ///< of a response
};

/// Receives what happens to one exchange. Called on the reactor's thread, never from inside
/// `http_client::start`. After `on_done` no further call comes.
class http_handler {
 public:
  virtual ~http_handler() = default;
  /// The response's status line and headers are complete (streamed exchanges only).
  virtual void on_headers(const http_response& head) { static_cast<void>(head); }
  /// Bytes of the body as one receive brought them, decoded (streamed exchanges only).
  virtual void on_data(std::string_view bytes) { static_cast<void>(bytes); }
  /// The exchange is over. A response of any status is a value; only transport faults, timeouts
  /// and broken limits are errors.
  virtual void on_done(expected<http_response> result) = 0;
};

/// The connections of one origin.
struct http_pool_stats {
  std::size_t open = 0;        ///< connections alive, busy or idle
  std::size_t idle = 0;        ///< of these, ready for the next exchange
  std::size_t waiting = 0;     ///< exchanges waiting for a connection
  std::uint64_t opened = 0;    ///< connections made since the start
  std::uint64_t reused = 0;    ///< exchanges that found one ready
  std::uint64_t forgiven = 0;  ///< exchanges begun anew because a pooled one had gone stale
};

/// A pooled keep-alive HTTP/1.1 client for one origin over TCP or TLS.
///
/// Problem: an LLM client makes many calls at once to few hosts; a connection per call costs a
/// handshake, and a thread per call costs a thread. Here any number of exchanges share the
/// connections of one origin, and all of it happens on one reactor thread.
///
/// Lifecycle: made, used and destroyed on its reactor's thread. Destroying it closes every
/// connection and completes every exchange with a cancelled Runtime error; handlers must not start
/// another one then.
/// A reset on a reused connection before any byte of the answer came is retried once on a new
/// connection without telling anybody: the server had closed it while it was idle.
class http_client {
 public:
  /// Names an exchange for `cancel`, `pause` and `resume`.
  using exchange_id = std::uint64_t;

  /// Opens nothing yet. On `home`'s thread.
  http_client(reactor& home, origin at, http_client_options options);
  ~http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// Starts an exchange. `handler` must stay alive until its `on_done`, or until `cancel` returned.
  exchange_id start(http_request request, const http_timeouts& timeouts, http_handler& handler);
  /// Closes the exchange's connection at once. No further call reaches its handler.
  void cancel(exchange_id id);
  /// Stops reading a streamed body until `resume`: backpressure to the server.
  void pause(exchange_id id);
  /// Reads on.
  void resume(exchange_id id);
  /// Makes one idle connection ready (DNS, TCP, TLS) without sending a request; the handler gets
  /// an empty response with status 0, or the error.
  exchange_id warm_up(const http_timeouts& timeouts, http_handler& handler);

  /// The pool now, and what it has done so far.
  [[nodiscard]] http_pool_stats stats() const;

 private:
  class impl;
  std::shared_ptr<impl> impl_;  // shared with what the reactor still has to call
};

}  // namespace graphbit
