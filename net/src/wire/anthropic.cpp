#include <graphbit/runtime/json_value.hpp>

#include "src/base64.hpp"
#include "src/wire/answer_stream.hpp"
#include "src/wire/header_block.hpp"
#include "src/wire/json_wire.hpp"
#include "src/wire/media_type.hpp"
#include "src/wire/reply_reader.hpp"
#include "src/wire/tool_arguments.hpp"
#include "src/wire/wires.hpp"

// Anthropic's messages API. Source: https://docs.anthropic.com/en/api/messages, and the types of
// the official Python client.
namespace graphbit {

namespace {

constexpr std::uint32_t max_tokens_default = 4096;  // the API wants a limit
constexpr std::string_view cache_mark = R"(,"cache_control":{"type":"ephemeral"})";

// ---- requests

/// Writes the blocks of one message, with a comma between them and the cache mark on the last.
class block_list {
 public:
  explicit block_list(std::string& out) : out_(out) { out_ += '['; }

  /// Opens `{"type":"...",`; the caller writes the members and calls `end`.
  std::string& begin(std::string_view type) {
    if (!std::exchange(first_, false)) out_ += ',';
    return out_.append("{\"type\":\"").append(type).append("\",");
  }
  void end(bool cached = false) { out_.append(cached ? cache_mark : "").append(1, '}'); }
  void close() { out_ += ']'; }

