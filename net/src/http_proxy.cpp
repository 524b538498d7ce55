#include "http_proxy.hpp"

#include <arpa/inet.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "percent_decoding.hpp"

namespace graphbit {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

std::string base64(const std::string& text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

tl::unexpected<error> refuse(std::string why) {
  return fail(configuration_error("proxy", std::move(why)));
}

std::string_view value_of(const environment& variables, const char* lower_name,
                          const char* upper_name) {
  for (const auto* name : {lower_name, upper_name})
    if (const char* value = variables(name); value != nullptr && *value != '\0') return value;
  return {};
}

/// An address' bytes: 4, 16, or none when `text` is not an address.
std::string address_bytes(const std::string& text) {
  std::array<char, 16> raw{};
  if (::inet_pton(AF_INET, text.c_str(), raw.data()) == 1) return {raw.data(), 4};
  if (::inet_pton(AF_INET6, text.c_str(), raw.data()) == 1) return {raw.data(), 16};
  return {};
}

/// True when `host` is an address inside "address/bits".
bool in_network(const std::string& host, const std::string& network) {
  const auto slash = network.find('/');
  if (slash == std::string::npos) return false;
  const auto address = address_bytes(host);
  const auto base = address_bytes(network.substr(0, slash));
  std::size_t bits = 0;
  const auto* end = network.data() + network.size();
  const auto [stop, failed] = std::from_chars(network.data() + slash + 1, end, bits);
  if (failed != std::errc{} || stop != end || address.empty() || address.size() != base.size() ||
      bits > address.size() * 8)
    return false;
  const auto whole = bits / 8;
  if (address.compare(0, whole, base, 0, whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<unsigned char>(0xff << (8 - bits % 8));
  return ((address[whole] ^ base[whole]) & mask) == 0;
}

bool names(std::string entry, const origin& to) {
  if (entry == "*") return true;
  if (const auto colon = entry.rfind(':');
      colon != std::string::npos && entry.find(':') == colon) {  // "host:port", not IPv6
    if (entry.substr(colon + 1) != std::to_string(to.port)) return false;
    entry.resize(colon);
  }
  if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  if (entry.starts_with("*."))
    entry.erase(0, 2);
  else if (entry.starts_with('.'))
    entry.erase(0, 1);
  return !entry.empty() &&
         (to.host == entry || to.host.ends_with('.' + entry) || in_network(to.host, entry));
}

bool is_direct(std::string_view list, const origin& to) {
  while (!list.empty()) {
    const auto end = list.find_first_of(", \t");
    if (names(lower(list.substr(0, end)), to)) return true;
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
  }
  return false;
}

}  // namespace

expected<http_proxy> parse_proxy(std::string_view text) {
  constexpr std::string_view plain = "http://";
  const auto scheme_end = text.find("://");
  if (scheme_end != std::string_view::npos && lower(text.substr(0, scheme_end)) != "http")
    return refuse("the proxy's URL starts with '" +
                  lower(text.substr(0, scheme_end)).substr(0, 16) +
                  "://': only http:// proxies are supported");
  if (scheme_end != std::string_view::npos) text.remove_prefix(plain.size());
  text = text.substr(0, text.find('/'));
  http_proxy proxy;
  if (const auto at_sign = text.rfind('@'); at_sign != std::string_view::npos) {
    const auto user = percent_decoded(text.substr(0, at_sign));
    if (!user) return refuse("the proxy's user name or password is not percent-encoded rightly");
    proxy.authorization = "Basic " + base64(*user);
    text.remove_prefix(at_sign + 1);
  }
  const auto where = parse_url(std::string(plain).append(text));
  if (!where) return refuse("the proxy's URL cannot be used: " + where.error().message);
  proxy.at = where->at;
  return proxy;
}

expected<std::optional<http_proxy>> proxy_for(const origin& to, const environment& variables) {
  auto text = to.tls ? value_of(variables, "https_proxy", "HTTPS_PROXY")
                     : value_of(variables, "http_proxy", "HTTP_PROXY");
  if (text.empty()) text = value_of(variables, "all_proxy", "ALL_PROXY");
  if (text.empty() || is_direct(value_of(variables, "no_proxy", "NO_PROXY"), to))
    return std::nullopt;
  auto proxy = parse_proxy(text);
  if (!proxy) return fail(std::move(proxy.error()));
  return std::move(*proxy);
}

}  // namespace graphbit
