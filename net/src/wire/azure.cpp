#include <algorithm>

#include "src/wire/header_block.hpp"
#include "src/wire/openai_chat.hpp"
#include "src/wire/openai_responses.hpp"
#include "src/wire/provider_error.hpp"
#include "src/wire/wires.hpp"

// Azure OpenAI. Source: https://learn.microsoft.com/azure/ai-services/openai/reference
namespace graphbit {

namespace {

constexpr std::string_view chat_version_default = "2024-10-21";
constexpr std::string_view embeddings_version_default = "2024-02-01";

std::string parameter(const provider_config& config, const char* name, std::string_view otherwise) {
  const auto found = config.parameters.find(name);
  return found == config.parameters.end() || found->second.empty() ? std::string(otherwise)
                                                                   : found->second;
}

/// Azure names a deployment where others name a model.
std::string deployment(const provider_config& config) {
  return parameter(config, "deployment_name", config.model);
}

/// Deployments of OpenAI's own models, told by the names people give them, speak the responses
/// API; others (Llama, Mistral, ...) speak chat completions.
bool speaks_responses(const provider_config& config) {
  std::string name = deployment(config);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  const auto holds = [&](std::string_view part) { return name.find(part) != std::string::npos; };
  const auto starts = [&](std::string_view part) { return name.rfind(part, 0) == 0; };
  for (const char* part : {"gpt", "codex", "-o1", "-o3", "-o4"})
    if (holds(part)) return true;
  for (const char* part : {"o1", "o3", "o4", "davinci", "text-davinci", "curie", "babbage", "ada"})
    if (starts(part)) return true;
  return false;
}

class azure_wire final : public wire_format {
 public:
  std::string chat_target(const provider_config& config, std::string_view, bool) const override {
    const std::string version =
        "?api-version=" + parameter(config, "api_version", chat_version_default);
    if (speaks_responses(config)) return "/openai/responses" + version;
    return "/openai/deployments/" + deployment(config) + "/chat/completions" + version;
  }

  expected<std::string> headers(const provider_config& config) const override {
    return header_block(config).add("api-key", config.api_key.expose()).finish();
  }

  expected<void> encode_chat(const provider_config& config, const chat_request& request,
                             bool stream, std::string& out) const override {
    if (speaks_responses(config))
      return encode_openai_responses(config, deployment(config), request, stream, out);
    static const openai_dialect dialect{.sends_model = false};
    return encode_openai_chat(dialect, config, request, stream, out);
  }

  expected<chat_response> decode_chat(const provider_config& config,
                                      std::string& body) const override {
    return speaks_responses(config) ? decode_openai_responses(config, body)
                                    : decode_openai_chat(config, body);
  }

  std::unique_ptr<stream_decoder> decode_stream(const provider_config& config) const override {
    return speaks_responses(config) ? decode_openai_responses_stream(config)
                                    : decode_openai_stream(config);
  }

  error decode_error(const provider_config& config, const http_response& response) const override {
    return refused(config, response, find_words(response.body));
  }

  std::string embeddings_target(const provider_config& config) const override {
    return "/openai/deployments/" + deployment(config) + "/embeddings?api-version=" +
           parameter(config, "api_version", embeddings_version_default);
  }

  expected<void> encode_embeddings(const provider_config& config, const embedding_request& request,
                                   std::string& out) const override {
    return encode_openai_embeddings(config, request, {}, out);
  }

  expected<embedding_response> decode_embeddings(const provider_config& config,
                                                 std::string& body) const override {
    return decode_openai_embeddings(config, body);
  }
};

}  // namespace

const wire_format& wires::azure() {
  static const azure_wire wire;
  return wire;
}

}  // namespace graphbit