 private:
  std::string& out_;
  bool first_ = true;
};

void append_source(std::string& out, const content_part& part, bool by_url) {
  if (by_url) {
    out += R"("source":{"type":"url","url":)";
    append_json_string(out, part.data);
  } else if (media_type_of(part).starts_with("text/")) {
    out += R"("source":{"type":"text","media_type":"text/plain","data":)";
    append_json_string(out, part.data);
  } else {
    out += R"("source":{"type":"base64","media_type":)";
    append_json_string(out, media_type_of(part));
    out += ",\"data\":\"";
    append_base64(out, part.data);
    out += '"';
  }
  out += '}';
}

void append_part(block_list& blocks, const content_part& part, bool cached) {
  using kind = content_part::kind;
  if (part.type == kind::text) {
    std::string& out = blocks.begin("text");
    out += "\"text\":";
    append_json_string(out, part.data);
  } else {
    const bool image = part.type == kind::image_url || part.type == kind::image_bytes;
    std::string& out = blocks.begin(image ? "image" : "document");
    append_source(out, part, part.type == kind::image_url || part.type == kind::file_url);
    if (!image && !part.name.empty()) {
      out += ",\"title\":";
      append_json_string(out, part.name);
    }
  }
  blocks.end(cached);
}

void append_tool_result(block_list& blocks, const chat_message& message, bool cached) {
  std::string& out = blocks.begin("tool_result");
  out += "\"tool_use_id\":";
  append_json_string(out, message.tool_call_id);
  out += ",\"content\":";
  append_json_string(out, message.text);
  blocks.end(cached);
}

void append_tool_use(block_list& blocks, const tool_call& call) {
  std::string& out = blocks.begin("tool_use");
  out += "\"id\":";
  append_json_string(out, call.id);
  out += ",\"name\":";
  append_json_string(out, call.name);
  out.append(",\"input\":").append(call.arguments);
  blocks.end();
}

void append_blocks(block_list& blocks, const chat_message& message, bool cached) {
  if (message.role == chat_role::tool) return append_tool_result(blocks, message, cached);
  // The API refuses empty text blocks.
  if (message.parts.empty() && !message.text.empty())
    append_part(blocks, {content_part::kind::text, message.text, {}, {}}, cached);
  for (const content_part& part : message.parts)
    append_part(blocks, part, cached && &part == &message.parts.back());
  for (const tool_call& call : message.tool_calls) append_tool_use(blocks, call);
}

bool is_plain(const chat_message& message) {
  return message.role != chat_role::tool && message.parts.empty() && message.tool_calls.empty();
}

/// The results of parallel tool calls must stand together in one user message.
void append_messages(std::string& out, const chat_request& request) {
  std::vector<const chat_message*> spoken;
  for (const chat_message& message : request.messages)
    if (message.role != chat_role::system) spoken.push_back(&message);
  out += '[';
  for (std::size_t i = 0; i < spoken.size(); ++i) {
    if (i > 0) out += ',';
    const bool assistant = spoken[i]->role == chat_role::assistant;
    out += assistant ? R"({"role":"assistant","content":)" : R"({"role":"user","content":)";
    const auto cached = [&] { return request.prompt_caching && i + 1 == spoken.size(); };
    if (is_plain(*spoken[i]) && !cached()) {
      append_json_string(out, spoken[i]->text);
    } else {
      block_list blocks(out);
      append_blocks(blocks, *spoken[i], cached());
      while (spoken[i]->role == chat_role::tool && i + 1 < spoken.size() &&
             spoken[i + 1]->role == chat_role::tool) {
        ++i;
        append_blocks(blocks, *spoken[i], cached());
      }
      blocks.close();
    }
    out += '}';
  }
  out += ']';
}

void append_system(std::string& out, const std::string& text, bool cached) {
  if (!cached) return append_json_string(out, text);
  block_list blocks(out);
  append_part(blocks, {content_part::kind::text, text, {}, {}}, true);
  blocks.close();
}

std::string system_text(const chat_request& request) {
  std::string text;
  for (const chat_message& message : request.messages) {
    if (message.role != chat_role::system || message.text.empty()) continue;
    if (!text.empty()) text += "\n\n";
    text += message.text;
  }
  return text;
}

void append_tools(std::string& out, const std::vector<tool_spec>& tools) {
  out += '[';
  for (const tool_spec& tool : tools) {
    if (&tool != &tools.front()) out += ',';
    out += "{\"name\":";
    append_json_string(out, tool.name);
    out += ",\"description\":";
    append_json_string(out, tool.description);
    out.append(",\"input_schema\":").append(tool.parameters).append("}");
  }
  out += ']';
}

void append_tool_choice(std::string& out, const std::string& choice) {
  if (choice.empty() || choice == "auto")
    out += R"({"type":"auto"})";
  else if (choice == "none")
    out += R"({"type":"none"})";
  else if (choice == "required")
    out += R"({"type":"any"})";
  else {
    out += R"({"type":"tool","name":)";
    append_json_string(out, choice);
    out += '}';
  }
}

void append_options(body_writer& body, std::string& out, const chat_request& request) {
  if (request.temperature && body.key("temperature")) append_number(out, *request.temperature);
  if (request.top_p && body.key("top_p")) append_number(out, *request.top_p);
  if (!request.tools.empty()) {
    if (body.key("tools")) append_tools(out, request.tools);
    if (body.key("tool_choice")) append_tool_choice(out, request.tool_choice);
  }
  if (!request.response_format.empty() && body.key("output_config"))
    out.append(R"({"format":{"type":"json_schema","schema":)")
        .append(request.response_format)
        .append("}}");
}

// ---- answers

void read_usage(json_reader& reader, token_usage& usage) {
  std::uint32_t cache_read = usage.cache_read_tokens.value_or(0);
  std::uint32_t cache_creation = usage.cache_creation_tokens.value_or(0);
  // Fresh input only; ours counts the cached tokens too, as the other providers do.
  std::uint32_t input =
      usage.prompt_tokens - std::min(usage.prompt_tokens, cache_read + cache_creation);
  const auto read_present = [&](std::uint32_t& count, std::optional<std::uint32_t>& out) {
    if (reader.peek() != json_reader::type::number) return reader.skip();
    reader.read(count);
    out = count;
  };
  reader.object([&](std::string_view key) {
    if (key == "input_tokens")
      reader.read(input);
    else if (key == "output_tokens")
      reader.read(usage.completion_tokens);
    else if (key == "cache_read_input_tokens")
      read_present(cache_read, usage.cache_read_tokens);
    else if (key == "cache_creation_input_tokens")
      read_present(cache_creation, usage.cache_creation_tokens);
    else if (key == "output_tokens_details")
      reader.object([&](std::string_view detail) {
        std::uint32_t thinking = 0;
        if (detail == "thinking_tokens")
          read_present(thinking, usage.reasoning_tokens);
        else
          reader.skip();
      });
    else
      reader.skip();
  });
  usage.prompt_tokens = input + cache_read + cache_creation;
  usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
}

finish_reason finish_from(std::string_view word) {
  using kind = finish_reason::kind;
  if (word.empty() || word == "end_turn" || word == "stop_sequence") return {kind::stop, {}};
  if (word == "max_tokens" || word == "model_context_window_exceeded") return {kind::length, {}};
  if (word == "refusal") return {kind::content_filter, {}};
  return {kind::other, std::string(word)};  // tool_use, pause_turn
}

/// One content block, or the start of one.
struct block {
  std::string_view type, text, id, name, input;
};

void read_block(json_reader& reader, block& into) {
  reader.object([&](std::string_view key) {
    if (key == "type")
      into.type = reader.string();
    else if (key == "text")
      into.text = reader.string();
    else if (key == "id")
      into.id = reader.string();
    else if (key == "name")
      into.name = reader.string();
    else if (key == "input")
      into.input = reader.raw();
    else
      reader.skip();
  });
}

void add_block(const block& b, chat_response& response) {
  if (b.type == "tool_use") {
    response.tool_calls.push_back(
        {std::string(b.id), std::string(b.name), tool_arguments(std::string(b.input))});
  } else if (b.type == "text") {
    if (!response.content.empty()) response.content += '\n';
    response.content += b.text;
  }
}

expected<chat_response> decode_message(const provider_config& config, std::string& body) {
  reply_reader in(config, body);
  json_reader& reader = in.json();
  chat_response response;
  provider_words words;
  bool has_content = false, has_error = false;
  reader.object([&](std::string_view key) {
    if (key == "content") {
      has_content = reader.peek() == json_reader::type::array;
      reader.array([&] {
        block b;
        read_block(reader, b);
        add_block(b, response);
      });
    } else if (key == "error") {
      has_error = true;
      read_words(reader, words);
    } else if (key == "id")
      reader.read(response.id);
    else if (key == "model")
      reader.read(response.model);
    else if (key == "stop_reason")
      response.finish = finish_from(reader.string());
    else if (key == "usage")
      read_usage(reader, response.usage);
    else
      reader.skip();
  });
  if (auto ok = in.finish(); !ok) return fail(std::move(ok.error()));
  if (has_error) return fail(refused_inside(config, words));
  if (!has_content) return fail(in.lacks("content"));
  response.provider = config.provider;
  return response;
}

// ---- streams

/// One event of a stream; views into the event's text.
struct stream_event {
  std::string_view type, id, model, stop_reason, text, partial_json;
  std::uint32_t index = 0;
  block start;
  std::optional<token_usage> usage;
  provider_words words;
};

void read_usage_into(json_reader& reader, stream_event& into, const token_usage& so_far) {
  into.usage = so_far;
  read_usage(reader, *into.usage);
}

void read_event(json_reader& reader, stream_event& into, const token_usage& so_far) {
  reader.object([&](std::string_view key) {
    if (key == "type")
      into.type = reader.string();
    else if (key == "index")
      reader.read(into.index);
    else if (key == "content_block")
      read_block(reader, into.start);
    else if (key == "usage")
      read_usage_into(reader, into, so_far);
    else if (key == "error")
      read_words(reader, into.words);
    else if (key == "delta")
      reader.object([&](std::string_view member) {
        if (member == "text")
          into.text = reader.string();
        else if (member == "partial_json")
          into.partial_json = reader.string();
        else if (member == "stop_reason")
          into.stop_reason = reader.string();
        else
          reader.skip();
      });
    else if (key == "message")
      reader.object([&](std::string_view member) {
        if (member == "id")
          into.id = reader.string();
        else if (member == "model")
          into.model = reader.string();
        else if (member == "usage")
          read_usage_into(reader, into, so_far);
        else
          reader.skip();
      });
    else
      reader.skip();
  });
}

class anthropic_stream final : public sse_answer_stream {
 public:
  using sse_answer_stream::sse_answer_stream;

