#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <graphbit/net/wire_format.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit::test {

/// The wire of the provider table's row `provider`.
[[nodiscard]] inline const wire_format& wire_of(std::string_view provider) {
  return *find_provider(provider)->wire;
}

/// What a streamed answer came to.
struct streamed {
  expected<chat_response> response;
  std::vector<std::string> text;
  bool complete = false;

  [[nodiscard]] std::string joined() const {
    std::string all;
    for (const std::string& piece : text) all += piece;
    return all;
  }
};

/// Drives one wire format as the provider client does, from bytes that stand in the test.
struct wire_probe {
  const wire_format& wire;
  provider_config config;

  /// The request body, compact.
  [[nodiscard]] std::string encoded(const chat_request& request, bool stream = false) const {
    std::string body;
    const auto ok = wire.encode_chat(config, request, stream, body);
    EXPECT_TRUE(ok.has_value()) << (ok ? "" : ok.error().message);
    const auto parsed = parse_json(body);
    EXPECT_TRUE(parsed.has_value()) << body;
    return to_json(parsed.value_or(nullptr));
  }

  [[nodiscard]] error refused_request(const chat_request& request) const {
    std::string body;
    const auto refused = wire.encode_chat(config, request, false, body);
    EXPECT_FALSE(refused.has_value());
    return refused ? error{} : refused.error();
  }

  [[nodiscard]] expected<chat_response> decoded(std::string body) const {
    return wire.decode_chat(config, body);
  }

  [[nodiscard]] expected<embedding_response> embeddings(std::string body) const {
    return wire.decode_embeddings(config, body);
  }

  [[nodiscard]] error refusal(int status, std::string body, http_headers headers = {}) const {
    http_response response;
    response.status = status;
    response.headers = std::move(headers);
    response.body = std::move(body);
    return wire.decode_error(config, response);
  }

  /// Feeds each piece from a buffer of its own that is overwritten afterwards, so that a view into
  /// an earlier receive shows.
  [[nodiscard]] streamed stream(const std::vector<std::string_view>& pieces) const {
    const auto decoder = wire.decode_stream(config);
    streamed out;
    for (const std::string_view piece : pieces) {
      std::string receive(piece);
      const auto fed = decoder->feed(receive, out.text);
      receive.assign(receive.size(), '#');
      if (!fed) {
        out.response = fail(fed.error());
        return out;
      }
    }
    out.complete = decoder->complete();
    out.response = decoder->finish();
    return out;
  }

  /// Streams `whole` split at every byte, and byte by byte.
  void at_every_split(std::string_view whole,
                      const std::function<void(const streamed&)>& check) const {
    for (std::size_t at = 0; at <= whole.size(); ++at) {
      SCOPED_TRACE("split at " + std::to_string(at));
      check(stream({whole.substr(0, at), whole.substr(at)}));
    }
    SCOPED_TRACE("byte by byte");
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < whole.size(); ++i) bytes.push_back(whole.substr(i, 1));
    check(stream(bytes));
  }
};

inline chat_request asking(std::string text) {
  chat_request request;
  request.messages.push_back({chat_role::user, std::move(text), {}, {}, {}});
  return request;
}

}  // namespace graphbit::test
