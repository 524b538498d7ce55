// Written from OpenAI's API reference (chat/create, chat/streaming, guides/error-codes,
// guides/rate-limits) and checked with its official Python client.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "json_access.hpp"
#include "json_writing.hpp"
#include "openai_messages.hpp"
#include "openai_wire.hpp"
#include "reply_text.hpp"

namespace graphbit::sim {

namespace {

refusal invalid(std::string message, std::string param = {}, std::string code = {}) {
  refusal why;
  why.message = std::move(message);
  why.param = std::move(param);
  why.code = std::move(code);
  return why;
}

std::optional<refusal> read_tools(const json& body, question& out) {
  const auto* tools = member(body, "tools");
  if (!tools) return std::nullopt;
  if (!tools->IsArray() || tools->Empty())
    return invalid(
        "Invalid 'tools': empty array. Expected an array with minimum length 1, but got "
        "an empty array instead.",
        "tools", "empty_array");
  for (const auto& tool : tools->GetArray()) {
    if (text_member(tool, "type") != "function") continue;  // hosted tools are never called here
    const auto* function = member(tool, "function");
    if (!function || text_member(*function, "name").empty())
      return invalid("Missing required parameter: 'tools[0].function.name'.",
                     "tools[0].function.name", "missing_required_parameter");
    out.tools.push_back({text_member(*function, "name"), member(*function, "parameters")});
  }
  return std::nullopt;
}

std::optional<refusal> read_tool_choice(const json& body, question& out) {
  const auto* choice = member(body, "tool_choice");
  if (!choice) return std::nullopt;
  if (out.tools.empty())
    return invalid("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice");
  const auto word = text_of(*choice);
  if (word == "none") out.tool_choice = tool_rule::none;
  if (word == "required" || word == "any") out.tool_choice = tool_rule::required;
  if (const auto* function = member(*choice, "function")) {
    out.tool_choice = tool_rule::named;
    out.tool_name = text_member(*function, "name");
    if (std::none_of(out.tools.begin(), out.tools.end(),
                     [&](const offered_tool& t) { return t.name == out.tool_name; }))
      return invalid(
          "Tool choice '" + std::string(out.tool_name) + "' not found in 'tools' parameter.",
          "tool_choice");
  }
  return std::nullopt;
}

std::optional<refusal> read_format(const json& body, question& out) {
  const auto* format = member(body, "response_format");
  if (!format) return std::nullopt;
  const auto type = text_member(*format, "type");
  if (type == "text") return std::nullopt;
  if (type != "json_object" && type != "json_schema")
    return invalid("Invalid value: '" + std::string(type) +
                       "'. Supported values are: 'json_object', 'json_schema', and 'text'.",
                   "response_format.type", "invalid_value");
  out.wants_json = true;
  if (type == "json_object") return std::nullopt;
  const auto* described = member(*format, "json_schema");
  if (!described || text_member(*described, "name").empty())
    return invalid("Missing required parameter: 'response_format.json_schema'.",
                   "response_format.json_schema", "missing_required_parameter");
  out.schema = member(*described, "schema");
  return std::nullopt;
}

std::optional<refusal> read_numbers(const json& body, question& out) {
  if (const auto* t = member(body, "temperature");
      t && (!t->IsNumber() || t->GetDouble() < 0 || t->GetDouble() > 2))
    return invalid("Invalid 'temperature': expected a value between 0 and 2.", "temperature",
                   "decimal_above_max_value");
  if (member(body, "max_tokens") && member(body, "max_completion_tokens"))
    return invalid(
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not "
        "supported.",
        "max_tokens", "invalid_parameter_combination");
  const char* limit = member(body, "max_tokens") ? "max_tokens" : "max_completion_tokens";
  if (const auto* n = member(body, limit); n && (!n->IsUint64() || n->GetUint64() == 0))
    return invalid(
        "Invalid '" + std::string(limit) + "': integer below minimum value. Expected a value >= 1.",
        limit, "integer_below_min_value");
  out.max_tokens = size_member(body, limit, 0);
  out.choices = std::clamp<std::size_t>(size_member(body, "n", 1), 1, 128);
  return std::nullopt;
}

void read_stops(const json& body, question& out) {
  const auto* stop = member(body, "stop");
  if (!stop) return;
  if (stop->IsString()) out.stops.push_back(text_of(*stop));
  if (stop->IsArray())
    for (const auto& s : stop->GetArray()) out.stops.push_back(text_of(s));
}

std::optional<refusal> read_stream(const json& body, question& out) {
  out.stream = flag_member(body, "stream", false);
  const auto* options = member(body, "stream_options");
  if (options && !out.stream)
    return invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                   "stream_options");
  if (options) out.stream_usage = flag_member(*options, "include_usage", false);
  return std::nullopt;
}

void append_call(const function_call& call, std::string& out) {
  append(out, R"("id":"call_)", call.id, R"(","type":"function","function":{"name":)",
         quoted{call.name}, R"(,"arguments":)", quoted{call.arguments}, "}");
}

/// A function forced by name ends with "stop", calls of the model's own choice with "tool_calls".
std::string_view finish_of(const question& asked, const answer& said) {
  if (said.finish == "tool_calls" && asked.tool_choice == tool_rule::named) return "stop";
  return said.finish;
}

void append_message(const answer& said, std::string& out) {
  out.append(R"({"role":"assistant","content":)");
  if (said.calls.empty())
    append(out, quoted{said.text});
  else
    append(out, quoted_or_null{said.text}, R"(,"tool_calls":[)");
  for (const auto& call : said.calls) {
    out.append(&call == said.calls.data() ? "{" : ",{");
    append_call(call, out);
    out.append("}");
  }
  append(out, said.calls.empty() ? "" : "]", R"(,"refusal":null,"annotations":[]})");
}

/// The first delta of a call has its id and name, the following ones pieces of its arguments.
template <class Delta>
void write_call(const function_call& call, std::size_t index, const Delta& delta) {
  const auto open = R"({"tool_calls":[{"index":)" + std::to_string(index) + ",";
  std::string first = open;
  append_call({call.id, call.name, {}}, first);
  delta(first, "}]}");
  for (const auto piece : split_text(call.arguments, count_tokens(call.arguments.size())))
    delta(open, R"("function":{"arguments":)", quoted{piece}, "}}]}");
}

std::string_view type_of(const refusal& why) {
  if (why.status == 429) return "requests";
  return why.status >= 500 ? "server_error" : "invalid_request_error";
}

std::string_view code_of(int status) {
  return status == 401 ? "invalid_api_key" : status == 429 ? "rate_limit_exceeded" : "";
}

/// Durations are written as the provider does: "6m0s", "1.5s", "20ms".
std::string duration_text(double s) {
  char text[48];
  const int minutes = static_cast<int>(s / 60);
  if (s < 1)
    std::snprintf(text, sizeof text, "%.0fms", s * 1000);
  else if (minutes == 0)
    std::snprintf(text, sizeof text, "%.3gs", s);
  else
    std::snprintf(text, sizeof text, "%dm%.0fs", minutes, std::fmod(s, 60));
  return text;
}

void write_limit(std::string_view what, const allowance& a, time_point now, std::string& out) {
  if (a.limit() <= 0) return;
  append(out, "x-ratelimit-limit-", what, ": ", static_cast<std::uint64_t>(a.limit()),
         "\r\nx-ratelimit-remaining-", what, ": ",
         static_cast<std::uint64_t>(std::max(0.0, a.left(now))), "\r\nx-ratelimit-reset-", what,
         ": ", duration_text(a.full_in_s(now)), "\r\n");
}

}  // namespace

