#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <graphbit/runtime/error.hpp>

namespace graphbit::cluster {

/// Where a process finds what it proves itself with. All three or none.
struct certificate_files {
  std::string certificate;  ///< PEM, the leaf first
  std::string key;          ///< PEM
  std::string ca;           ///< PEM: who may speak for the cluster
  /// Whether one of them is named.
  [[nodiscard]] bool any() const noexcept {
    return !certificate.empty() || !key.empty() || !ca.empty();
  }
};

/// A certificate with its key, and the authority that peers must be certified by.
///
/// Problem: CAF's OpenSSL module checks a peer's chain but shows nobody whose certificate it was,
/// and looks at no host name. So each side sends its certificate in the handshake and signs both
/// nonces with its key; this class makes and checks that. Threads: any, it does not change.
class identity {
 public:
  /// Reads and checks the files, before anything listens: key and certificate must belong
  /// together, and the certificate must be the authority's and not expired. Null where no file is
  /// named. Error: Configuration{cert, key, ca}.
  [[nodiscard]] static expected<std::shared_ptr<const identity>> load(
      const certificate_files& files);
  virtual ~identity() = default;

  /// What others are shown.
  [[nodiscard]] virtual const std::string& certificate_pem() const = 0;
  /// By the private key, which does not leave this object.
  [[nodiscard]] virtual expected<std::string> sign(std::string_view bytes) const = 0;
  /// Checks a peer's certificate (chain, expiry), that it names `host` (empty: any), and that its
  /// key made `signature` over `bytes`. Error: Authentication that says what is wrong.
  [[nodiscard]] virtual expected<void> verify(const std::string& certificate_pem,
                                              std::string_view host, std::string_view bytes,
                                              std::string_view signature) const = 0;
  /// Time until the certificate expires; negative once it has.
  [[nodiscard]] virtual std::chrono::seconds expires_in() const = 0;
};

}  // namespace graphbit::cluster
