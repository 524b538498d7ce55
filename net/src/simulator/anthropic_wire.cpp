// Written from Anthropic's API reference (messages, streaming messages, errors, rate limits,
// structured outputs) and checked with its official Python client.
#include <algorithm>
#include <cmath>
#include <ctime>

#include "json_access.hpp"
#include "json_writing.hpp"
#include "reply_text.hpp"
#include "wire.hpp"

namespace graphbit::sim {

namespace {

refusal invalid(std::string message) {
  refusal why;
  why.message = std::move(message);
  return why;
}

/// The tool calls of the message before, which the next user message has to answer.
using call_ids = std::vector<std::string_view>;

std::string block_path(std::size_t message, std::size_t block) {
  return "messages." + std::to_string(message) + ".content." + std::to_string(block);
}

std::optional<refusal> read_tool_result(const json& block, const std::string& path, call_ids& open,
                                        question& out) {
  const auto id = text_member(block, "tool_use_id");
  const auto at = std::find(open.begin(), open.end(), id);
  if (at == open.end())
    return invalid(path +
                   ": unexpected `tool_use_id` found in `tool_result` blocks: " + std::string(id) +
                   ". Each `tool_result` block must have a corresponding `tool_use` block in the "
                   "previous message.");
  open.erase(at);
  out.last_role = "tool";
  const auto* content = member(block, "content");
  if (content && content->IsArray() && !content->Empty())
    out.tool_result = text_member((*content)[0], "text");
  else if (content)
    out.tool_result = text_of(*content);
  add_prompt_text(out, out.tool_result);
  return std::nullopt;
}

std::optional<refusal> read_block(const json& block, bool of_user, const std::string& path,
                                  call_ids& open, call_ids& asked, question& out) {
  const auto type = text_member(block, "type");
  if (type == "text") {
    const auto text = text_member(block, "text");
    if (text.empty()) return invalid("messages: text content blocks must be non-empty");
    add_prompt_text(out, text);
    if (of_user) out.last_text = text;
  } else if (type == "tool_result" && of_user) {
    return read_tool_result(block, path, open, out);
  } else if (type == "tool_use" && !of_user) {
    asked.push_back(text_member(block, "id"));
    add_prompt_text(out, text_member(block, "name"));
  } else if (type == "image" || type == "document") {
    const auto* source = member(block, "source");
    if (!source) return invalid(path + "." + std::string(type) + ".source: Field required");
    add_prompt_text(out, text_member(*source, "url"));
    add_prompt_text(out, text_member(*source, "data"));
  } else if (type.empty() || type == "tool_result" || type == "tool_use") {
    return invalid(path + ": Input tag '" + std::string(type) +
                   "' found using 'type' does not match any of the expected tags");
  }
  return std::nullopt;
}

std::optional<refusal> read_message(const json& message, std::size_t index, call_ids& open,
                                    question& out) {
  const auto role = text_member(message, "role");
  const auto path = "messages." + std::to_string(index);
  if (role != "user" && role != "assistant")
    return invalid(path + ".role: Input should be 'user' or 'assistant'");
  if (index == 0 && role != "user")
    return invalid("messages: first message must use the \"user\" role");
  const auto* content = member(message, "content");
  if (!content) return invalid(path + ".content: Field required");
  add_prompt_text(out, role);
  out.last_role = role;
  call_ids asked;
  if (content->IsString()) {
    const auto text = text_of(*content);
    if (text.empty()) return invalid(path + ": user messages must have non-empty content");
    add_prompt_text(out, text);
    if (role == "user") out.last_text = text;
  } else if (content->IsArray()) {
    for (std::size_t i = 0; i < content->Size(); ++i)
      if (auto why = read_block((*content)[static_cast<unsigned>(i)], role == "user",
                                block_path(index, i), open, asked, out))
        return why;
  } else {
    return invalid(path + ".content: Input should be a valid string or a valid list");
  }
  if (!open.empty())
    return invalid("messages." + std::to_string(index - 1) +
                   ": `tool_use` ids were found without `tool_result` blocks immediately after: " +
                   std::string(open.front()));
  open = std::move(asked);
  return std::nullopt;
}

void read_system(const json& body, question& out) {
  const auto* system = member(body, "system");
  if (!system) return;
  if (system->IsArray())
    for (const auto& block : system->GetArray()) add_prompt_text(out, text_member(block, "text"));
  else
    add_prompt_text(out, text_of(*system));
}

std::optional<refusal> read_tools(const json& body, question& out) {
  if (const auto* tools = array_member(body, "tools"))
    for (const auto& tool : tools->GetArray()) {
      const auto* schema = member(tool, "input_schema");
      if (!schema) continue;  // a server tool
      if (text_member(*schema, "type") != "object")
        return invalid("tools.0.custom.input_schema.type: Input should be 'object'");
      out.tools.push_back({text_member(tool, "name"), schema});
    }
  const auto* choice = member(body, "tool_choice");
  if (!choice) return std::nullopt;
  const auto type = text_member(*choice, "type");
  if (out.tools.empty() && type != "none")
    return invalid("tool_choice: may only be specified while providing tools");
  if (type == "any") out.tool_choice = tool_rule::required;
  if (type == "none") out.tool_choice = tool_rule::none;
  if (type != "tool") return std::nullopt;
  out.tool_choice = tool_rule::named;
  out.tool_name = text_member(*choice, "name");
  if (std::none_of(out.tools.begin(), out.tools.end(),
                   [&](const offered_tool& t) { return t.name == out.tool_name; }))
    return invalid("tool_choice: tool '" + std::string(out.tool_name) +
                   "' not found in provided tools");
  return std::nullopt;
}

void read_format(const json& body, question& out) {
  const auto* config = member(body, "output_config");
  const auto* format = config ? member(*config, "format") : member(body, "output_format");
  if (!format || text_member(*format, "type") != "json_schema") return;
  out.wants_json = true;
  out.schema = member(*format, "schema");
}

std::string_view stop_reason(const answer& said) {
  if (said.finish == "tool_calls") return "tool_use";
  if (said.finish == "length") return "max_tokens";
  if (said.finish == "content_filter") return "refusal";
  return said.stopped_by.empty() ? "end_turn" : "stop_sequence";
}

std::string_view error_type(int status) {
  switch (status) {
    case 400:
      return "invalid_request_error";
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 504:
      return "timeout_error";
    case 529:
      return "overloaded_error";
    default:
      return status < 500 ? "invalid_request_error" : "api_error";
  }
}

class anthropic final : public wire {
 public:
  std::optional<refusal> read_chat(const http_server_request& request, const json& body,
                                   question& out) const override {
    if (request.header("anthropic-version").empty())
      return invalid("anthropic-version: header is required");
    out.model = text_member(body, "model");
    if (out.model.empty()) return invalid("model: Field required");
    const auto* bound = member(body, "max_tokens");
    const bool counting = request.path().ends_with("/count_tokens");
    if (!counting && (!bound || !bound->IsUint64() || bound->GetUint64() == 0))
      return invalid(bound ? "max_tokens: Input should be greater than or equal to 1"
                           : "max_tokens: Field required");
    out.max_tokens = bound ? static_cast<std::size_t>(bound->GetUint64()) : 0;
    if (const auto* t = member(body, "temperature");
        t && (!t->IsNumber() || t->GetDouble() < 0 || t->GetDouble() > 1))
      return invalid("temperature: range: 0..1");
    read_system(body, out);
    const auto* messages = array_member(body, "messages");
    if (!messages) return invalid("messages: Field required");
    if (messages->Empty()) return invalid("messages: at least one message is required");
    call_ids open;
    for (std::size_t i = 0; i < messages->Size(); ++i)
      if (auto why = read_message((*messages)[static_cast<unsigned>(i)], i, open, out)) return why;
    if (auto why = read_tools(body, out)) return why;
    read_format(body, out);
    if (const auto* stops = array_member(body, "stop_sequences"))
      for (const auto& stop : stops->GetArray()) out.stops.push_back(text_of(stop));
    out.stream = flag_member(body, "stream", false);
    return std::nullopt;
  }

