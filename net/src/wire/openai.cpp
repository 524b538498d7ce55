#include "src/wire/header_block.hpp"
#include "src/wire/openai_chat.hpp"
#include "src/wire/provider_error.hpp"
#include "src/wire/wires.hpp"

namespace graphbit {

namespace {

/// OpenAI's API and the servers that speak it, each by its dialect.
class openai_wire final : public wire_format {
 public:
  explicit openai_wire(openai_dialect dialect) : dialect_(std::move(dialect)) {}

  std::string chat_target(const provider_config&, std::string_view, bool) const override {
    return "/chat/completions";
  }

  expected<std::string> headers(const provider_config& config) const override {
    header_block block(config);
    if (!config.api_key.empty()) block.add("Authorization", "Bearer " + config.api_key.expose());
    block.add("Accept", dialect_.accept);
    for (const auto& [parameter, header] : dialect_.parameter_headers)
      if (const auto value = config.parameters.find(std::string(parameter));
          value != config.parameters.end())
        block.add(header, value->second);
    return block.finish();
  }

  expected<void> encode_chat(const provider_config& config, const chat_request& request,
                             bool stream, std::string& out) const override {
    return encode_openai_chat(dialect_, config, request, stream, out);
  }

  expected<chat_response> decode_chat(const provider_config& config,
                                      std::string& body) const override {
    return decode_openai_chat(config, body);
  }

  std::unique_ptr<stream_decoder> decode_stream(const provider_config& config) const override {
    return decode_openai_stream(config);
  }

  error decode_error(const provider_config& config, const http_response& response) const override {
    return refused(config, response, find_words(response.body));
  }

  std::string embeddings_target(const provider_config&) const override { return "/embeddings"; }

  expected<void> encode_embeddings(const provider_config& config, const embedding_request& request,
                                   std::string& out) const override {
    return encode_openai_embeddings(config, request,
                                    request.model.empty() ? config.model : request.model, out);
  }

  expected<embedding_response> decode_embeddings(const provider_config& config,
                                                 std::string& body) const override {
    return decode_openai_embeddings(config, body);
  }

 private:
  openai_dialect dialect_;
};

}  // namespace

std::unique_ptr<const wire_format> wires::chat_completions(openai_dialect dialect) {
  return std::make_unique<const openai_wire>(std::move(dialect));
}

}  // namespace graphbit
