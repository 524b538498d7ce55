#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/limits.hpp>

namespace graphbit {

class http_connection;

/// Where a server listens, and how much it takes.
struct http_server_options {
  std::string host = "127.0.0.1";        ///< an IP address, or "localhost"
  std::uint16_t port = 0;                ///< 0: the system chooses; read it back with `port()`
  bool allow_public = false;             ///< listen on other addresses than loopback
  std::string cert_file;                 ///< PEM chain; with `key_file` the server speaks TLS
  std::string key_file;                  ///< PEM
  std::string client_ca_file;            ///< PEM: clients must show a certificate of this authority
  std::size_t connections_max = 16'384;  ///< at once; further ones wait to be accepted
  /// Of a request; more is answered with 431.
  std::size_t header_bytes_max = limits::header_block_bytes_max;
  std::size_t body_bytes_max = 64u * 1024 * 1024;  ///< of a request; more is answered with 413
  seconds idle_max{300};          ///< closes connections on which nothing moves for so long
  milliseconds drain_max{1'000};  ///< how long `stop` waits for requests in progress
  std::string thread_name = "graphbit-http";  ///< as tools of the system show it
};

/// One request as it came. Views live until the request is answered.
class http_server_request {
 public:
  /// "GET", "POST", ...
  [[nodiscard]] std::string_view method() const noexcept { return view(method_); }
  /// Path and query as they were sent.
  [[nodiscard]] std::string_view target() const noexcept { return view(target_); }
  /// The target up to its question mark.
  [[nodiscard]] std::string_view path() const noexcept;
  /// The target behind its question mark; empty without one.
  [[nodiscard]] std::string_view query() const noexcept;
  /// The first header field of that name (any case), or an empty view.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
  /// Whole.
  [[nodiscard]] const std::string& body() const noexcept { return body_; }
  /// The body for parsers that work in place; nobody reads it after the handler.
  [[nodiscard]] std::string& mutable_body() noexcept { return body_; }

 private:
  friend class http_connection;
  friend class request_parser;
  struct span {
    std::uint32_t at = 0, size = 0;
  };
  struct field {
    span name, value;
  };
  [[nodiscard]] std::string_view view(span s) const noexcept {
    return std::string_view(head_).substr(s.at, s.size);
  }
  [[nodiscard]] span keep(std::string_view text);
  void clear();

  std::string head_;  // all names and values in one block, reused from request to request
  span method_, target_;
  std::vector<field> fields_;
  std::string body_;
  unsigned version_ = 11;
};

/// The right to answer one request: a small value that may be copied into timers and callbacks.
/// Once the request is answered or its client gone, every call does nothing.
/// Used on the server's thread only.
class http_exchange {
 public:
  /// The server makes it.
  http_exchange(std::shared_ptr<http_connection> connection, std::uint64_t serial) noexcept;

  /// False once the answer is complete or the client has gone.
  [[nodiscard]] bool alive() const noexcept;
  /// Precondition: alive().
  [[nodiscard]] http_server_request& request() const noexcept;

  /// Answers in one write. `headers` are further lines, "Name: value\r\n"...
  void respond(int status, std::string_view content_type, std::string_view body,
               std::string_view headers = {}) const;

  /// Starts an answer whose length is not known: `write` any number of times, then `end`.
  void begin(int status, std::string_view content_type, std::string_view headers = {}) const;
  /// Adds one chunk. It is sent at the next return to the server's loop or call of `drained`.
  void write(std::string_view chunk) const;
  /// Calls `f` once what was written has been handed to the system: backpressure for streams.
  void drained(std::function<void()> f) const;
  /// Ends an answer that was begun.
  void end() const;

  /// Calls `f` after `d`, unless the exchange is over by then. One at a time.
  void after(duration d, std::function<void()> f) const;
  /// Calls `f(answered)` when the exchange is over: true for a complete answer, false when the
  /// client went or the connection was closed before.
  void on_over(std::function<void(bool answered)> f) const;

  // For servers that misbehave on purpose.
  /// Sends bytes as they are, without any framing.
  void raw(std::string_view bytes) const;
  /// Closes the connection after what was written.
  void close() const;
  /// Resets the connection (RST); what was not sent yet is lost.
  void reset() const;

 private:
  std::shared_ptr<http_connection> connection_;
  std::uint64_t serial_;
};

/// The connections that clients made.
struct http_server_stats {
  std::uint64_t connections_opened = 0;  ///< since the start
  std::size_t connections_open = 0;      ///< now
};

/// A small HTTP/1.1 server over TCP or TLS.
///
/// Problem: the simulator, the metrics page and the dashboard all need to be asked over HTTP, in
/// the very process that does the work, without taking its threads or much of its time. One
/// thread with an event loop of its own serves any number of keep-alive connections; requests of
/// one connection are answered in order, pipelined ones too.
///
/// Lifecycle: `start`, then the handler is called for each request on the server's thread; it may
/// answer at once or keep the exchange for later. `stop` (or the destructor) lets requests in
/// progress finish for `drain_max`, then closes everything and joins. It can be started again.
/// Threads: `start`, `stop`, `port`, `url`, `post` and `call` are for any other thread; the rest
/// only for the server's.
class http_server {
 public:
  /// Gets each request, on the server's thread. Must not throw.
  using handler = std::function<void(http_exchange)>;

  /// Does not listen before `start`.
  http_server(http_server_options options, handler on_request);
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// Errors: Configuration for an address that is none or not allowed, or a bad certificate;
  /// Network when the port cannot be had.
  [[nodiscard]] expected<void> start();
  /// See above. Does nothing when it is not running.
  void stop();

  /// That it listens on; 0 when it is not running.
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// "http://127.0.0.1:8080", without a trailing slash.
  [[nodiscard]] std::string url() const;

  /// Runs `f` on the server's thread, soon. Nothing happens when it is not running.
  void post(std::function<void()> f);
  /// Runs `f` on the server's thread and waits for its end; runs it here when stopped.
  void call(const std::function<void()>& f);

  /// Runs `f` after `d`, unless the server stops before.
  void after(duration d, std::function<void()> f);
  /// While true, new connections are refused as if nothing listened; the port stays ours.
  void refuse_connections(bool refuse);
  /// Resets every connection.
  void drop_connections();
  /// Any thread.
  [[nodiscard]] http_server_stats stats() const;

 private:
  friend class http_connection;
  class impl;
  std::unique_ptr<impl> impl_;
};

/// The status line's words, such as "Not Found".
[[nodiscard]] std::string_view http_status_text(int status) noexcept;

/// Appends a status line and header block (up to and with the empty line) for a body of
/// `content_length` bytes.
void append_http_head(std::string& out, int status, std::string_view content_type,
                      std::size_t content_length, std::string_view headers, bool keep_alive);

}  // namespace graphbit
