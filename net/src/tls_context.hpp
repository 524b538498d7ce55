#pragma once

#include <memory>
#include <string>

#include <graphbit/net/http_client.hpp>

#include "transport.hpp"

using SSL_CTX = struct ssl_ctx_st;
using SSL_SESSION = struct ssl_session_st;

namespace graphbit {

/// The newest TLS session of one origin, so that the next handshake there is a short one.
class tls_session_slot {
 public:
  tls_session_slot() = default;
  ~tls_session_slot();
  tls_session_slot(const tls_session_slot&) = delete;
  tls_session_slot& operator=(const tls_session_slot&) = delete;
  /// Takes ownership.
  void keep(SSL_SESSION* session) noexcept;
  [[nodiscard]] SSL_SESSION* get() const noexcept { return session_; }

 private:
  SSL_SESSION* session_ = nullptr;
};

/// One set of TLS settings ready for use: trust store, client certificate, TLS 1.2 or newer.
/// Reading a trust store costs milliseconds and memory, so equal options share one.
class tls_context {
 public:
  /// The context for `options`, made at first use; any thread. Error: Configuration naming the
  /// file that cannot be used.
  [[nodiscard]] static expected<std::shared_ptr<tls_context>> of(const tls_options& options);

  ~tls_context();
  tls_context(const tls_context&) = delete;
  tls_context& operator=(const tls_context&) = delete;

  /// A client's TLS over the connected socket `fd`, checked against `host` (a name or an address).
  /// `sessions` must outlive it.
  [[nodiscard]] std::unique_ptr<transport> connect(int fd, const std::string& host,
                                                   tls_session_slot& sessions) const;

 private:
  explicit tls_context(SSL_CTX* context) noexcept : context_(context) {}
  [[nodiscard]] static expected<std::shared_ptr<tls_context>> make(const tls_options& options);
  SSL_CTX* context_;
};

}  // namespace graphbit
