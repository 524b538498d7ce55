#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rapidjson/document.h>

namespace graphbit::sim {

/// A parsed request body. Its strings live in the request's own bytes.
using json = rapidjson::Value;

/// A function the model may call.
struct offered_tool {
  std::string_view name;
  const json* parameters = nullptr;  ///< JSON schema; nullptr: no parameters
};

enum class tool_rule : std::uint8_t { automatic, none, required, named };

/// What a chat request asks, whichever wire it came by. Views live as long as the request.
struct question {
  std::string_view model;
  std::string_view endpoint;     ///< where one wire has several forms: which one
  std::string_view last_text;    ///< text of the last user message
  std::string_view last_role;    ///< "user", "tool", ...
  std::string_view tool_result;  ///< text of the last tool message
  std::uint64_t prompt_hash = 0;
  std::size_t prompt_bytes = 0;

  std::vector<offered_tool> tools;
  tool_rule tool_choice = tool_rule::automatic;
  std::string_view tool_name;  ///< for tool_rule::named
  bool parallel_tools = true;

  bool wants_json = false;
  const json* schema = nullptr;  ///< with wants_json; nullptr: any object

  bool stream = false;
  bool stream_usage = false;   ///< usage is wanted beside the text
  std::size_t max_tokens = 0;  ///< 0: no bound
  std::size_t choices = 1;
  std::vector<std::string_view> stops;
};

struct function_call {
  std::string id;
  std::string name;
  std::string arguments;  ///< JSON object text
};

/// What the model says, before it takes a wire's form.
struct answer {
  std::string id;  ///< hexadecimal digits, unique
  std::string text;
  std::vector<function_call> calls;
  std::string stopped_by;       ///< the stop sequence that ended the text
  std::string finish = "stop";  ///< "stop", "length", "tool_calls", "content_filter"
  std::size_t prompt_tokens = 0;
  std::size_t completion_tokens = 0;
  std::size_t cached_tokens = 0;     ///< of the prompt's
  std::size_t reasoning_tokens = 0;  ///< of the completion's
  std::size_t chunk_count = 0;       ///< for streams; 0: one per word
  std::int64_t created_s = 0;        ///< Unix time
};

/// Why a request is refused; the wire gives it the provider's form.
struct refusal {
  int status = 400;
  std::string type;  ///< the provider's own word, empty: the usual one for the status
  std::string code;
  std::string param;
  std::string message;
  std::string headers;  ///< further lines
  double retry_after_s = 0;
  std::string request_id;  ///< filled before it is written
};

/// Bytes that go out in pieces.
struct frames {
  std::string bytes;
  std::vector<std::size_t> ends;

  void end_frame() { ends.push_back(bytes.size()); }
};

/// An answer in its wire's form, ready to be sent.
struct reply {
  int status = 200;
  std::string content_type = "application/json";
  std::string headers;
  frames body;             ///< no `ends`: one piece with a length; else a chunked stream
  std::size_t tokens = 0;  ///< what it counts towards a rate limit
  double latency_ms = -1;  ///< below 0: the behaviour's
};

}  // namespace graphbit::sim
