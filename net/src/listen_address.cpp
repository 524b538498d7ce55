#include <graphbit/net/listen_address.hpp>

#include <string>

namespace graphbit {

expected<void> set_listen_address(http_server_options& options, std::string_view text) {
  const auto bad = [&] {
    return fail(configuration_error("listen", "'" + std::string(text) + "' is no HOST:PORT"));
  };
  const auto bracket = text.find(']');
  const auto colon = text.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  auto host = text.substr(0, has_port ? colon : text.size());
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find_first_of(":[]") != std::string_view::npos)
    return bad();
  if (has_port) {
    const auto digits = text.substr(colon + 1);
    if (digits.empty() || digits.size() > 5 ||
        digits.find_first_not_of("0123456789") != std::string_view::npos)
      return bad();
    const auto number = std::stoul(std::string(digits));
    if (number > 65'535) return bad();
    options.port = static_cast<std::uint16_t>(number);
  } else if (host.empty()) {
    return bad();
  }
  if (!host.empty()) options.host = host;
  return {};
}

bool is_loopback(std::string_view host) noexcept {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace graphbit
