// OpenAI's Responses API, which Azure offers under /openai/responses as well. From OpenAI's API
// reference (responses/create, responses-streaming) and checked with its official Python client.
#include <algorithm>

#include "json_access.hpp"
#include "json_writing.hpp"
#include "openai_wire.hpp"
#include "reply_text.hpp"

namespace graphbit::sim {

namespace {

refusal invalid(std::string message, std::string param, std::string code = {}) {
  refusal why;
  why.message = std::move(message);
  why.param = std::move(param);
  why.code = std::move(code);
  return why;
}

void read_content(const json& content, std::string_view role, question& out) {
  const auto take = [&](std::string_view text) {
    add_prompt_text(out, text);
    if (role == "user") out.last_text = text;
  };
  if (content.IsString()) return take(text_of(content));
  if (!content.IsArray()) return;
  for (const auto& part : content.GetArray())
    if (const auto text = text_member(part, "text"); !text.empty())
      take(text);
    else
      add_prompt_text(out, text_member(part, "image_url"));
}

/// One item of the input; the calls that have no output yet are kept in `open`.
std::optional<refusal> read_item(const json& item, std::vector<std::string_view>& open,
                                 question& out) {
  const auto type = text_member(item, "type");
  if (type == "function_call") {
    open.push_back(text_member(item, "call_id"));
    add_prompt_text(out, text_member(item, "name"));
    out.last_role = "assistant";
  } else if (type == "function_call_output") {
    const auto id = text_member(item, "call_id");
    const auto at = std::find(open.begin(), open.end(), id);
    if (at == open.end())
      return invalid(
          "No tool call found for function call output with call_id " + std::string(id) + ".",
          "input");
    open.erase(at);
    out.tool_result = text_member(item, "output");
    add_prompt_text(out, out.tool_result);
    out.last_role = "tool";
  } else if (type.empty() || type == "message") {
    const auto role = text_member(item, "role");
    if (role.empty()) return invalid("Missing required parameter: 'input[0].role'.", "input");
    add_prompt_text(out, role);
    out.last_role = role;
    if (const auto* content = member(item, "content")) read_content(*content, role, out);
  }
  return std::nullopt;
}

std::optional<refusal> read_input(const json& body, question& out) {
  add_prompt_text(out, text_member(body, "instructions"));
  const auto* input = member(body, "input");
  if (!input)
    return invalid("Missing required parameter: 'input'.", "input", "missing_required_parameter");
  if (input->IsString()) {
    out.last_role = "user";
    out.last_text = text_of(*input);
    add_prompt_text(out, out.last_text);
    return std::nullopt;
  }
  if (!input->IsArray() || input->Empty())
    return invalid("Invalid type for 'input': expected a string or an array.", "input",
                   "invalid_type");
  std::vector<std::string_view> open;
  for (const auto& item : input->GetArray())
    if (auto why = read_item(item, open, out)) return why;
  if (!open.empty())
    return invalid("No tool output found for function call " + std::string(open.front()) + ".",
                   "input");
  return std::nullopt;
}

std::optional<refusal> read_tools(const json& body, question& out) {
  if (const auto* tools = array_member(body, "tools"))
    for (const auto& tool : tools->GetArray()) {
      if (text_member(tool, "type") != "function") continue;  // hosted tools are never called here
      if (text_member(tool, "name").empty())
        return invalid("Missing required parameter: 'tools[0].name'.", "tools[0].name",
                       "missing_required_parameter");
      out.tools.push_back({text_member(tool, "name"), member(tool, "parameters")});
    }
  const auto* choice = member(body, "tool_choice");
  if (!choice) return std::nullopt;
  if (text_of(*choice) == "required") out.tool_choice = tool_rule::required;
  if (text_of(*choice) == "none") out.tool_choice = tool_rule::none;
  if (text_member(*choice, "type") == "function") {
    out.tool_choice = tool_rule::named;
    out.tool_name = text_member(*choice, "name");
  }
  return std::nullopt;
}

void read_format(const json& body, question& out) {
  const auto* text = member(body, "text");
  const auto* format = text ? member(*text, "format") : nullptr;
  if (!format) return;
  const auto type = text_member(*format, "type");
  out.wants_json = type == "json_schema" || type == "json_object";
  if (type == "json_schema") out.schema = member(*format, "schema");
}

/// An item of the output, whole or as it looks when it begins.
void append_message_item(const answer& said, bool whole, std::string& out) {
  append(out, R"({"id":"msg_)", said.id, R"(","type":"message","status":")",
         whole ? "completed" : "in_progress", R"(","role":"assistant","content":[)");
  if (whole)
    append(out, R"({"type":"output_text","annotations":[],"logprobs":[],"text":)",
           quoted{said.text}, "}");
  out.append("]}");
}

void append_call_item(const function_call& call, bool whole, std::string& out) {
  append(out, R"({"id":"fc_)", call.id, R"(","type":"function_call","status":")",
         whole ? "completed" : "in_progress", R"(","call_id":"call_)", call.id, R"(","name":)",
         quoted{call.name}, R"(,"arguments":)", quoted{whole ? call.arguments : ""}, "}");
}

void append_output(const answer& said, std::string& out) {
  const bool has_text = !said.text.empty() || said.calls.empty();
  if (has_text) append_message_item(said, true, out);
  for (std::size_t i = 0; i < said.calls.size(); ++i) {
    if (i > 0 || has_text) out += ',';
    append_call_item(said.calls[i], true, out);
  }
}

