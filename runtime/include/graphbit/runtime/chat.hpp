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
  /// What a part is: text, or an image or a file by its URL or its bytes.
  enum class kind : std::uint8_t { text, image_url, image_bytes, file_url, file_bytes };
  kind type = kind::text;  ///< what `data` holds
  std::string data;        ///< the text, the URL, or the raw bytes
  std::string media_type;  ///< "image/png"; for bytes
  std::string name;        ///< file name, where the provider takes one

  friend bool operator==(const content_part&, const content_part&) = default;
};

/// A function call that a model asked for.
struct tool_call {
  std::string id;                ///< the provider's, which the tool's answer names
  std::string name;              ///< of the function
  std::string arguments = "{}";  ///< JSON object text

  friend bool operator==(const tool_call&, const tool_call&) = default;
};

/// A function that a model may call.
struct tool_spec {
  std::string name;         ///< by which the model calls it
  std::string description;  ///< for the model: what it does, and when to call it
  std::string parameters = R"({"type":"object","properties":{}})";  ///< JSON schema text

  friend bool operator==(const tool_spec&, const tool_spec&) = default;
};

/// One message of a conversation.
struct chat_message {
  chat_role role = chat_role::user;   ///< who speaks
  std::string text;                   ///< used when `parts` is empty
  std::vector<content_part> parts;    ///< images and files beside text, in order
  std::vector<tool_call> tool_calls;  ///< assistant: calls asked for
  std::string tool_call_id;           ///< tool: which call this answers

  friend bool operator==(const chat_message&, const chat_message&) = default;
};

/// What every provider's chat endpoint is asked, before it takes that provider's form.
struct chat_request {
  std::vector<chat_message> messages;       ///< the conversation so far, oldest first
  std::string model;                        ///< empty: the configuration's model
  std::optional<std::uint32_t> max_tokens;  ///< of the answer; none: the provider's default
  std::optional<double> temperature;        ///< 0 to 2; none: the provider's default
  std::optional<double> top_p;              ///< 0 to 1; none: the provider's default
  std::vector<tool_spec> tools;             ///< that the model may call
  std::string tool_choice;                  ///< "", "auto", "none", "required", or a tool's name
  std::string response_format;  ///< JSON schema text that the answer must fit; empty: free text
  std::string extra_body;       ///< JSON object text whose members are merged into the body
  /// Mark the prompt for the provider's cache, where it has marks for that.
  bool prompt_caching = false;
};

/// Tokens counted by the provider.
struct token_usage {
  std::uint32_t prompt_tokens = 0;      ///< of what was asked
  std::uint32_t completion_tokens = 0;  ///< of the answer
  std::uint32_t total_tokens = 0;       ///< both, as the provider summed them up
  /// Of the prompt, from the provider's cache; none: not told.
  std::optional<std::uint32_t> cache_read_tokens;
  /// Of the prompt, put into that cache; none: not told.
  std::optional<std::uint32_t> cache_creation_tokens;
  /// Of the answer, thought and not shown; none: not told.
  std::optional<std::uint32_t> reasoning_tokens;

  friend bool operator==(const token_usage&, const token_usage&) = default;
};

/// Why a model stopped.
struct finish_reason {
  /// What the providers' words for it mean.
  enum class kind : std::uint8_t { stop, length, tool_calls, content_filter, error, other };
  kind type = kind::stop;  ///< `stop` where the provider said nothing
  std::string text;        ///< `other`: the provider's own word

  friend bool operator==(const finish_reason&, const finish_reason&) = default;
};

/// "stop", "length", "tool_calls", "content_filter", "error", or the provider's own word, which
/// lives as long as `finish`.
[[nodiscard]] std::string_view to_string(const finish_reason& finish) noexcept;

/// What a model answered, whatever the provider's form.
struct chat_response {
  std::string content;                ///< the answer's text; may be empty beside tool calls
  std::string model;                  ///< that answered, as the provider names it
  std::string id;                     ///< the provider's, of the answer; empty where it gives none
  std::vector<tool_call> tool_calls;  ///< that the model asks for
  token_usage usage;                  ///< zeros where the provider told nothing
  finish_reason finish;               ///< why the model stopped
  std::string provider;               ///< which configured provider answered
  std::string request_id;             ///< the provider's id from the response headers
  std::uint32_t attempts = 1;         ///< requests sent for it, the last one included
  std::uint64_t latency_us = 0;       ///< from submission to the last byte
  std::optional<double> cost;         ///< US dollars by the price table; none: no price is known
  bool cached = false;                ///< from the response cache: nothing was sent, nothing paid
};

/// What every provider's embedding endpoint is asked.
struct embedding_request {
  std::vector<std::string> inputs;          ///< the texts, one vector each
  std::string model;                        ///< empty: the configuration's model
  std::optional<std::uint32_t> dimensions;  ///< of each vector; none: the model's own
  std::string extra_body;  ///< JSON object text whose members are merged into the body
};

/// The vectors, whatever the provider's form.
struct embedding_response {
  std::vector<std::vector<float>> vectors;  ///< in the order of the inputs
  std::string model;                        ///< that made them, as the provider names it
  token_usage usage;                        ///< zeros where the provider told nothing
  std::string request_id;                   ///< the provider's id from the response headers
  std::uint32_t attempts = 1;               ///< requests sent for it, the last one included
  std::uint64_t latency_us = 0;             ///< from submission to the last byte
  std::optional<double> cost;               ///< as in chat_response
};

}  // namespace graphbit
