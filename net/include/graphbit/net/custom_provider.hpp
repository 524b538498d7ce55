#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <graphbit/net/provider_config.hpp>
#include <graphbit/net/wire_format.hpp>

/// Providers that the table does not know: the service says how a request is written and an answer
/// read, and gets the whole pipeline (retries, limits, breaker, streams, workflows) for it.
namespace graphbit {

/// How the pieces of a streamed answer are told apart: `data:` of server-sent events, or lines.
enum class stream_framing : std::uint8_t { sse, ndjson };

/// What one piece of a streamed answer says.
struct decoded_chunk {
  std::string text;                     ///< to be delivered; may be empty
  std::optional<finish_reason> finish;  ///< the model stopped
  std::optional<token_usage> usage;     ///< where the chunk tells it
  std::vector<tool_call> tool_calls;    ///< whole calls, not pieces of them
  bool last = false;                    ///< nothing follows
};

/// One provider's wire, as three pure functions of the configuration:
///
/// - `encode(config, request, stream)` gives the body of the POST request;
/// - `decode(config, body)` reads a whole answer with a 2xx status;
/// - `decode_chunk(config, text)` reads one piece of a streamed answer: the data of one server-sent
///   event, or one line.
///
/// Each may give an error, or throw, which becomes a Core error with the exception's text; a
/// `decode` that fails so is tried once more. They are called on reactor threads, several at once:
/// they must not block and share no mutable state. Beside them a codec may have
///
/// - `target(config, stream)`: path and query below the base URL; "" if it has none;
/// - `authorization(config)`: the value of the `Authorization` header; "Bearer <key>" if it has
///   none;
/// - `static constexpr stream_framing framing`: `sse` if it has none.
template <class T>
concept provider_codec = std::move_constructible<T> &&
    requires(const T& codec, const provider_config& config, const chat_request& request,
             std::string_view text) {
  { codec.encode(config, request, true) } -> std::convertible_to<expected<std::string>>;
  { codec.decode(config, text) } -> std::convertible_to<expected<chat_response>>;
  { codec.decode_chunk(config, text) } -> std::convertible_to<expected<decoded_chunk>>;
};

/// What `make_wire` erases a codec to.
class erased_codec {
 public:
  virtual ~erased_codec() = default;
  /// As the codec's `target`.
  [[nodiscard]] virtual std::string target(const provider_config& config, bool stream) const = 0;
  /// As the codec's; empty where it has none.
  [[nodiscard]] virtual std::string authorization(const provider_config& config) const = 0;
  /// As the codec's `framing`.
  [[nodiscard]] virtual stream_framing framing() const noexcept = 0;
  /// As the codec's `encode`.
  [[nodiscard]] virtual expected<std::string> encode(const provider_config& config,
                                                     const chat_request& request,
                                                     bool stream) const = 0;
  /// As the codec's `decode`.
  [[nodiscard]] virtual expected<chat_response> decode(const provider_config& config,
                                                       std::string_view body) const = 0;
  /// As the codec's `decode_chunk`.
  [[nodiscard]] virtual expected<decoded_chunk> decode_chunk(const provider_config& config,
                                                             std::string_view text) const = 0;
};
/// The same for a codec that is erased already.
[[nodiscard]] std::shared_ptr<const wire_format> make_wire(std::unique_ptr<erased_codec> codec);

/// The wire that `provider_config::wire` takes. Make it once and share it: configurations with
/// different wires have different provider clients.
template <provider_codec Codec>
[[nodiscard]] std::shared_ptr<const wire_format> make_wire(Codec codec) {
  class erased final : public erased_codec {
   public:
    explicit erased(Codec codec) : codec_(std::move(codec)) {}
    std::string target(const provider_config& config, bool stream) const override {
      if constexpr (requires { codec_.target(config, stream); })
        return codec_.target(config, stream);
      else
        return {};
    }
    std::string authorization(const provider_config& config) const override {
      if constexpr (requires { codec_.authorization(config); })
        return codec_.authorization(config);
      else
        return config.api_key.empty() ? std::string{} : "Bearer " + config.api_key.expose();
    }
    stream_framing framing() const noexcept override {
      if constexpr (requires { Codec::framing; })
        return Codec::framing;
      else
        return stream_framing::sse;
    }
    expected<std::string> encode(const provider_config& config, const chat_request& request,
                                 bool stream) const override {
      return codec_.encode(config, request, stream);
    }
    expected<chat_response> decode(const provider_config& config,
                                   std::string_view body) const override {
      return codec_.decode(config, body);
    }
    expected<decoded_chunk> decode_chunk(const provider_config& config,
                                         std::string_view text) const override {
      return codec_.decode_chunk(config, text);
    }

   private:
    Codec codec_;
  };
  return make_wire(std::unique_ptr<erased_codec>(std::make_unique<erased>(std::move(codec))));
}

}  // namespace graphbit