void append_response(const question& asked, const answer& said, bool whole, std::string& out) {
  const bool cut = said.finish == "length" || said.finish == "content_filter";
  append(out, R"({"id":"resp_)", said.id, R"(","object":"response","created_at":)", said.created_s,
         R"(,"status":")",
         !whole ? "in_progress"
         : cut  ? "incomplete"
                : "completed",
         R"(","error":null,"incomplete_details":)");
  if (whole && cut)
    append(out, R"({"reason":")", said.finish == "length" ? "max_output_tokens" : "content_filter",
           "\"}");
  else
    out.append("null");
  append(out, R"(,"instructions":null,"max_output_tokens":null,"model":)", quoted{asked.model},
         R"(,"output":[)");
  if (whole) append_output(said, out);
  append(out, R"(],"parallel_tool_calls":true,"previous_response_id":null,)"
              R"("reasoning":{"effort":null,"summary":null},"store":true,"temperature":1.0,)"
              R"("text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,)"
              R"("truncation":"disabled","usage":)");
  if (whole)
    append(out, R"({"input_tokens":)", said.prompt_tokens,
           R"(,"input_tokens_details":{"cached_tokens":)", said.cached_tokens,
           R"(,"cache_write_tokens":0},"output_tokens":)", said.completion_tokens,
           R"(,"output_tokens_details":{"reasoning_tokens":)", said.reasoning_tokens,
           R"(},"total_tokens":)", said.prompt_tokens + said.completion_tokens, "}");
  else
    out.append("null");
  out.append(R"(,"user":null,"metadata":{}})");
}

/// Writes events with their running number.
class event_writer {
 public:
  explicit event_writer(frames& out) : out_(out) {}

  template <class... Parts>
  void event(std::string_view type, const Parts&... members) {
    append_event(out_, type, R"({"type":")", type, R"(","sequence_number":)", number_++, members...,
                 "}");
  }

 private:
  frames& out_;
  std::size_t number_ = 0;
};

void stream_text(const answer& said, event_writer& out) {
  std::string begun, whole;
  append_message_item(said, false, begun);
  append_message_item(said, true, whole);
  const auto place = R"(,"item_id":"msg_)" + said.id + R"(","output_index":0,"content_index":0)";
  out.event("response.output_item.added", R"(,"output_index":0,"item":)", begun);
  out.event("response.content_part.added", place,
            R"(,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""})");
  for (const auto piece : split_text(said.text, said.chunk_count))
    out.event("response.output_text.delta", place, R"(,"logprobs":[],"delta":)", quoted{piece});
  out.event("response.output_text.done", place, R"(,"logprobs":[],"text":)", quoted{said.text});
  out.event("response.content_part.done", place,
            R"(,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":)",
            quoted{said.text}, "}");
  out.event("response.output_item.done", R"(,"output_index":0,"item":)", whole);
}

void stream_call(const function_call& call, std::size_t index, event_writer& out) {
  std::string begun, whole;
  append_call_item(call, false, begun);
  append_call_item(call, true, whole);
  std::string place;
  append(place, R"(,"item_id":"fc_)", call.id, R"(","output_index":)", index);
  out.event("response.output_item.added", R"(,"output_index":)", index, R"(,"item":)", begun);
  for (const auto piece : split_text(call.arguments, count_tokens(call.arguments.size())))
    out.event("response.function_call_arguments.delta", place, R"(,"delta":)", quoted{piece});
  out.event("response.function_call_arguments.done", place, R"(,"name":)", quoted{call.name},
            R"(,"arguments":)", quoted{call.arguments});
  out.event("response.output_item.done", R"(,"output_index":)", index, R"(,"item":)", whole);
}

class responses final : public openai {
 public:
  std::optional<refusal> read_chat(const http_server_request&, const json& body,
                                   question& out) const override {
    out.model = text_member(body, "model");
    if (out.model.empty())
      return invalid("Missing required parameter: 'model'.", "model", "missing_required_parameter");
    if (auto why = read_input(body, out)) return why;
    if (auto why = read_tools(body, out)) return why;
    read_format(body, out);
    out.max_tokens = size_member(body, "max_output_tokens", 0);
    if (out.max_tokens > 0 && out.max_tokens < 16)
      return invalid(
          "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.",
          "max_output_tokens", "integer_below_min_value");
    out.stream = flag_member(body, "stream", false);
    return std::nullopt;
  }

  void write_chat(const question& asked, const answer& said, std::string& out) const override {
    append_response(asked, said, true, out);
  }

  void write_stream(const question& asked, const answer& said, frames& out) const override {
    std::string begun, whole;
    append_response(asked, said, false, begun);
    append_response(asked, said, true, whole);
    event_writer events(out);
    events.event("response.created", R"(,"response":)", begun);
    events.event("response.in_progress", R"(,"response":)", begun);
    const bool has_text = !said.text.empty() || said.calls.empty();
    if (has_text) stream_text(said, events);
    for (std::size_t i = 0; i < said.calls.size(); ++i)
      stream_call(said.calls[i], i + (has_text ? 1 : 0), events);
    events.event(said.finish == "length" ? "response.incomplete" : "response.completed",
                 R"(,"response":)", whole);
  }

  bool write_stream_error(const refusal& why, frames& out) const override {
    append_event(out, "error", R"({"type":"error","sequence_number":)", out.ends.size(),
                 R"(,"code":"server_error","message":)", quoted{why.message}, R"(,"param":null})");
    return true;
  }

  std::string_view key(const http_server_request& request) const override {
    const auto header = request.header("api-key");  // Azure's way
    return header.empty() ? bearer_key(request) : header;
  }
};

}  // namespace

const wire& responses_wire() {
  static const responses the_wire;
  return the_wire;
}

}  // namespace graphbit::sim
