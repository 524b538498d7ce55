#include "tls_watch.hpp"

#include <arpa/inet.h>
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

void tell(const SSL* ssl, int where, int detail) {
  const bool fatal = (where & SSL_CB_ALERT) != 0 && (detail >> 8) == SSL3_AL_FATAL;
  if (!fatal) return;
  const bool ours = (where & SSL_CB_WRITE) != 0;
  std::string why = SSL_alert_desc_string_long(detail);
  if (const long verdict = SSL_get_verify_result(ssl); ours && verdict != X509_V_OK)
    why += std::string(" (") + X509_verify_cert_error_string(verdict) + ")";
  log(log_level::warn, "cluster",
      ours ? "TLS with " + peer_of(ssl) + " refused: " + why
           : "TLS was refused by " + peer_of(ssl) + ": " + why);
}

// OpenSSL's signature for callbacks on new objects.
void context_made(void* parent, void*, CRYPTO_EX_DATA*, int, long, void*) {
  if (watched_thread) SSL_CTX_set_info_callback(static_cast<SSL_CTX*>(parent), tell);
}

}  // namespace

void watch_tls_of_this_thread() {
  static std::once_flag once;
  std::call_once(once, [] {
    CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_CTX, 0, nullptr, context_made, nullptr, nullptr);
  });
  watched_thread = true;
}

}  // namespace graphbit::cluster
