// Written from Google's Gemini API reference (generateContent, streamGenerateContent, function
// calling, structured output, troubleshooting) and checked with its official Python client.
#include <algorithm>

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

/// Google's JSON takes both spellings of a field.
const json* either(const json& object, const char* camel, const char* snake) {
  const auto* value = member(object, camel);
  return value ? value : member(object, snake);
}

/// The model of ".../models/NAME:verb".
std::string_view model_of(std::string_view path) {
  constexpr std::string_view mark = "/models/";
  const auto begin = path.find(mark) + mark.size();
  return path.substr(begin, path.rfind(':') - begin);
}

void read_part(const json& part, std::string_view role, question& out) {
  if (const auto text = text_member(part, "text"); !text.empty()) {
    add_prompt_text(out, text);
    if (role == "user") out.last_text = text;
  }
  if (const auto* data = either(part, "inlineData", "inline_data"))
    add_prompt_text(out, text_member(*data, "data"));
  if (const auto* call = either(part, "functionCall", "function_call"))
    add_prompt_text(out, text_member(*call, "name"));
  if (const auto* result = either(part, "functionResponse", "function_response")) {
    out.last_role = "tool";
    const auto* response = member(*result, "response");
    if (!response || !response->IsObject()) return;
    for (const auto& field : response->GetObject())
      if (field.value.IsString()) out.tool_result = text_of(field.value);
    add_prompt_text(out, out.tool_result);
  }
}

std::optional<refusal> read_contents(const json& body, question& out) {
  if (const auto* system = either(body, "systemInstruction", "system_instruction"))
    if (const auto* parts = array_member(*system, "parts"))
      for (const auto& part : parts->GetArray()) add_prompt_text(out, text_member(part, "text"));
  const auto* contents = array_member(body, "contents");
  if (!contents || contents->Empty())
    return invalid("* GenerateContentRequest.contents: contents is not specified\n");
  for (const auto& content : contents->GetArray()) {
    const auto given = text_member(content, "role");
    const auto role = given.empty() ? std::string_view("user") : given;
    if (role != "user" && role != "model" && role != "function")
      return invalid("Please use a valid role: user, model.");
    const auto* parts = array_member(content, "parts");
    if (!parts || parts->Empty())
      return invalid(
          "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.\n");
    add_prompt_text(out, role);
    out.last_role = role;
    for (const auto& part : parts->GetArray()) read_part(part, role, out);
  }
  return std::nullopt;
}

void read_tools(const json& body, question& out) {
  if (const auto* tools = array_member(body, "tools"))
    for (const auto& tool : tools->GetArray())
      if (const auto* list = either(tool, "functionDeclarations", "function_declarations");
          list && list->IsArray())
        for (const auto& f : list->GetArray()) {
          const auto* schema = either(f, "parametersJsonSchema", "parameters_json_schema");
          out.tools.push_back({text_member(f, "name"), schema ? schema : member(f, "parameters")});
        }
  const auto* config = either(body, "toolConfig", "tool_config");
  const auto* calling =
      config ? either(*config, "functionCallingConfig", "function_calling_config") : nullptr;
  if (!calling) return;
  const auto mode = text_member(*calling, "mode");
  if (mode == "NONE") out.tool_choice = tool_rule::none;
  if (mode != "ANY") return;
  out.tool_choice = tool_rule::required;
  const auto* allowed = either(*calling, "allowedFunctionNames", "allowed_function_names");
  if (!allowed || !allowed->IsArray() || allowed->Empty()) return;
  out.tool_choice = tool_rule::named;
  out.tool_name = text_of((*allowed)[0]);
}

void read_config(const json& body, question& out) {
  const auto* config = either(body, "generationConfig", "generation_config");
  if (!config) return;
  if (const auto* n = either(*config, "maxOutputTokens", "max_output_tokens"); n && n->IsUint64())
    out.max_tokens = static_cast<std::size_t>(n->GetUint64());
  if (const auto* stops = either(*config, "stopSequences", "stop_sequences");
      stops && stops->IsArray())
    for (const auto& stop : stops->GetArray()) out.stops.push_back(text_of(stop));
  const auto* type = either(*config, "responseMimeType", "response_mime_type");
  out.wants_json = type && text_of(*type) == "application/json";
  out.schema = either(*config, "responseJsonSchema", "response_json_schema");
  if (!out.schema) out.schema = either(*config, "responseSchema", "response_schema");
  if (const auto* n = either(*config, "candidateCount", "candidate_count"); n && n->IsUint64())
    out.choices = std::clamp<std::size_t>(static_cast<std::size_t>(n->GetUint64()), 1, 8);
}

std::string_view finish_of(const answer& said) {
  return said.finish == "length"           ? "MAX_TOKENS"
         : said.finish == "content_filter" ? "SAFETY"
                                           : "STOP";
}

std::string_view status_of(int status) {
  switch (status) {
    case 400:
      return "INVALID_ARGUMENT";
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 499:
      return "CANCELLED";
    case 503:
      return "UNAVAILABLE";
    case 504:
      return "DEADLINE_EXCEEDED";
    default:
      return status < 500 ? "FAILED_PRECONDITION" : "INTERNAL";
  }
}

