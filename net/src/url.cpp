#include <graphbit/net/url.hpp>

#include <sys/un.h>

#include <algorithm>
#include <charconv>

#include "percent_decoding.hpp"

namespace graphbit {

namespace {

constexpr std::size_t url_bytes_max = 8 * 1024;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
  return out;
}

tl::unexpected<error> refuse(std::string_view text, const std::string& why) {
  // A URL may hold a key in its query, so only what stands before it is repeated.
  return fail(validation_error("url", why, std::string(text.substr(0, text.find_first_of("?#")))));
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_address6_char(char c) {
  return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

/// Splits "host:port" or "[v6]:port". Gives the reason when it cannot.
std::string split_authority(std::string_view text, origin& at) {
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return "the IPv6 address lacks its closing bracket";
    at.host = lower(text.substr(1, close - 1));
    if (at.host.find(':') == std::string::npos ||
        !std::all_of(at.host.begin(), at.host.end(), is_address6_char))
      return "the text in brackets is not an IPv6 address";
    port = text.substr(close + 1);
    if (!port.empty() && port.front() != ':')
      return "after the IPv6 address only a port may follow";
  } else {
    const auto colon = text.find(':');
    at.host = lower(text.substr(0, colon));
    if (at.host.empty()) return "the host is missing";
    if (!std::all_of(at.host.begin(), at.host.end(), is_host_char))
      return "the host holds a character that host names cannot have";
    if (colon != std::string_view::npos) port = text.substr(colon);
  }
  if (port.size() <= 1) return {};  // "host" and "host:" mean the default port
  port.remove_prefix(1);
  const auto* end = port.data() + port.size();
  const auto [stop, failed] = std::from_chars(port.data(), end, at.port);
  if (failed != std::errc{} || stop != end || at.port == 0)
    return "the port is not a number from 1 to 65535";
  return {};
}

/// Reads a percent-encoded socket path. Gives the reason when it cannot.
std::string read_unix_path(std::string_view text, origin& at) {
  const auto path = percent_decoded(text);
  if (!path || !path->starts_with('/') || path->find('\0') != std::string::npos)
    return "the Unix socket's path must be absolute and percent-encoded: http+unix://%2Fpath/";
  if (path->size() >= sizeof(sockaddr_un::sun_path))
    return "the Unix socket's path is longer than the system allows (107 bytes)";
  at.host = "localhost";
  at.unix_path = *path;
  return {};
}

}  // namespace

std::string origin::authority() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  std::string out;
  out.append(is_ipv6 ? "[" : "").append(host).append(is_ipv6 ? "]" : "");
  if (port != (tls ? 443 : 80)) out.append(1, ':').append(std::to_string(port));
  return out;
}

expected<url> parse_url(std::string_view text) {
  if (text.size() > url_bytes_max)
    return refuse(text.substr(0, 64), "the URL is longer than 8 KiB");
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code <= ' ' || code >= 0x7f)
      return refuse({},
                    "the URL holds a space, a control or a non-ASCII character: percent-encode it");
  }
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos)
    return refuse(text, "the URL must start with http:// or https://");
  const auto scheme = lower(text.substr(0, scheme_end));
  const bool is_unix = scheme == "http+unix";
  if (scheme != "http" && scheme != "https" && !is_unix)
    return refuse(text, "the URL must start with http:// or https://");

  url out;
  out.at.tls = scheme == "https";
  out.at.port = out.at.tls ? 443 : 80;
  const auto rest = text.substr(scheme_end + 3);
  const auto authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos)
    return refuse({},
                  "user names and passwords inside URLs are not accepted: give the key by itself");
  auto why = is_unix ? read_unix_path(authority, out.at) : split_authority(authority, out.at);
  if (!why.empty()) return refuse(text, why);

  auto target = rest.substr(authority.size());
  target = target.substr(0, target.find('#'));
  if (target.empty() || target.front() != '/')
    out.target = "/";
  else
    out.target.clear();
  out.target += target;
  return out;
}

}  // namespace graphbit
