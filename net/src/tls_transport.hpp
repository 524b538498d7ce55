#pragma once

#include <optional>
#include <string>

#include "tls_context.hpp"
#include "transport.hpp"

using SSL = struct ssl_st;
using BIO = struct bio_st;

namespace graphbit {

/// OpenSSL straight over the socket: its records are read and written by `recv` and `send` on the
/// spot (a BIO of ours, because OpenSSL's own would raise SIGPIPE), so that TLS adds no buffer, no
/// copy and no system call of its own.
class tls_transport final : public transport {
 public:
  tls_transport(SSL_CTX* context, int fd, const std::string& host, tls_session_slot& sessions);
  ~tls_transport() override;

  io_status handshake() override;
  io_result read_some(char* into, std::size_t size) override;
  io_result write_some(std::string_view first, std::string_view second) override;
  void close_notify() noexcept override;
  bool may_be_readable() const noexcept override;

  // For the BIO: 1 or more bytes, 0 at the end, -1 for "not now" or a fault.
  int bio_read(BIO* bio, char* into, int size) noexcept;
  int bio_write(BIO* bio, const char* from, int size) noexcept;
  void keep(SSL_SESSION* session) noexcept { sessions_->keep(session); }

 private:
  io_result judge(int returned);
  [[nodiscard]] error certificate_fault(long verdict) const;

  SSL* ssl_;
  tls_session_slot* sessions_;
  std::string host_;
  int socket_errno_ = 0;
  std::optional<io_result> after_bytes_;  // how a read ended that brought bytes first
  bool broken_ = false;
};

/// OpenSSL's callback for a new session; 1: the session is ours now.
int keep_tls_session(SSL* ssl, SSL_SESSION* session);

}  // namespace graphbit
