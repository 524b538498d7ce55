#pragma once

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace graphbit::test {

struct openssl_free {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(SSL* p) const { SSL_free(p); }
};
using pkey_ptr = std::unique_ptr<EVP_PKEY, openssl_free>;
using x509_ptr = std::unique_ptr<X509, openssl_free>;
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, openssl_free>;
using ssl_ptr = std::unique_ptr<SSL, openssl_free>;

/// A certificate and its key, made for one test run.
struct certified_key {
  pkey_ptr key;
  x509_ptr certificate;

  void write(const std::string& cert_path, const std::string& key_path = {}) const {
    auto* file = std::fopen(cert_path.c_str(), "w");
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
    if (key_path.empty()) return;
    file = std::fopen(key_path.c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }
};

inline void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  auto* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) throw std::runtime_error("bad extension " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

/// Makes a certificate for `alt_names` ("DNS:x,IP:y"; empty: an authority), signed by `issuer` or
/// by itself, that ends `days` from now (negative: it has ended).
inline certified_key make_certificate(const std::string& name, const std::string& alt_names,
                                      const certified_key* issuer = nullptr, int days = 1) {
  certified_key made{pkey_ptr(EVP_EC_gen("P-256")), x509_ptr(X509_new())};
  auto* x = made.certificate.get();
  static long serial = 1;
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
  X509_gmtime_adj(X509_getm_notBefore(x), -3 * 86400L);
  X509_gmtime_adj(X509_getm_notAfter(x), days * 86400L);
  X509_set_pubkey(x, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  auto* signer = issuer != nullptr ? issuer->certificate.get() : x;
  X509_set_issuer_name(x, X509_get_subject_name(signer));
  add_extension(x, signer, NID_basic_constraints,
                alt_names.empty() ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!alt_names.empty()) add_extension(x, signer, NID_subject_alt_name, alt_names);
  X509_sign(x, issuer != nullptr ? issuer->key.get() : made.key.get(), EVP_sha256());
  return made;
}

/// The server's side of TLS with `identity`; with `client_issuer` it demands a certificate of it.
inline ssl_ctx_ptr make_server_tls(const certified_key& identity,
                                   const certified_key* client_issuer = nullptr) {
  ssl_ctx_ptr context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_use_certificate(context.get(), identity.certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), identity.key.get());
  const unsigned char id[] = "test";
  SSL_CTX_set_session_id_context(context.get(), id, sizeof id);
  if (client_issuer != nullptr) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), client_issuer->certificate.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

}  // namespace graphbit::test
