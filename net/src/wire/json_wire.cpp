#include "src/wire/json_wire.hpp"

#include "src/wire/provider_error.hpp"
#include "src/wire/request_check.hpp"

namespace graphbit {

expected<void> json_wire::encode_chat(const provider_config& config, const chat_request& request,
                                      bool stream, std::string& out) const {
  if (auto ok = check_request(request); !ok) return ok;
  out.reserve(out.size() + prompt_bytes(request) * 17 / 16 + 512);
  auto body = body_writer::open(out, config, request.extra_body);
  if (!body) return fail(std::move(body.error()));
  if (auto ok = write_chat(*body, config, request, stream, out); !ok) return ok;
  body->close();
  return {};
}

error json_wire::decode_error(const provider_config& config, const http_response& response) const {
  return refused(config, response, find_words(response.body));
}

std::string json_wire::embeddings_target(const provider_config&) const { return "/embeddings"; }

expected<void> json_wire::encode_embeddings(const provider_config& config,
                                            const embedding_request& request,
                                            std::string& out) const {
  auto body = body_writer::open(out, config, request.extra_body);
  if (!body) return fail(std::move(body.error()));
  if (auto ok = write_embeddings(*body, config, request, out); !ok) return ok;
  body->close();
  return {};
}

expected<void> json_wire::write_embeddings(body_writer&, const provider_config& config,
                                           const embedding_request&, std::string&) const {
  return fail(no_embeddings(config));
}

expected<embedding_response> json_wire::decode_embeddings(const provider_config& config,
                                                          std::string&) const {
  return fail(no_embeddings(config));
}

}  // namespace graphbit
