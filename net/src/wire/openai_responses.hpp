#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <graphbit/net/wire_format.hpp>

// OpenAI's responses API as pure functions; Azure's OpenAI deployments speak it.
// Source: https://platform.openai.com/docs/api-reference/responses, and the types of the official
// Python client.
namespace graphbit {

[[nodiscard]] expected<void> encode_openai_responses(const provider_config& config,
                                                     std::string_view model,
                                                     const chat_request& request, bool stream,
                                                     std::string& out);
[[nodiscard]] expected<chat_response> decode_openai_responses(const provider_config& config,
                                                              std::string& body);
/// `config` must outlive the decoder.
[[nodiscard]] std::unique_ptr<stream_decoder> decode_openai_responses_stream(
    const provider_config& config);

}  // namespace graphbit