  void write_chat(const question& asked, const answer& said, std::string& out) const override {
    append(out, R"({"id":"msg_)", said.id, R"(","type":"message","role":"assistant","model":)",
           quoted{asked.model}, R"(,"content":[)");
    if (!said.text.empty() || said.calls.empty())
      append(out, R"({"type":"text","text":)", quoted{said.text}, "}");
    for (const auto& call : said.calls)
      append(out, out.back() == '}' ? "," : "", R"({"type":"tool_use","id":"toolu_)", call.id,
             R"(","name":)", quoted{call.name}, R"(,"input":)", call.arguments, "}");
    append(out, R"(],"stop_reason":")", stop_reason(said), R"(","stop_sequence":)",
           quoted_or_null{said.stopped_by}, R"(,"usage":)");
    append_usage(said, said.completion_tokens, out);
    append(out, "}");
  }

  void write_stream(const question& asked, const answer& said, frames& out) const override {
    std::string usage;
    append_usage(said, 1, usage);
    append_event(out, "message_start", R"({"type":"message_start","message":{"id":"msg_)", said.id,
                 R"(","type":"message","role":"assistant","model":)", quoted{asked.model},
                 R"(,"content":[],"stop_reason":null,"stop_sequence":null,"usage":)", usage, "}}");
    std::size_t index = 0;
    if (!said.text.empty() || said.calls.empty()) stream_text(said, index++, out);
    for (const auto& call : said.calls) stream_call(call, index++, out);
    append_event(out, "message_delta", R"({"type":"message_delta","delta":{"stop_reason":")",
                 stop_reason(said), R"(","stop_sequence":)", quoted_or_null{said.stopped_by},
                 R"(},"usage":{"output_tokens":)", said.completion_tokens, "}}");
    append_event(out, "message_stop", R"({"type":"message_stop"})");
  }

  bool write_stream_error(const refusal& why, frames& out) const override {
    append_event(out, "error", R"({"type":"error","error":{"type":"overloaded_error","message":)",
                 quoted{why.message}, "}}");
    return true;
  }

  std::string_view key(const http_server_request& request) const override {
    const auto header = request.header("x-api-key");
    return header.empty() ? bearer_key(request) : header;
  }

  void write_refusal(const refusal& why, std::string& out) const override {
    append(out, R"({"type":"error","error":{"type":)",
           quoted{why.type.empty() ? error_type(why.status) : std::string_view(why.type)},
           R"(,"message":)", quoted{why.message}, R"(},"request_id":"req_)", why.request_id, "\"}");
  }

  refusal unknown_model(std::string_view model) const override {
    refusal why;
    why.status = 404;
    why.message = "model: " + std::string(model);
    return why;
  }
  refusal too_long(std::size_t tokens, std::size_t tokens_max) const override {
    refusal why;
    why.message = "prompt is too long: " + std::to_string(tokens) + " tokens > " +
                  std::to_string(tokens_max) + " maximum";
    return why;
  }

  void write_headers(std::string_view request_id, const allowances& left,
                     std::string& out) const override {
    append(out, "request-id: req_", request_id,
           "\r\nanthropic-organization-id: 00000000-0000-4000-8000-000000000000\r\n");
    write_limit("requests", left.requests, left.now, out);
    write_limit("tokens", left.tokens, left.now, out);
    write_limit("input-tokens", left.tokens, left.now, out);
  }

 private:
  /// Here the input's tokens are those that did not come from the cache.
  static void append_usage(const answer& said, std::size_t output, std::string& out) {
    append(out, R"({"input_tokens":)", said.prompt_tokens - said.cached_tokens,
           R"(,"cache_creation_input_tokens":0,"cache_read_input_tokens":)", said.cached_tokens,
           R"(,"output_tokens":)", output, R"(,"service_tier":"standard"})");
  }

  static void start_block(std::size_t index, std::string_view block, frames& out) {
    append_event(out, "content_block_start", R"({"type":"content_block_start","index":)", index,
                 R"(,"content_block":)", block, "}");
  }

  static void stop_block(std::size_t index, frames& out) {
    append_event(out, "content_block_stop", R"({"type":"content_block_stop","index":)", index, "}");
  }

  static void stream_text(const answer& said, std::size_t index, frames& out) {
    start_block(index, R"({"type":"text","text":""})", out);
    append_event(out, "ping", R"({"type":"ping"})");
    for (const auto piece : split_text(said.text, said.chunk_count))
      append_event(out, "content_block_delta", R"({"type":"content_block_delta","index":)", index,
                   R"(,"delta":{"type":"text_delta","text":)", quoted{piece}, "}}");
    stop_block(index, out);
  }

  static void stream_call(const function_call& call, std::size_t index, frames& out) {
    std::string block;
    append(block, R"({"type":"tool_use","id":"toolu_)", call.id, R"(","name":)", quoted{call.name},
           R"(,"input":{}})");
    start_block(index, block, out);
    auto pieces = split_text(call.arguments, count_tokens(call.arguments.size()));
    pieces.insert(pieces.begin(), std::string_view{});  // the provider begins with an empty one
    for (const auto piece : pieces)
      append_event(out, "content_block_delta", R"({"type":"content_block_delta","index":)", index,
                   R"(,"delta":{"type":"input_json_delta","partial_json":)", quoted{piece}, "}}");
    stop_block(index, out);
  }

  /// When the bucket is full again, as the provider writes it: RFC 3339 in UTC.
  static void write_limit(std::string_view what, const allowance& a, time_point now,
                          std::string& out) {
    if (a.limit() <= 0) return;
    const auto full_at = std::time(nullptr) + static_cast<std::time_t>(std::ceil(a.full_in_s(now)));
    std::tm utc{};
    gmtime_r(&full_at, &utc);
    char text[32];
    const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    const auto prefix = "anthropic-ratelimit-" + std::string(what);
    append(out, prefix, "-limit: ", static_cast<std::uint64_t>(a.limit()), "\r\n", prefix,
           "-remaining: ", static_cast<std::uint64_t>(std::max(0.0, a.left(now))), "\r\n", prefix,
           "-reset: ", std::string_view(text, size), "\r\n");
  }
};

}  // namespace

const wire& anthropic_wire() {
  static const anthropic the_wire;
  return the_wire;
}

}  // namespace graphbit::sim
