#include "src/wire/openai_responses.hpp"

#include <graphbit/runtime/json_value.hpp>

#include "src/wire/answer_stream.hpp"
#include "src/wire/body_writer.hpp"
#include "src/wire/openai_chat.hpp"
#include "src/wire/reply_reader.hpp"
#include "src/wire/request_check.hpp"
#include "src/wire/tool_arguments.hpp"

namespace graphbit {

namespace {

// ---- requests

std::string_view speaker(chat_role role) {
  if (role == chat_role::system) return "developer";
  return role == chat_role::assistant ? "assistant" : "user";
}

void append_part(std::string& out, const content_part& part, bool assistant) {
  using kind = content_part::kind;
  switch (part.type) {
    case kind::text:
      out += assistant ? R"({"type":"output_text","text":)" : R"({"type":"input_text","text":)";
      append_json_string(out, part.data);
      break;
    case kind::image_url:
    case kind::image_bytes:
      out += R"({"type":"input_image","detail":"auto","image_url":)";
      append_url(out, part);
      break;
    case kind::file_url:
      out += R"({"type":"input_file","file_url":)";
      append_url(out, part);
      break;
    case kind::file_bytes:
      out += R"({"type":"input_file","filename":)";
      append_json_string(out, file_name(part));
      out += ",\"file_data\":";
      append_url(out, part);
      break;
  }
  out += '}';
}

void append_spoken(std::string& out, const chat_message& message) {
  out.append("{\"role\":\"").append(speaker(message.role)).append("\",\"content\":");
  if (message.parts.empty()) {
    append_json_string(out, message.text);
  } else {
    out += '[';
    for (const content_part& part : message.parts) {
      if (&part != &message.parts.front()) out += ',';
      append_part(out, part, message.role == chat_role::assistant);
    }
    out += ']';
  }
  out += '}';
}

void append_call(std::string& out, const tool_call& call) {
  out += R"({"type":"function_call","call_id":)";
  append_json_string(out, call.id);
  out += ",\"name\":";
  append_json_string(out, call.name);
  out += ",\"arguments\":";
  append_json_string(out, call.arguments);
  out += '}';
}

void append_result(std::string& out, const chat_message& message) {
  out += R"({"type":"function_call_output","call_id":)";
  append_json_string(out, message.tool_call_id);
  out += ",\"output\":";
  append_json_string(out, message.text);
  out += '}';
}

/// What is one message elsewhere is several items here: the text, each call, each result.
void append_items(std::string& out, const chat_request& request) {
  const char* comma = "";
  out += '[';
  for (const chat_message& message : request.messages) {
    if (message.role == chat_role::tool) {
      out += std::exchange(comma, ",");
      append_result(out, message);
      continue;
    }
    if (!message.text.empty() || !message.parts.empty() || message.tool_calls.empty()) {
      out += std::exchange(comma, ",");
      append_spoken(out, message);
    }
    for (const tool_call& call : message.tool_calls) {
      out += std::exchange(comma, ",");
      append_call(out, call);
    }
  }
  out += ']';
}

void append_tools(std::string& out, const std::vector<tool_spec>& tools) {
  out += '[';
  for (const tool_spec& tool : tools) {
    if (&tool != &tools.front()) out += ',';
    out += R"({"type":"function","name":)";
    append_json_string(out, tool.name);
    out += ",\"description\":";
    append_json_string(out, tool.description);
    out.append(",\"strict\":false,\"parameters\":").append(tool.parameters).append(1, '}');
  }
  out += ']';
}

void append_tool_choice(std::string& out, const std::string& choice) {
  if (choice.empty() || choice == "auto" || choice == "none" || choice == "required")
    return append_json_string(out, choice.empty() ? "auto" : choice);
  out += R"({"type":"function","name":)";
  append_json_string(out, choice);
  out += '}';
}

void append_options(body_writer& body, std::string& out, const chat_request& request) {
  if (request.max_tokens && body.key("max_output_tokens")) append_number(out, *request.max_tokens);
  if (request.temperature && body.key("temperature")) append_number(out, *request.temperature);
  if (request.top_p && body.key("top_p")) append_number(out, *request.top_p);
  if (!request.tools.empty()) {
    if (body.key("tools")) append_tools(out, request.tools);
    if (body.key("tool_choice")) append_tool_choice(out, request.tool_choice);
  }
  if (!request.response_format.empty() && body.key("text"))
    out.append(R"({"format":{"type":"json_schema","name":"response","schema":)")
        .append(request.response_format)
        .append("}}");
}

// ---- answers

/// A response object, whole or inside the last event of a stream.
struct answer {
  std::string_view id, model, status, incomplete_reason;
  std::vector<std::string_view> texts;
  std::vector<tool_call> calls;
  token_usage usage;
  provider_words words;
  bool has_output = false;
  bool has_error = false;
};

void read_usage(json_reader& reader, token_usage& usage) {
  reader.object([&](std::string_view key) {
    if (key == "input_tokens")
      reader.read(usage.prompt_tokens);
    else if (key == "output_tokens")
      reader.read(usage.completion_tokens);
    else if (key == "total_tokens")
      reader.read(usage.total_tokens);
    else if (key == "input_tokens_details" || key == "output_tokens_details")
      reader.object([&](std::string_view detail) {
        if (detail == "cached_tokens")
          reader.read(usage.cache_read_tokens.emplace());
        else if (detail == "cache_write_tokens")
          reader.read(usage.cache_creation_tokens.emplace());
        else if (detail == "reasoning_tokens")
          reader.read(usage.reasoning_tokens.emplace());
        else
          reader.skip();
      });
    else
      reader.skip();
  });
}

void read_item(json_reader& reader, answer& into) {
  std::string_view type;
  std::vector<std::string_view> texts;
  tool_call call;
  call.arguments.clear();
  reader.object([&](std::string_view key) {
    if (key == "type")
      type = reader.string();
    else if (key == "call_id")
      reader.read(call.id);
    else if (key == "name")
      reader.read(call.name);
    else if (key == "arguments")
      reader.read(call.arguments);
    else if (key == "content")
      reader.array([&] {
        reader.object([&](std::string_view member) {
          if (member == "text" || member == "refusal")
            texts.push_back(reader.string());
          else
            reader.skip();
        });
      });
    else
      reader.skip();
  });
  if (type == "message") into.texts.insert(into.texts.end(), texts.begin(), texts.end());
  if (type != "function_call") return;
  call.arguments = tool_arguments(std::move(call.arguments));
  into.calls.push_back(std::move(call));
}

void read_response(json_reader& reader, answer& into) {
  reader.object([&](std::string_view key) {
    if (key == "id")
      into.id = reader.string();
    else if (key == "model")
      into.model = reader.string();
    else if (key == "status")
      into.status = reader.string();
    else if (key == "usage")
      read_usage(reader, into.usage);
    else if (key == "output") {
      into.has_output = true;
      reader.array([&] { read_item(reader, into); });
    } else if (key == "incomplete_details")
      reader.object([&](std::string_view detail) {
        if (detail == "reason")
          into.incomplete_reason = reader.string();
        else
          reader.skip();
      });
    else if (key == "error" && reader.peek() != json_reader::type::null) {
      into.has_error = true;
      read_words(reader, into.words);
    } else
      reader.skip();
  });
}

finish_reason finish_of(const answer& got, bool has_calls) {
  using kind = finish_reason::kind;
  if (got.incomplete_reason == "max_output_tokens") return {kind::length, {}};
  if (got.incomplete_reason == "content_filter") return {kind::content_filter, {}};
  if (!got.incomplete_reason.empty()) return {kind::other, std::string(got.incomplete_reason)};
  return {has_calls ? kind::tool_calls : kind::stop, {}};
}

/// One event of a stream.
struct stream_event {
  std::string_view type, delta;
  answer item;      // "item": one output item
  answer response;  // "response": the whole
  provider_words words;
};

void read_event(json_reader& reader, stream_event& into) {
  reader.object([&](std::string_view key) {
    if (key == "type")
      into.type = reader.string();
    else if (key == "delta")
      into.delta = reader.string();
    else if (key == "item")
      read_item(reader, into.item);
    else if (key == "response")
      read_response(reader, into.response);
    else if (key == "message")
      reader.read(into.words.message);
    else if (key == "code")
      reader.read(into.words.code);
    else if (key == "error")
      read_words(reader, into.words);
    else
      reader.skip();
  });
}

class responses_stream final : public sse_answer_stream {
 public:
  using sse_answer_stream::sse_answer_stream;