void append_openai_usage(const answer& said, std::size_t choices, std::string& out) {
  const auto completion = said.completion_tokens * choices;
  append(out, R"("usage":{"prompt_tokens":)", said.prompt_tokens, R"(,"completion_tokens":)",
         completion, R"(,"total_tokens":)", said.prompt_tokens + completion,
         R"(,"prompt_tokens_details":{"cached_tokens":)", said.cached_tokens,
         R"(,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":)",
         said.reasoning_tokens * choices,
         R"(,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}})");
}

std::optional<refusal> openai::read_chat(const http_server_request&, const json& body,
                                         question& out) const {
  if (out.model.empty()) out.model = text_member(body, "model");
  if (out.model.empty()) return invalid("you must provide a model parameter");
  if (auto why = read_openai_messages(body, file_part(), out)) return why;
  for (const auto read : {read_tools, read_tool_choice, read_format, read_numbers, read_stream})
    if (auto why = read(body, out)) return why;
  read_stops(body, out);
  return std::nullopt;
}

void openai::write_chat(const question& asked, const answer& said, std::string& out) const {
  append(out, R"({"id":"chatcmpl-)", said.id, R"(","object":"chat.completion","created":)",
         said.created_s, R"(,"model":)", quoted{asked.model}, R"(,"choices":[)");
  for (std::size_t i = 0; i < asked.choices; ++i) {
    append(out, i > 0 ? "," : "", R"({"index":)", i, R"(,"message":)");
    append_message(said, out);
    append(out, choice_extra(), R"(,"logprobs":null,"finish_reason":")", finish_of(asked, said),
           "\"}");
  }
  out.append("],");
  append_openai_usage(said, asked.choices, out);
  append(out, answer_extra(), R"(,"service_tier":"default","system_fingerprint":"fp_simulated"})");
}

