#include "wire.hpp"

#include <cmath>
#include <cstdint>

namespace graphbit::sim {

void wire::write_retry_after(double wait_s, std::string& out) const {
  out.append("retry-after: ");
  out.append(std::to_string(static_cast<std::uint64_t>(std::ceil(wait_s)))).append("\r\n");
}

std::string_view bearer_key(const http_server_request& request) {
  constexpr std::string_view scheme = "Bearer ";
  const auto header = request.header("authorization");
  return header.starts_with(scheme) ? header.substr(scheme.size()) : std::string_view{};
}

}  // namespace graphbit::sim
