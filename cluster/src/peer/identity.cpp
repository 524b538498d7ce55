#include <graphbit/cluster/identity.hpp>

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <utility>
#include <vector>

#include "openssl_handles.hpp"

namespace graphbit::cluster {

namespace {

[[nodiscard]] std::vector<x509_ptr> read_chain(BIO* in) {
  std::vector<x509_ptr> chain;
  while (chain.size() < 16) {
    x509_ptr next(PEM_read_bio_X509(in, nullptr, nullptr, nullptr));
    if (!next) break;
    chain.push_back(std::move(next));
  }
  ERR_clear_error();  // the end of the file is one
  return chain;
}

[[nodiscard]] std::vector<x509_ptr> read_chain(const std::string& pem) {
  const bio_ptr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return read_chain(in.get());
}

[[nodiscard]] expected<std::string> read_file(const std::string& path, const char* field) {
  const bio_ptr in(BIO_new_file(path.c_str(), "r"));
  if (!in) {
    ERR_clear_error();
    return fail(configuration_error(field, "cannot read " + path));
  }
  std::string text;
  char buffer[4096];
  for (int n = 0; (n = BIO_read(in.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

[[nodiscard]] std::string subject_of(X509* certificate) {
  char text[256] = "";
  X509_NAME_oneline(X509_get_subject_name(certificate), text, sizeof text);
  return text;
}

[[nodiscard]] bool names_host(X509* certificate, const std::string& host) {
  unsigned char address[sizeof(in6_addr)];
  const bool numeric = inet_pton(AF_INET, host.c_str(), address) == 1 ||
                       inet_pton(AF_INET6, host.c_str(), address) == 1;
  return numeric ? X509_check_ip_asc(certificate, host.c_str(), 0) == 1
                 : X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1;
}

// A daemon has no terminal on which OpenSSL could ask for one.
int ask_no_passphrase(char*, int, int, void*) { return -1; }

// Ed25519 and Ed448 bring their own digest.
[[nodiscard]] const EVP_MD* digest_for(EVP_PKEY* key) {
  const int type = EVP_PKEY_base_id(key);
  return type == EVP_PKEY_ED25519 || type == EVP_PKEY_ED448 ? nullptr : EVP_sha256();
}

[[nodiscard]] const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

class file_identity final : public identity {
 public:
  expected<void> read(const certificate_files& files) {
    auto certificate = read_file(files.certificate, "cert");
    if (!certificate) return fail(std::move(certificate.error()));
    auto key = read_file(files.key, "key");
    if (!key) return fail(std::move(key.error()));
    auto authority = read_file(files.ca, "ca");
    if (!authority) return fail(std::move(authority.error()));
    pem_ = std::move(*certificate);
    const bio_ptr key_in(BIO_new_mem_buf(key->data(), static_cast<int>(key->size())));
    key_.reset(PEM_read_bio_PrivateKey(key_in.get(), nullptr, ask_no_passphrase, nullptr));
    if (!key_)
      return fail(configuration_error(
          "key",
          files.key + " holds no private key that can be read (" + openssl_complaint() + ")"));
    const auto chain = read_chain(pem_);
    if (chain.empty())
      return fail(configuration_error("cert", files.certificate + " holds no PEM certificate"));
    if (X509_check_private_key(chain.front().get(), key_.get()) != 1)
      return fail(
          configuration_error("key", files.key + " does not belong to " + files.certificate));
    store_.reset(X509_STORE_new());
    const auto authorities = read_chain(*authority);
    if (authorities.empty())
      return fail(configuration_error("ca", files.ca + " holds no PEM certificate"));
    for (const auto& ca : authorities) X509_STORE_add_cert(store_.get(), ca.get());
    expires_at_ = expiry_of(chain.front().get());
    if (auto chained = check_chain(chain); !chained)
      return fail(configuration_error("cert", files.certificate + ": " + chained.error().message));
    return {};
  }

  const std::string& certificate_pem() const override { return pem_; }

  expected<std::string> sign(std::string_view bytes) const override {
    const digest_ptr context(EVP_MD_CTX_new());
    std::size_t size = 0;
    std::string out;
    if (EVP_DigestSignInit(context.get(), nullptr, digest_for(key_.get()), nullptr, key_.get()) ==
            1 &&
        EVP_DigestSign(context.get(), nullptr, &size, bytes_of(bytes), bytes.size()) == 1) {
      out.resize(size);
      if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                         bytes_of(bytes), bytes.size()) == 1) {
        out.resize(size);
        return out;
      }
    }
    return fail(core_error("cannot sign with the node's key: " + openssl_complaint()));
  }

  expected<void> verify(const std::string& certificate_pem, std::string_view host,
                        std::string_view bytes, std::string_view signature) const override {
    const auto chain = read_chain(certificate_pem);
    if (chain.empty()) return fail(authentication_error("cluster", "the peer sent no certificate"));
    auto* leaf = chain.front().get();
    if (auto chained = check_chain(chain); !chained) return chained;
    if (!host.empty() && !names_host(leaf, std::string(host)))
      return fail(authentication_error("cluster", "the peer's certificate (" + subject_of(leaf) +
                                                      ") does not name the host " +
                                                      std::string(host)));
    const digest_ptr context(EVP_MD_CTX_new());
    const pkey_ptr key(X509_get_pubkey(leaf));
    const bool good = key &&
                      EVP_DigestVerifyInit(context.get(), nullptr, digest_for(key.get()), nullptr,
                                           key.get()) == 1 &&
                      EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                                       bytes_of(bytes), bytes.size()) == 1;
    ERR_clear_error();
    if (good) return {};
    return fail(authentication_error(
        "cluster", "the peer did not prove that it holds the key of " + subject_of(leaf)));
  }

  std::chrono::seconds expires_in() const override {
    return std::chrono::duration_cast<std::chrono::seconds>(expires_at_ -
                                                            std::chrono::system_clock::now());
  }

 private:
  static std::chrono::system_clock::time_point expiry_of(X509* certificate) {
    int days = 0;
    int seconds = 0;
    ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate));
    return std::chrono::system_clock::now() + std::chrono::hours(24) * days +
           std::chrono::seconds(seconds);
  }

