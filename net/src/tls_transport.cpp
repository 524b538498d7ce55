#include "tls_transport.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace graphbit {

namespace {

constexpr std::size_t record_bytes_max = 16 * 1024;

int call_read(BIO* bio, char* into, int size) {
  return static_cast<tls_transport*>(BIO_get_data(bio))->bio_read(bio, into, size);
}

int call_write(BIO* bio, const char* from, int size) {
  return static_cast<tls_transport*>(BIO_get_data(bio))->bio_write(bio, from, size);
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "graphbit socket");
    BIO_meth_set_read(made, call_read);
    BIO_meth_set_write(made, call_write);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

bool is_address(const std::string& host) {
  std::array<unsigned char, 16> binary{};
  return inet_pton(AF_INET, host.c_str(), binary.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), binary.data()) == 1;
}

}  // namespace

int keep_tls_session(SSL* ssl, SSL_SESSION* session) {
  static_cast<tls_transport*>(SSL_get_app_data(ssl))->keep(session);
  return 1;
}

tls_transport::tls_transport(SSL_CTX* context, int fd, const std::string& host,
                             tls_session_slot& sessions)
    : transport(fd), ssl_(SSL_new(context)), sessions_(&sessions), host_(host) {
  auto* bio = BIO_new(socket_method());
  if (ssl_ == nullptr || bio == nullptr) {
    SSL_free(ssl_);
    BIO_free(bio);
    throw std::runtime_error("OpenSSL is out of memory");
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
  SSL_set_connect_state(ssl_);
  auto* rules = SSL_get0_param(ssl_);
  if (is_address(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl_, host.c_str());
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size());
  }
  if (sessions.get() != nullptr) SSL_set_session(ssl_, sessions.get());
}

tls_transport::~tls_transport() { SSL_free(ssl_); }

int tls_transport::bio_read(BIO* bio, char* into, int size) noexcept {
  BIO_clear_retry_flags(bio);
  const auto result = receive(into, static_cast<std::size_t>(size));
  switch (result.status) {
    case io_status::done:
      return static_cast<int>(result.bytes);
    case io_status::eof:
      return 0;
    case io_status::would_block:
      BIO_set_retry_read(bio);
      return -1;
    default:
      socket_errno_ = errno;
      return -1;
  }
}

int tls_transport::bio_write(BIO* bio, const char* from, int size) noexcept {
  BIO_clear_retry_flags(bio);
  ssize_t sent = 0;
  do sent = ::send(fd_, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent >= 0) return static_cast<int>(sent);
  if (errno == EAGAIN || errno == EWOULDBLOCK)
    BIO_set_retry_write(bio);
  else
    socket_errno_ = errno;
  return -1;
}

io_status tls_transport::handshake() {
  ERR_clear_error();
  const int returned = SSL_do_handshake(ssl_);
  if (returned == 1) return io_status::done;
  const auto result = judge(returned);
  if (result.status == io_status::eof)
    return fail_with(network_error("the server closed the connection during the TLS handshake: "
                                   "does it speak TLS on this port?"))
        .status;
  return result.status;
}

/// Takes all records that one receive brought, because a streaming server sends many small ones.
io_result tls_transport::read_some(char* into, std::size_t size) {
  if (after_bytes_) return *after_bytes_;
  std::size_t taken = 0;
  do {
    ERR_clear_error();
    const int returned = SSL_read(ssl_, into + taken, static_cast<int>(size - taken));
    if (returned <= 0) {
      const auto end = judge(returned);
      if (taken == 0) return end;
      if (end.status != io_status::would_block) after_bytes_ = end;
      break;
    }
    taken += static_cast<std::size_t>(returned);
  } while (taken < size && SSL_has_pending(ssl_) == 1);
  return {io_status::done, taken};
}

bool tls_transport::may_be_readable() const noexcept {
  return transport::may_be_readable() || SSL_has_pending(ssl_) == 1;
}

io_result tls_transport::write_some(std::string_view first, std::string_view second) {
  if (first.empty()) std::swap(first, second);
  std::array<char, record_bytes_max> record;
  if (!second.empty() && first.size() < record.size()) {  // one record for head and body
    second = second.substr(0, record.size() - first.size());
    std::memcpy(record.data(), first.data(), first.size());
    std::memcpy(record.data() + first.size(), second.data(), second.size());
    first = {record.data(), first.size() + second.size()};
  }
  ERR_clear_error();
  const int returned =
      SSL_write(ssl_, first.data(), static_cast<int>(std::min(first.size(), record_bytes_max)));
  if (returned > 0) return {io_status::done, static_cast<std::size_t>(returned)};
  return judge(returned);
}

void tls_transport::close_notify() noexcept {
  if (broken_ || SSL_in_init(ssl_) != 0) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
}

io_result tls_transport::judge(int returned) {
  const int what = SSL_get_error(ssl_, returned);
  if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE) return {io_status::would_block};
  if (what == SSL_ERROR_ZERO_RETURN) return {io_status::eof};
  broken_ = true;  // OpenSSL forbids further calls
  if (const auto verdict = SSL_get_verify_result(ssl_);
      verdict != X509_V_OK && SSL_get_verify_mode(ssl_) != SSL_VERIFY_NONE &&
      SSL_in_init(ssl_) != 0)
    return fail_with(certificate_fault(verdict));
  if (socket_errno_ != 0) return fail_by(socket_errno_);
  const auto code = ERR_peek_last_error();
  if (code == 0 || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    if (SSL_in_init(ssl_) != 0) return {io_status::eof};
    return fail_with(network_error("the connection was cut without TLS's closing word"));
  }
  const char* words = ERR_reason_error_string(code);
  return fail_with(
      network_error("TLS failed: " + std::string(words != nullptr ? words : "unknown")));
}

error tls_transport::certificate_fault(long verdict) const {
  std::string text = "the certificate of '" + host_ + "' is not valid: ";
  text += X509_verify_cert_error_string(verdict);
  switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      text += "; it was issued for another host: check the host in base_url";
      break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      text += "; renew the server's certificate, or check this machine's clock";
      break;
    default:
      text += "; if you trust its issuer, name the issuer's certificate in SSL_CERT_FILE";
  }
  auto e = network_error(std::move(text));
  e.retry = retry_rule::never;
  return e;
}

}  // namespace graphbit
