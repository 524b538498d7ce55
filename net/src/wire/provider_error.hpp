#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <graphbit/net/http_types.hpp>
#include <graphbit/net/provider_config.hpp>

namespace graphbit {

class json_reader;

/// What a provider says about a failure, whatever form it has.
struct provider_words {
  std::string message;
  std::string type;  ///< "invalid_request_error", "overloaded_error", "RESOURCE_EXHAUSTED", ...
  std::string code;  ///< "insufficient_quota", "model_not_found", "429", ...

  std::string reason;                       ///< Gemini: "API_KEY_INVALID"
  bool daily_quota = false;                 ///< Gemini: used up until tomorrow
  std::optional<milliseconds> retry_after;  ///< Gemini says it in the body

  [[nodiscard]] bool empty() const noexcept {
    return message.empty() && type.empty() && code.empty();
  }
};

/// Reads the value of an "error" member: an object, a text, or a list of either.
void read_words(json_reader& reader, provider_words& words);
/// Reads one member of an error object; others than its words are skipped.
void read_word(json_reader& reader, std::string_view key, provider_words& words);
/// Finds the words in an error body of any of the providers' forms. A body that is no JSON gives
/// its first 200 bytes on one line.
[[nodiscard]] provider_words find_words(std::string_view body);

/// The error for an answer outside 2xx, with a hint at what to do, the server's retry hints and
/// its request id.
[[nodiscard]] error refused(const provider_config& config, const http_response& response,
                            const provider_words& words);
/// The error for one that came inside a 2xx answer or a stream, by its type and code.
/// `partial_text`: what the stream had delivered before.
[[nodiscard]] error refused_inside(const provider_config& config, const provider_words& words,
                                   std::string partial_text = {});
/// What not_understood will need of a body, kept before the body is read in place.
[[nodiscard]] std::string front_of(const provider_config& config, std::string_view body);
/// A 2xx body that cannot be understood: Core, one retry, the first 200 bytes.
[[nodiscard]] error not_understood(const provider_config& config, std::string_view why,
                                   std::string_view body);
/// A stream that ended before the answer was complete: Network.
[[nodiscard]] error cut_short(const provider_config& config, std::string partial_text);
/// Embeddings asked of a provider that has none.
[[nodiscard]] error no_embeddings(const provider_config& config);
/// The provider's id of a request, from the response headers.
[[nodiscard]] std::string request_id_of(const http_headers& headers);

/// The first 200 bytes of a text on one line, cut at a character, without the configuration's key.
[[nodiscard]] std::string excerpt(const provider_config& config, std::string_view text);

}  // namespace graphbit
