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
  std::string_view token_limit = "max_tokens";  ///< the field that "auto" stands for
  bool stream_usage = true;  ///< takes stream_options; others send the usage unasked or refuse it
  bool file_urls = false;    ///< takes the URL of a file in place of its bytes
  bool sends_model = true;   ///< Azure has the model in the path
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

/// `data:image/png;base64,...`
void append_data_url(std::string& out, const content_part& part);
/// The finish reason for OpenAI's word; "" (null on the wire) is stop.
[[nodiscard]] finish_reason finish_from_openai(std::string_view word);

}  // namespace graphbit