 protected:
  expected<void> take(const sse_event& event, texts& out) override {
    stream_event e;
    const auto sound = understand(
        event.data, [&](json_reader& reader) { read_event(reader, e, response().usage); });
    if (!sound) return fail(sound.error());
    if (!*sound) return {};
    if (e.usage) response().usage = *e.usage;
    if (e.type == "error") return fail(refusal(e.words));
    if (e.type == "message_start") {
      response().id = e.id;
      response().model = e.model;
    } else if (e.type == "content_block_start") {
      return start_block(e, out);
    } else if (e.type == "content_block_delta") {
      deliver(e.text, out);
      if (!e.partial_json.empty()) return add_call_piece(e.index, {}, {}, e.partial_json);
    } else if (e.type == "message_delta") {
      if (!e.stop_reason.empty()) set_finish(finish_from(e.stop_reason));
    } else if (e.type == "message_stop") {
      set_complete();
    }
    return {};
  }

 private:
  expected<void> start_block(const stream_event& e, texts& out) {
    if (e.start.type == "tool_use") return add_call_piece(e.index, e.start.id, e.start.name, {});
    if (e.start.type == "text") {
      if (!response().content.empty()) deliver("\n", out);  // blocks are joined by a line break
      deliver(e.start.text, out);
    }
    return {};
  }
};

class anthropic_wire final : public json_wire {
 public:
  std::string chat_target(const provider_config&, std::string_view, bool) const override {
    return "/messages";
  }

  expected<std::string> headers(const provider_config& config) const override {
    return header_block(config)
        .add("x-api-key", config.api_key.expose())
        .add("anthropic-version", "2023-06-01")
        .finish();
  }

  std::string call_headers(const provider_config& config, const chat_request& request,
                           bool) const override {
    // Proxies and older gateways still ask for it; Anthropic itself does not any more.
    if (!request.prompt_caching || header_block::is_extra(config, "anthropic-beta")) return {};
    return "anthropic-beta: prompt-caching-2024-07-31\r\n";
  }

  expected<chat_response> decode_chat(const provider_config& config,
                                      std::string& body) const override {
    return decode_message(config, body);
  }

  std::unique_ptr<stream_decoder> decode_stream(const provider_config& config) const override {
    return std::make_unique<anthropic_stream>(config);
  }

 protected:
  expected<void> write_chat(body_writer& body, const provider_config& config,
                            const chat_request& request, bool stream,
                            std::string& out) const override {
    if (body.key("model")) append_json_string(out, model_of(config, request));
    if (body.key("max_tokens")) append_number(out, request.max_tokens.value_or(max_tokens_default));
    const std::string system = system_text(request);
    if (!system.empty() && body.key("system")) append_system(out, system, request.prompt_caching);
    if (body.key("messages")) append_messages(out, request);
    append_options(body, out, request);
    if (stream && body.key("stream")) out += "true";
    return {};
  }
};

}  // namespace

const wire_format& wires::anthropic() {
  static const anthropic_wire wire;
  return wire;
}

}  // namespace graphbit