void openai::write_stream(const question& asked, const answer& said, frames& out) const {
  std::string head;
  append(head, R"(data: {"id":"chatcmpl-)", said.id,
         R"(","object":"chat.completion.chunk","created":)", said.created_s, R"(,"model":)",
         quoted{asked.model},
         R"(,"service_tier":"default","system_fingerprint":"fp_simulated",)"
         R"("choices":[)");
  const std::string_view tail = asked.stream_usage ? "],\"usage\":null}\n\n" : "]}\n\n";
  for (std::size_t i = 0; i < asked.choices; ++i) write_choice(asked, said, i, head, tail, out);
  if (asked.stream_usage) {
    append(out.bytes, head, "],");
    append_openai_usage(said, asked.choices, out.bytes);
    out.bytes.append("}\n\n");
    out.end_frame();
  }
  out.bytes.append("data: [DONE]\n\n");
  out.end_frame();
}

void openai::write_choice(const question& asked, const answer& said, std::size_t index,
                          std::string_view head, std::string_view tail, frames& out) const {
  const auto open = R"({"index":)" + std::to_string(index) + R"(,"delta":)";
  const auto end = std::string(choice_extra()) + R"(,"logprobs":null,"finish_reason":)";
  const auto delta = [&](const auto&... parts) {
    append(out.bytes, head, open, parts..., end, "null}", tail);
    out.end_frame();
  };
  delta(R"({"role":"assistant","content":)", said.calls.empty() ? R"("")" : "null",
        R"(,"refusal":null})");
  for (const auto piece : split_text(said.text, said.chunk_count))
    delta(R"({"content":)", quoted{piece}, "}");
  for (std::size_t i = 0; i < said.calls.size(); ++i) write_call(said.calls[i], i, delta);
  append(out.bytes, head, open, "{}", end, quoted{finish_of(asked, said)}, "}", tail);
  out.end_frame();
}

bool openai::write_stream_error(const refusal& why, frames& out) const {
  out.bytes.append("data: ");
  write_refusal(why, out.bytes);
  out.bytes.append("\n\n");
  out.end_frame();
  return true;
}

std::string_view openai::key(const http_server_request& request) const {
  return bearer_key(request);
}

void openai::write_refusal(const refusal& why, std::string& out) const {
  const std::string_view type = why.type.empty() ? type_of(why) : why.type;
  const std::string_view code = why.code.empty() ? code_of(why.status) : why.code;
  append(out, R"({"error":{"message":)", quoted{why.message}, R"(,"type":)", quoted{type},
         R"(,"param":)", quoted_or_null{why.param}, R"(,"code":)", quoted_or_null{code}, "}}");
}

void openai::write_retry_after(double wait_s, std::string& out) const {
  wire::write_retry_after(wait_s, out);
  append(out, "retry-after-ms: ", static_cast<std::uint64_t>(wait_s * 1000), "\r\n");
}

void openai::write_headers(std::string_view request_id, const allowances& left,
                           std::string& out) const {
  append(out, "x-request-id: req_", request_id, "\r\nopenai-version: 2020-10-01\r\n");
  write_limit("requests", left.requests, left.now, out);
  write_limit("tokens", left.tokens, left.now, out);
}

const wire& openai_wire() {
  static const openai the_wire;
  return the_wire;
}

}  // namespace graphbit::sim
