#pragma once

#include <functional>
#include <optional>
#include <string>

#include <graphbit/net/url.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// A forward proxy that plain requests are sent to whole, and TLS goes through by CONNECT.
struct http_proxy {
  origin at;
  std::string authorization;  ///< the Proxy-Authorization header's value; empty: none
};

/// The value of an environment variable, or nullptr.
using environment = std::function<const char*(const char* name)>;

/// Reads "http://[user:password@]host[:port]"; the scheme may be left out. Error: Configuration,
/// also for proxies that are spoken to in another way (https, socks). Never repeats the password.
[[nodiscard]] expected<http_proxy> parse_proxy(std::string_view text);

/// The proxy for `to` by the variables that curl and its kin use, lower case before upper:
/// https_proxy or http_proxy by the scheme, then all_proxy; no_proxy lists hosts ("example.com"
/// and what ends in ".example.com", with ":port" too), addresses and networks ("10.0.0.0/8") that
/// are reached directly, "*" all of them.
[[nodiscard]] expected<std::optional<http_proxy>> proxy_for(const origin& to,
                                                            const environment& variables);

}  // namespace graphbit
