#include <graphbit/cluster/certificate_authority.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "openssl_handles.hpp"

namespace graphbit::cluster {

namespace {

[[nodiscard]] error cannot(const std::string& what, const std::string& why) {
  return configuration_error("directory", "cannot " + what + ": " + why);
}

[[nodiscard]] pkey_ptr make_key() { return pkey_ptr(EVP_EC_gen("P-256")); }

// A certificate with everything but its signature.
[[nodiscard]] x509_ptr make_certificate(const std::string& subject, X509_NAME* issuer,
                                        EVP_PKEY* key, std::chrono::hours valid_for) {
  x509_ptr c(X509_new());
  X509_set_version(c.get(), 2);
  unsigned char serial[16];
  RAND_bytes(serial, sizeof serial);
  serial[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, freed_by<BN_free>> number(
      BN_bin2bn(serial, sizeof serial, nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(c.get()));
  X509_gmtime_adj(X509_getm_notBefore(c.get()), -300);  // clocks need not agree to the minute
  X509_time_adj_ex(X509_getm_notAfter(c.get()), static_cast<int>(valid_for.count() / 24),
                   static_cast<long>(valid_for.count() % 24) * 3600, nullptr);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(subject.c_str()), -1, -1, 0);
  X509_set_issuer_name(c.get(), issuer != nullptr ? issuer : X509_get_subject_name(c.get()));
  X509_set_pubkey(c.get(), key);
  return c;
}

[[nodiscard]] bool extend(X509* c, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, c, nullptr, nullptr, 0);
  using extension_ptr = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;
  const extension_ptr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(c, extension.get(), -1) == 1;
}

// Written beside its name and renamed, readable by its owner alone where it is a key.
template <class Write>
[[nodiscard]] expected<void> write_pem(const std::filesystem::path& path, mode_t mode,
                                       const Write& write) {
  const auto beside = path.string() + ".new";
  ::unlink(beside.c_str());
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return fail(cannot("write " + beside, std::strerror(errno)));
  const bio_ptr out(BIO_new_fd(fd, BIO_CLOSE));
  if (!write(out.get()) || ::fsync(fd) != 0) {
    ::unlink(beside.c_str());
    return fail(cannot("write " + path.string(), openssl_complaint()));
  }
  if (::rename(beside.c_str(), path.c_str()) != 0)
    return fail(cannot("write " + path.string(), std::strerror(errno)));
  return {};
}

[[nodiscard]] expected<void> write_pair(const std::filesystem::path& stem, X509* certificate,
                                        EVP_PKEY* key) {
  auto written = write_pem(stem.string() + ".key", 0600, [&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
  });
  if (!written) return written;
  return write_pem(stem.string() + ".pem", 0644,
                   [&](BIO* out) { return PEM_write_bio_X509(out, certificate) == 1; });
}

[[nodiscard]] std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string out;
  for (const auto& host : hosts) {
    unsigned char address[sizeof(in6_addr)];
    const bool numeric = inet_pton(AF_INET, host.c_str(), address) == 1 ||
                         inet_pton(AF_INET6, host.c_str(), address) == 1;
    out += (out.empty() ? "" : ",") + std::string(numeric ? "IP:" : "DNS:") + host;
  }
  return out;
}

// Names become parts of file names and of OpenSSL's configuration language.
[[nodiscard]] bool plain(const std::string& text) {
  return !text.empty() && text.front() != '.' && text.front() != '-' &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:*") ==
             std::string::npos;
}

}  // namespace

expected<void> make_authority(const std::string& directory, const std::string& name,
                              std::chrono::hours valid_for) {
  const std::filesystem::path where(directory);
  std::error_code failed;
  std::filesystem::create_directories(where, failed);
  if (failed) return fail(cannot("make " + directory, failed.message()));
  if (std::filesystem::exists(where / "ca.key"))
    return fail(
        configuration_error("directory", directory + " holds an authority already (ca.key)"));
  const auto key = make_key();
  const auto ca = make_certificate(name, nullptr, key.get(), valid_for);
  const bool made =
      extend(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
      extend(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign") &&
      extend(ca.get(), ca.get(), NID_subject_key_identifier, "hash") &&
      X509_sign(ca.get(), key.get(), EVP_sha256()) != 0;
  if (!made) return fail(core_error("cannot make the authority: " + openssl_complaint()));
  return write_pair(where / "ca", ca.get(), key.get());
}

expected<void> issue_certificate(const std::string& directory, const std::string& name,
                                 const std::vector<std::string>& hosts,
                                 std::chrono::hours valid_for) {
  const std::filesystem::path where(directory);
  if (!plain(name) || name == "ca")
    return fail(configuration_error("name", "\"" + name + "\" cannot name a certificate's files"));
  if (hosts.empty())
    return fail(configuration_error("host", "name at least one host or address of the machine"));
  for (const auto& host : hosts)
    if (!plain(host)) return fail(configuration_error("host", "\"" + host + "\" is no host"));
  const bio_ptr ca_in(BIO_new_file((where / "ca.pem").c_str(), "r"));
  const bio_ptr key_in(BIO_new_file((where / "ca.key").c_str(), "r"));
  const x509_ptr ca(ca_in ? PEM_read_bio_X509(ca_in.get(), nullptr, nullptr, nullptr) : nullptr);
  const pkey_ptr ca_key(key_in ? PEM_read_bio_PrivateKey(key_in.get(), nullptr, nullptr, nullptr)
                               : nullptr);
  if (!ca || !ca_key) {
    ERR_clear_error();
    return fail(configuration_error(
        "directory", directory + " holds no authority: make one by `graphbit certs init`"));
  }
  const auto key = make_key();
  const auto c = make_certificate(name, X509_get_subject_name(ca.get()), key.get(), valid_for);
  const bool made = extend(c.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE") &&
                    extend(c.get(), ca.get(), NID_key_usage, "critical,digitalSignature") &&
                    extend(c.get(), ca.get(), NID_ext_key_usage, "serverAuth,clientAuth") &&
                    extend(c.get(), ca.get(), NID_subject_alt_name, alternative_names(hosts)) &&
                    extend(c.get(), ca.get(), NID_subject_key_identifier, "hash") &&
                    extend(c.get(), ca.get(), NID_authority_key_identifier, "keyid") &&
                    X509_sign(c.get(), ca_key.get(), EVP_sha256()) != 0;
  if (!made) return fail(core_error("cannot make the certificate: " + openssl_complaint()));
  return write_pair(where / name, c.get(), key.get());
}

}  // namespace graphbit::cluster
