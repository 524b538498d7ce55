#include "tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <utility>
#include <vector>

#include <graphbit/runtime/log.hpp>

#include "tls_transport.hpp"

namespace graphbit {

namespace {

/// The newest error that OpenSSL queued on this thread, in its words; empties the queue.
std::string openssl_words() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  const char* words = ERR_reason_error_string(code);
  return words != nullptr ? words : "unknown TLS error";
}

/// Where distributions keep their trust store, for libraries built with another one's paths.
constexpr std::array trust_files{"/etc/ssl/certs/ca-certificates.crt",
                                 "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                                 "/etc/ssl/cert.pem"};

expected<void> load_trust(SSL_CTX* context, const tls_options& options) {
  const char* named = std::getenv("SSL_CERT_FILE");
  const bool by_environment = options.ca_file.empty() && named != nullptr && *named != '\0';
  const auto file = by_environment ? std::string(named) : options.ca_file;
  if (!file.empty()) {
    if (SSL_CTX_load_verify_locations(context, file.c_str(), nullptr) == 1) return {};
    return fail(configuration_error(
        "ca_file", "the CA file '" + file + (by_environment ? "' that SSL_CERT_FILE names" : "'") +
                       " cannot be used: " + openssl_words()));
  }
  SSL_CTX_set_default_verify_paths(context);
  if (::access(X509_get_default_cert_file(), R_OK) == 0) return {};
  for (const auto* path : trust_files)
    if (SSL_CTX_load_verify_locations(context, path, nullptr) == 1) break;
  ERR_clear_error();
  return {};
}

expected<void> load_client_certificate(SSL_CTX* context, const tls_options& options) {
  if (options.client_cert_file.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, options.client_cert_file.c_str()) != 1)
    return fail(configuration_error(
        "client_cert_file",
        "the certificate '" + options.client_cert_file + "' cannot be used: " + openssl_words()));
  const auto& key =
      options.client_key_file.empty() ? options.client_cert_file : options.client_key_file;
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return fail(configuration_error(
        "client_key_file", "the private key '" + key + "' cannot be used: " + openssl_words()));
  return {};
}

struct context_cache {
  const pid_t owner = ::getpid();
  std::mutex mutex;
  std::vector<std::pair<tls_options, std::weak_ptr<tls_context>>> entries;  // guarded by mutex
};

/// Never destroyed, because sockets may be open until the process ends. A forked child gets its
/// own: its parent's mutex may have been held at the fork.
context_cache& cache() {
  static std::atomic<context_cache*> current{new context_cache};
  auto* found = current.load();
  if (found->owner == ::getpid()) return *found;
  auto* fresh = new context_cache;
  if (current.compare_exchange_strong(found, fresh)) return *fresh;
  delete fresh;
  return *found;
}

}  // namespace

tls_session_slot::~tls_session_slot() { keep(nullptr); }

void tls_session_slot::keep(SSL_SESSION* session) noexcept {
  if (session_ != nullptr) SSL_SESSION_free(session_);
  session_ = session;
}

expected<std::shared_ptr<tls_context>> tls_context::of(const tls_options& options) {
  auto& known = cache();
  const std::lock_guard guard(known.mutex);
  std::erase_if(known.entries, [](const auto& entry) { return entry.second.expired(); });
  for (const auto& [same, weak] : known.entries)
    if (same == options)
      if (auto context = weak.lock()) return context;
  auto made = make(options);
  if (made) known.entries.emplace_back(options, *made);
  return made;
}

expected<std::shared_ptr<tls_context>> tls_context::make(const tls_options& options) {
  ERR_clear_error();
  auto* native = SSL_CTX_new(TLS_client_method());
  if (native == nullptr)
    return fail(configuration_error("tls", "OpenSSL cannot make a context: " + openssl_words()));
  std::shared_ptr<tls_context> context(new tls_context(native));
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_mode(native, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(native, 1);  // one recv for many records
  SSL_CTX_set_default_read_buffer_len(native, 32 * 1024);
  constexpr std::array<unsigned char, 9> http11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(native, http11.data(), http11.size());
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(native, keep_tls_session);
  if (options.verify) {
    SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
    if (auto loaded = load_trust(native, options); !loaded) return fail(loaded.error());
  } else {
    log(log_level::warn, "net", "TLS certificates are not verified: verification was turned off");
  }
  if (auto loaded = load_client_certificate(native, options); !loaded) return fail(loaded.error());
  return context;
}

tls_context::~tls_context() { SSL_CTX_free(context_); }

std::unique_ptr<transport> tls_context::connect(int fd, const std::string& host,
                                                tls_session_slot& sessions) const {
  return std::make_unique<tls_transport>(context_, fd, host, sessions);
}

}  // namespace graphbit