  expected<void> check_chain(const std::vector<x509_ptr>& chain) const {
    using context_ptr = std::unique_ptr<X509_STORE_CTX, freed_by<X509_STORE_CTX_free>>;
    const auto free_stack = [](STACK_OF(X509) * stack) { sk_X509_free(stack); };
    const std::unique_ptr<STACK_OF(X509), decltype(free_stack)> others(sk_X509_new_null(),
                                                                       free_stack);
    for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(others.get(), chain[i].get());
    const context_ptr context(X509_STORE_CTX_new());
    X509_STORE_CTX_init(context.get(), store_.get(), chain.front().get(), others.get());
    if (X509_verify_cert(context.get()) == 1) return {};
    const char* why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
    ERR_clear_error();
    return fail(authentication_error(
        "cluster",
        "the certificate of " + subject_of(chain.front().get()) + " is not accepted: " + why));
  }

  std::string pem_;
  pkey_ptr key_;
  store_ptr store_;
  std::chrono::system_clock::time_point expires_at_;
};

}  // namespace

expected<std::shared_ptr<const identity>> identity::load(const certificate_files& files) {
  if (!files.any()) return nullptr;
  for (const auto& [path, field] : {std::pair(&files.certificate, "cert"),
                                    std::pair(&files.key, "key"), std::pair(&files.ca, "ca")})
    if (path->empty())
      return fail(configuration_error(
          field, "certificate, key and CA go together: give cert, key and ca, or none of them"));
  auto made = std::make_shared<file_identity>();
  if (auto read = made->read(files); !read) return fail(std::move(read.error()));
  return made;
}

}  // namespace graphbit::cluster
