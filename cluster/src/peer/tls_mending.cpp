#include "tls_mending.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <mutex>
#include <string>

#include <graphbit/runtime/log.hpp>

namespace graphbit::cluster {

namespace {

thread_local bool watched_thread = false;

[[nodiscard]] std::string peer_of(const SSL* ssl) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getpeername(SSL_get_fd(ssl), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return "a peer";
  char text[INET6_ADDRSTRLEN] = "";
  const void* bytes =
      address.ss_family == AF_INET6
          ? static_cast<const void*>(&reinterpret_cast<sockaddr_in6&>(address).sin6_addr)
          : &reinterpret_cast<sockaddr_in&>(address).sin_addr;
  inet_ntop(address.ss_family, bytes, text, sizeof text);
  return text;
}

// A peer that hung up before it said anything: a load balancer's check, or a process that was
// killed.
[[nodiscard]] bool tells_nothing(int alert) { return (alert & 0xff) == SSL_AD_DECODE_ERROR; }

void tell(const SSL* ssl, int where, int detail) {
  const bool fatal = (where & SSL_CB_ALERT) != 0 && (detail >> 8) == SSL3_AL_FATAL;
  if (!fatal || tells_nothing(detail)) return;
  const bool ours = (where & SSL_CB_WRITE) != 0;
  std::string why = SSL_alert_desc_string_long(detail);
  if (const long verdict = SSL_get_verify_result(ssl); ours && verdict != X509_V_OK)
    why += std::string(" (") + X509_verify_cert_error_string(verdict) + ")";
  log(log_level::warn, "cluster",
      ours ? "TLS with " + peer_of(ssl) + " refused: " + why
           : "TLS was refused by " + peer_of(ssl) + ": " + why);
}

// Before each operation on a socket; has to give its last but one argument back.
long forget_old_errors_before_io(BIO*, int operation, const char*, std::size_t, int, long,
                                 int result, std::size_t*) {
  if (operation == BIO_CB_READ || operation == BIO_CB_WRITE) ERR_clear_error();
  return result;
}

// OpenSSL's signature for callbacks on new objects.
void bio_made(void* parent, void*, CRYPTO_EX_DATA*, int, long, void*) {
  if (watched_thread) BIO_set_callback_ex(static_cast<BIO*>(parent), forget_old_errors_before_io);
}
void context_made(void* parent, void*, CRYPTO_EX_DATA*, int, long, void*) {
  if (watched_thread) SSL_CTX_set_info_callback(static_cast<SSL_CTX*>(parent), tell);
}

}  // namespace

void mend_tls_of_this_thread() {
  static std::once_flag once;
  std::call_once(once, [] {
    CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_CTX, 0, nullptr, context_made, nullptr, nullptr);
    CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_BIO, 0, nullptr, bio_made, nullptr, nullptr);
  });
  watched_thread = true;
}

}  // namespace graphbit::cluster
