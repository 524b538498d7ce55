#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// Where connections go: connections with equal origins may be shared.
struct origin {
  bool tls = false;         ///< https
  std::string host;         ///< a name or an IP address
  std::uint16_t port = 80;  ///< 443 by default with TLS
  std::string unix_path{};  ///< a Unix socket's path instead of an address; `host` names the Host

  /// "host" or "host:port" as the Host header wants it (default ports left out, IPv6 in brackets).
  [[nodiscard]] std::string authority() const;
  friend bool operator==(const origin&, const origin&) = default;
};

/// An absolute http or https URL, or one of a Unix socket ("http+unix://%2Frun%2Fllm.sock/v1": the
/// path percent-encoded in the host's place), split.
struct url {
  origin at;                 ///< whom to connect to
  std::string target = "/";  ///< path and query, ready for the request line
};

/// Splits an absolute URL. Errors: Validation{field="url"} naming what is wrong; user names and
/// passwords inside URLs are refused.
[[nodiscard]] expected<url> parse_url(std::string_view text);

}  // namespace graphbit