 protected:
  expected<void> take(const sse_event& event, texts& out) override {
    stream_event e;
    const auto sound = understand(event.data, [&](json_reader& reader) { read_event(reader, e); });
    if (!sound) return fail(sound.error());
    if (!*sound) return {};
    if (e.type == "response.output_text.delta" || e.type == "response.refusal.delta")
      deliver(e.delta, out);
    else if (e.type == "response.output_item.done")
      return add_calls(e.item);
    else if (e.type == "response.completed" || e.type == "response.incomplete")
      end(e.response);
    else if (e.type == "response.failed")
      return fail(refusal(e.response.words));
    else if (e.type == "error" || (e.type.empty() && !e.words.empty()))
      return fail(refusal(e.words));
    return {};
  }

 private:
  expected<void> add_calls(const answer& item) {
    for (const tool_call& call : item.calls)
      if (auto ok = add_call_piece(calls_++, call.id, call.name, call.arguments); !ok) return ok;
    return {};
  }

  void end(const answer& got) {
    response().id = got.id;
    response().model = got.model;
    response().usage = got.usage;
    set_finish(finish_of(got, has_calls()));
    set_complete();
  }

  std::uint32_t calls_ = 0;
};

}  // namespace

expected<void> encode_openai_responses(const provider_config& config, std::string_view model,
                                       const chat_request& request, bool stream, std::string& out) {
  if (auto ok = check_request(request); !ok) return ok;
  out.reserve(out.size() + prompt_bytes(request) * 17 / 16 + 512);
  auto body = body_writer::open(out, config, request.extra_body);
  if (!body) return fail(std::move(body.error()));
  if (body->key("model")) append_json_string(out, model);
  if (body->key("input")) append_items(out, request);
  append_options(*body, out, request);
  if (stream && body->key("stream")) out += "true";
  body->close();
  return {};
}

expected<chat_response> decode_openai_responses(const provider_config& config, std::string& body) {
  reply_reader in(config, body);
  json_reader& reader = in.json();
  answer got;
  read_response(reader, got);
  if (auto ok = in.finish(); !ok) return fail(std::move(ok.error()));
  if (got.has_error) return fail(refused_inside(config, got.words));
  if (!got.has_output) return fail(in.lacks("output"));
  chat_response response;
  for (const std::string_view text : got.texts) response.content += text;
  response.id = got.id;
  response.model = got.model;
  response.provider = config.provider;
  response.usage = got.usage;
  response.finish = finish_of(got, !got.calls.empty());
  response.tool_calls = std::move(got.calls);
  return response;
}

std::unique_ptr<stream_decoder> decode_openai_responses_stream(const provider_config& config) {
  return std::make_unique<responses_stream>(config);
}

}  // namespace graphbit
