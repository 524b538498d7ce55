#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graphbit {

/// Who speaks in a chat message.
enum class chat_role : std::uint8_t { system, user, assistant, tool };

/// One part of a message that is more than plain text.
struct content_part {
  enum class kind : std::uint8_t { text, image_url, image_bytes, file_url, file_bytes };
  kind type = kind::text;
  std::string data;        ///< the text, the URL, or the raw bytes
  std::string media_type;  ///< "image/png"; for bytes
  std::string name;        ///< file name, where the provider takes one

  friend bool operator==(const content_part&, const content_part&) = default;
};

/// A function call that a model asked for.
struct tool_call {
  std::string id;
  std::string name;
  std::string arguments = "{}";  ///< JSON object text

  friend bool operator==(const tool_call&, const tool_call&) = default;
};

/// A function that a model may call.
struct tool_spec {
  std::string name;
  std::string description;
  std::string parameters = R"({"type":"object","properties":{}})";  ///< JSON schema text

  friend bool operator==(const tool_spec&, const tool_spec&) = default;
};

struct chat_message {
  chat_role role = chat_role::user;
  std::string text;                   ///< used when `parts` is empty
  std::vector<content_part> parts;    ///< images and files beside text, in order
  std::vector<tool_call> tool_calls;  ///< assistant: calls asked for
  std::string tool_call_id;           ///< tool: which call this answers

  friend bool operator==(const chat_message&, const chat_message&) = default;
};

/// What every provider's chat endpoint is asked, before it takes that provider's form.
struct chat_request {
  std::vector<chat_message> messages;
  std::string model;  ///< empty: the configuration's model
  std::optional<std::uint32_t> max_tokens;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::vector<tool_spec> tools;
  std::string tool_choice;      ///< "", "auto", "none", "required", or a tool's name
  std::string response_format;  ///< JSON schema text that the answer must fit; empty: free text
  std::string extra_body;       ///< JSON object text whose members are merged into the body
  bool prompt_caching = false;
};

/// Tokens counted by the provider.
struct token_usage {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t completion_tokens = 0;
  std::uint32_t total_tokens = 0;
  std::optional<std::uint32_t> cache_read_tokens;
  std::optional<std::uint32_t> cache_creation_tokens;
  std::optional<std::uint32_t> reasoning_tokens;

  friend bool operator==(const token_usage&, const token_usage&) = default;
};

/// Why a model stopped.
struct finish_reason {
  enum class kind : std::uint8_t { stop, length, tool_calls, content_filter, error, other };
  kind type = kind::stop;
  std::string text;  ///< `other`: the provider's own word

  friend bool operator==(const finish_reason&, const finish_reason&) = default;
};

/// "stop", "length", "tool_calls", "content_filter", "error", or the provider's own word, which
/// lives as long as `finish`.
[[nodiscard]] std::string_view to_string(const finish_reason& finish) noexcept;

struct chat_response {
  std::string content;
  std::string model;
  std::string id;
  std::vector<tool_call> tool_calls;
  token_usage usage;
  finish_reason finish;
  std::string provider;    ///< which configured provider answered
  std::string request_id;  ///< the provider's id from the response headers
  std::uint32_t attempts = 1;
  std::uint64_t latency_us = 0;  ///< from submission to the last byte
  std::optional<double> cost;    ///< US dollars by the price table; none: no price is known
  bool cached = false;           ///< from the response cache: nothing was sent, nothing paid
};

struct embedding_request {
  std::vector<std::string> inputs;
  std::string model;  ///< empty: the configuration's model
  std::optional<std::uint32_t> dimensions;
  std::string extra_body;
};

struct embedding_response {
  std::vector<std::vector<float>> vectors;  ///< in the order of the inputs
  std::string model;
  token_usage usage;
  std::string request_id;
  std::uint32_t attempts = 1;
  std::uint64_t latency_us = 0;
  std::optional<double> cost;  ///< as in chat_response
};

}  // namespace graphbit
