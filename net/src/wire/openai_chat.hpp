#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <graphbit/net/wire_format.hpp>

#include "src/wire/body_writer.hpp"

// OpenAI's chat completions as pure functions. Azure and the compatible servers speak them too.
// Source: https://platform.openai.com/docs/api-reference/chat, and the types of the official
// Python client.
namespace graphbit {

/// What differs between the providers that speak chat completions.
struct openai_dialect {
  /// How a message carries a file.
  enum class file_form : std::uint8_t {
    data,         ///< {"type":"file","file":{"filename","file_data"}}: bytes as a data URL (OpenAI)
    data_or_url,  ///< the same, and the file's URL in place of its bytes (OpenRouter)
    document_url,  ///< {"type":"document_url","document_url","document_name"} (Mistral)
    file_url,      ///< {"type":"file_url","file_url":{"url"},"file_name"}: bytes as bare base64
                   ///< (Perplexity)
  };
  std::string_view token_limit = "max_tokens";  ///< the field that "auto" stands for
  bool stream_usage = true;  ///< takes stream_options; others send the usage unasked or refuse it
  file_form files = file_form::data;
  bool sends_model = true;       ///< Azure has the model in the path
  std::string_view accept = {};  ///< an Accept header, where one is wanted
  /// Parameters of the configuration that travel as headers: {"organization",
  /// "OpenAI-Organization"}.
  std::vector<std::pair<std::string_view, std::string_view>> parameter_headers = {};
};

[[nodiscard]] expected<void> encode_openai_chat(const openai_dialect& dialect,
                                                const provider_config& config,
                                                const chat_request& request, bool stream,
                                                std::string& out);
[[nodiscard]] expected<chat_response> decode_openai_chat(const provider_config& config,
                                                         std::string& body);
/// `config` must outlive the decoder.
[[nodiscard]] std::unique_ptr<stream_decoder> decode_openai_stream(const provider_config& config);

/// `model` empty: none is sent.
[[nodiscard]] expected<void> encode_openai_embeddings(const provider_config& config,
                                                      const embedding_request& request,
                                                      std::string_view model, std::string& out);
[[nodiscard]] expected<embedding_response> decode_openai_embeddings(const provider_config& config,
                                                                    std::string& body);

/// The URL of a part, or its bytes as `data:image/png;base64,...`, as a JSON string.
void append_url(std::string& out, const content_part& part);
/// The name of a file; one after its media type where it has none: providers want one.
[[nodiscard]] std::string file_name(const content_part& part);
/// [{"type":"function","function":{"name","description","parameters"}}, ...]
void append_functions(std::string& out, const std::vector<tool_spec>& tools);
/// The finish reason for OpenAI's word; "" (null on the wire) is stop.
[[nodiscard]] finish_reason finish_from_openai(std::string_view word);

}  // namespace graphbit
