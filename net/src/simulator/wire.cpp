#include "wire.hpp"

#include <cmath>
#include <cstdint>

namespace graphbit::sim {

void wire::write_retry_after(double wait_s, std::string& out) const {
  out.append("retry-after: ");
  out.append(std::to_string(static_cast<std::uint64_t>(std::ceil(wait_s)))).append("\r\n");
}

refusal wire::unknown_model(std::string_view model) const {
  refusal why;
  why.status = 404;
  why.code = "model_not_found";
  why.message =
      "The model `" + std::string(model) + "` does not exist or you do not have access to it.";
  return why;
}

refusal wire::too_long(std::size_t tokens, std::size_t tokens_max) const {
  refusal why;
  why.code = "context_length_exceeded";
  why.param = "messages";
  why.message = "This model's maximum context length is " + std::to_string(tokens_max) +
                " tokens. However, your messages resulted in " + std::to_string(tokens) +
                " tokens. Please reduce the length of the messages.";
  return why;
}

std::string_view bearer_key(const http_server_request& request) {
  constexpr std::string_view scheme = "Bearer ";
  const auto header = request.header("authorization");
  return header.starts_with(scheme) ? header.substr(scheme.size()) : std::string_view{};
}

}  // namespace graphbit::sim
