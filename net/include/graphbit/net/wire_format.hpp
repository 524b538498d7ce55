#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/net/http_types.hpp>
#include <graphbit/net/provider_config.hpp>
#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// One more exchange that a call needs because the provider only took a job in: ask again.
struct follow_up {
  std::string target;     ///< GET this path below the base URL's path
  milliseconds after{0};  ///< wait this long first
};

/// A request of the wire's own, beside any call.
struct side_request {
  std::string target;  ///< POST to this path below the base URL's path
  std::string body;    ///< of the request
};

/// Turns the bytes of one streamed answer into text deltas and, at the end, one response.
/// One object per stream; not thread-safe.
class stream_decoder {
 public:
  virtual ~stream_decoder() = default;
  /// Takes the bytes of one receive and appends each text delta to `text`. After an error the
  /// stream is over. Errors inside the stream come as the provider's own kind.
  [[nodiscard]] virtual expected<void> feed(std::string_view bytes,
                                            std::vector<std::string>& text) = 0;
  /// True once the provider said that the answer is complete.
  [[nodiscard]] virtual bool complete() const noexcept = 0;
  /// After the last byte of an exchange: what to ask next when the answer is still to come, as
  /// `wire_format::next_step`. Its bytes go to this decoder, too.
  [[nodiscard]] virtual std::optional<follow_up> next_step() const { return std::nullopt; }
  /// The whole answer: text, tool calls, usage, finish reason. Error: Network (truncated) when the
  /// stream ended before it was complete.
  [[nodiscard]] virtual expected<chat_response> finish() = 0;
};

/// One provider family's wire as pure functions: request to bytes, bytes to response, chunk to
/// delta. Objects are stateless, live for the process, and are shared by all threads.
class wire_format {
 public:
  virtual ~wire_format() = default;

  /// Path and query below the base URL's path; `stream` where the path differs.
  [[nodiscard]] virtual std::string chat_target(const provider_config& config,
                                                std::string_view model, bool stream) const = 0;
  /// The header lines that every request of this configuration carries ("Name: value\r\n"...),
  /// authentication and extra_headers included. Error: Configuration for CR, LF or NUL in a value.
  [[nodiscard]] virtual expected<std::string> headers(const provider_config& config) const = 0;
  /// Header lines beside those, of one request for a whole answer or for a stream.
  [[nodiscard]] virtual std::string call_headers(const provider_config& config,
                                                 const chat_request& request, bool stream) const {
    static_cast<void>(config);
    static_cast<void>(request);
    static_cast<void>(stream);
    return {};
  }
  /// The request body, appended to `out`.
  [[nodiscard]] virtual expected<void> encode_chat(const provider_config& config,
                                                   const chat_request& request, bool stream,
                                                   std::string& out) const = 0;
  /// A 2xx body. May parse in place, so `body` is left in any state.
  /// Error: Core with the first 200 bytes, retry once, when it cannot be understood.
  [[nodiscard]] virtual expected<chat_response> decode_chat(const provider_config& config,
                                                            std::string& body) const = 0;
  /// What to ask next when a 2xx body of a chat holds no answer yet. Its answer stands in the
  /// place of this one. Nothing for all providers but those that run jobs.
  [[nodiscard]] virtual std::optional<follow_up> next_step(const provider_config& config,
                                                           std::string_view body) const {
    static_cast<void>(config);
    static_cast<void>(body);
    return std::nullopt;
  }
  /// `config` must outlive the decoder.
  [[nodiscard]] virtual std::unique_ptr<stream_decoder> decode_stream(
      const provider_config& config) const = 0;
  /// An answer outside 2xx, with the provider's own words and the retry hint.
  [[nodiscard]] virtual error decode_error(const provider_config& config,
                                           const http_response& response) const = 0;

  /// What brings the configured model into memory without being paid for; nothing for providers
  /// that keep theirs ready.
  [[nodiscard]] virtual std::optional<side_request> warm_up(const provider_config& config) const {
    static_cast<void>(config);
    return std::nullopt;
  }
  /// What makes a request possible that was refused with `refusal`; nothing where nothing does.
  [[nodiscard]] virtual std::optional<side_request> remedy(const provider_config& config,
                                                           const error& refusal) const {
    static_cast<void>(config);
    static_cast<void>(refusal);
    return std::nullopt;
  }

  /// Path and query of the endpoint for embeddings.
  [[nodiscard]] virtual std::string embeddings_target(const provider_config& config) const = 0;
  /// Writes the request's body into `out`.
  [[nodiscard]] virtual expected<void> encode_embeddings(const provider_config& config,
                                                         const embedding_request& request,
                                                         std::string& out) const = 0;
  /// Reads a response of status 200.
  [[nodiscard]] virtual expected<embedding_response> decode_embeddings(
      const provider_config& config, std::string& body) const = 0;
};

}  // namespace graphbit