/// Here the thoughts are counted beside the candidates, not among them.
void append_usage(const answer& said, std::size_t completion, std::string& out) {
  append(out, R"("usageMetadata":{"promptTokenCount":)", said.prompt_tokens,
         R"(,"candidatesTokenCount":)", completion, R"(,"totalTokenCount":)",
         said.prompt_tokens + completion + said.reasoning_tokens);
  if (said.cached_tokens > 0) append(out, R"(,"cachedContentTokenCount":)", said.cached_tokens);
  if (said.reasoning_tokens > 0) append(out, R"(,"thoughtsTokenCount":)", said.reasoning_tokens);
  append(out, R"(,"promptTokensDetails":[{"modality":"TEXT","tokenCount":)", said.prompt_tokens,
         "}]}");
}

/// One answer, or one piece of a streamed one: `last` says why it ended.
void append_part_answer(const question& asked, const answer& said, std::string_view text,
                        bool calls, bool last, std::string& out) {
  append(out, R"({"candidates":[)");
  for (std::size_t i = 0; i < asked.choices; ++i) {
    append(out, i > 0 ? "," : "", R"({"content":{"parts":[)");
    bool first = true;
    if (!text.empty() || !calls) {
      append(out, R"({"text":)", quoted{text}, "}");
      first = false;
    }
    if (calls)
      for (const auto& call : said.calls)
        append(out, std::exchange(first, false) ? "" : ",", R"({"functionCall":{"id":")", call.id,
               R"(","name":)", quoted{call.name}, R"(,"args":)", call.arguments, "}}");
    append(out, R"(],"role":"model"})");
    if (last) append(out, R"(,"finishReason":)", quoted{finish_of(said)});
    append(out, R"(,"index":)", i, "}");
  }
  out.append("],");
  append_usage(
      said, last ? said.completion_tokens - said.reasoning_tokens : count_tokens(text.size()), out);
  append(out, R"(,"modelVersion":)", quoted{asked.model}, R"(,"responseId":")", said.id, "\"}");
}

class gemini final : public wire {
 public:
  std::optional<refusal> read_chat(const http_server_request& request, const json& body,
                                   question& out) const override {
    out.model = model_of(request.path());
    out.stream = request.path().ends_with(":streamGenerateContent");
    out.endpoint = request.query().find("alt=sse") != std::string_view::npos ? "sse" : "array";
    if (auto why = read_contents(body, out)) return why;
    read_tools(body, out);
    read_config(body, out);
    return std::nullopt;
  }

  void write_chat(const question& asked, const answer& said, std::string& out) const override {
    append_part_answer(asked, said, said.text, !said.calls.empty(), true, out);
  }

  /// Without `alt=sse` a stream is one JSON array whose elements come one after the other.
  void write_stream(const question& asked, const answer& said, frames& out) const override {
    const bool events = asked.endpoint == "sse";
    auto pieces = split_text(said.text, said.chunk_count);
    if (pieces.empty()) pieces.emplace_back();
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const bool last = i + 1 == pieces.size();
      out.bytes.append(events ? "data: " : i == 0 ? "[" : ",\r\n");
      append_part_answer(asked, said, pieces[i], last && !said.calls.empty(), last, out.bytes);
      out.bytes.append(events ? "\r\n\r\n" : last ? "\n]" : "\n");
      out.end_frame();
    }
  }

  bool write_stream_error(const refusal& why, frames& out) const override {
    out.bytes.append("data: ");
    write_refusal(why, out.bytes);
    out.bytes.append("\r\n\r\n");
    out.end_frame();
    return true;
  }

  std::string_view stream_content_type(const http_server_request& request) const override {
    return request.query().find("alt=sse") != std::string_view::npos
               ? "text/event-stream"
               : "application/json; charset=UTF-8";
  }

  std::string_view key(const http_server_request& request) const override {
    const auto header = request.header("x-goog-api-key");
    if (!header.empty()) return header;
    const auto query = request.query();
    const auto at = query.find("key=");
    if (at == std::string_view::npos) return bearer_key(request);
    return query.substr(at + 4, query.find('&', at) - at - 4);
  }

  /// This provider answers a bad key with 400.
  int key_refused_status() const override { return 400; }

  void write_refusal(const refusal& why, std::string& out) const override {
    append(out, R"({"error":{"code":)", why.status, R"(,"message":)", quoted{why.message},
           R"(,"status":)", quoted{status_of(why.status)});
    if (why.code == "invalid_api_key")
      append(out, R"(,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",)"
                  R"("reason":"API_KEY_INVALID","domain":"googleapis.com"}])");
    if (why.status == 429 && why.retry_after_s > 0)
      append(out,
             R"(,"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":")",
             static_cast<std::uint64_t>(why.retry_after_s + 0.999), R"(s"}])");
    out.append("}}");
  }

  refusal unknown_model(std::string_view model) const override {
    refusal why;
    why.status = 404;
    why.message =
        "models/" + std::string(model) +
        " is not found for API version v1beta, or is not supported for generateContent. "
        "Call ListModels to see the list of available models and their supported methods.";
    return why;
  }
  refusal too_long(std::size_t tokens, std::size_t tokens_max) const override {
    refusal why;
    why.message = "The input token count (" + std::to_string(tokens) +
                  ") exceeds the maximum number of tokens allowed (" + std::to_string(tokens_max) +
                  ").";
    return why;
  }

  /// It says so in the body alone.
  void write_retry_after(double, std::string&) const override {}
  void write_headers(std::string_view, const allowances&, std::string&) const override {}
};

}  // namespace

const wire& gemini_wire() {
  static const gemini the_wire;
  return the_wire;
}

}  // namespace graphbit::sim
