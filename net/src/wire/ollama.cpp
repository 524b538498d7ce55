#include <graphbit/runtime/chat_role_name.hpp>
#include <graphbit/runtime/json_value.hpp>

#include "src/base64.hpp"
#include "src/wire/answer_stream.hpp"
#include "src/wire/header_block.hpp"
#include "src/wire/json_wire.hpp"
#include "src/wire/openai_chat.hpp"
#include "src/wire/reply_reader.hpp"
#include "src/wire/tool_arguments.hpp"
#include "src/wire/tool_call_name.hpp"
#include "src/wire/wires.hpp"

// Ollama's own API. Source: https://github.com/ollama/ollama/blob/main/docs/api.md, and the types
// of the official Python client.
namespace graphbit {

namespace {

// ---- requests

expected<void> check_parts(const chat_message& message) {
  for (const content_part& part : message.parts) {
    if (part.type == content_part::kind::text || part.type == content_part::kind::image_bytes)
      continue;
    return fail(validation_error("messages", "Ollama takes text and the bytes of images only"));
  }
  return {};
}

std::string text_of(const chat_message& message) {
  std::string text;
  for (const content_part& part : message.parts)
    if (part.type == content_part::kind::text) text += part.data;
  return text;
}

void append_images(std::string& out, const chat_message& message) {
  bool first = true;
  for (const content_part& part : message.parts) {
    if (part.type != content_part::kind::image_bytes) continue;
    out += std::exchange(first, false) ? ",\"images\":[\"" : ",\"";
    append_base64(out, part.data);
    out += '"';
  }
  if (!first) out += ']';
}

void append_tool_calls(std::string& out, const std::vector<tool_call>& calls) {
  out += ",\"tool_calls\":[";
  for (const tool_call& call : calls) {
    if (&call != &calls.front()) out += ',';
    out += R"({"function":{"name":)";
    append_json_string(out, call.name);
    out.append(",\"arguments\":").append(call.arguments).append("}}");
  }
  out += ']';
}

expected<void> append_messages(std::string& out, const chat_request& request) {
  out += '[';
  for (const chat_message& message : request.messages) {
    if (auto ok = check_parts(message); !ok) return ok;
    if (&message != &request.messages.front()) out += ',';
    out.append("{\"role\":\"").append(role_name(message.role)).append("\",\"content\":");
    append_json_string(out, message.parts.empty() ? message.text : text_of(message));
    append_images(out, message);
    if (!message.tool_calls.empty()) append_tool_calls(out, message.tool_calls);
    if (message.role == chat_role::tool) {
      out += ",\"tool_name\":";
      append_json_string(out, tool_call_name(request, message.tool_call_id));
    }
    out += '}';
  }
  out += ']';
  return {};
}

json_value options_of(const chat_request& request) {
  json_value options;
  if (request.max_tokens) options.set("num_predict", std::int64_t{*request.max_tokens});
  if (request.temperature) options.set("temperature", *request.temperature);
  if (request.top_p) options.set("top_p", *request.top_p);
  return options;
}

// ---- answers

/// One object of an answer: the whole of a plain one, or a line of a stream.
struct part {
  std::string_view content, model, done_reason;
  std::vector<tool_call> calls;
  token_usage usage;
  provider_words words;
  bool has_message = false;
  bool has_error = false;
  bool done = false;
};

void read_call(json_reader& reader, tool_call& call) {
  reader.object([&](std::string_view key) {
    if (key == "id") return reader.read(call.id);
    if (key != "function") return reader.skip();
    reader.object([&](std::string_view member) {
      if (member == "name")
        reader.read(call.name);
      else if (member == "arguments")
        call.arguments = tool_arguments(std::string(reader.raw()));
      else
        reader.skip();
    });
  });
}

void read_message(json_reader& reader, part& into) {
  into.has_message = reader.peek() == json_reader::type::object;
  reader.object([&](std::string_view key) {
    if (key == "content")
      into.content = reader.string();
    else if (key == "tool_calls")
      reader.array([&] { read_call(reader, into.calls.emplace_back()); });
    else
      reader.skip();
  });
}

void read_part(json_reader& reader, part& into) {
  reader.object([&](std::string_view key) {
    if (key == "message")
      read_message(reader, into);
    else if (key == "model")
      into.model = reader.string();
    else if (key == "done")
      into.done = reader.boolean();
    else if (key == "done_reason")
      into.done_reason = reader.string();
    else if (key == "prompt_eval_count")
      reader.read(into.usage.prompt_tokens);
    else if (key == "eval_count")
      reader.read(into.usage.completion_tokens);
    else if (key == "error") {
      into.has_error = true;
      read_words(reader, into.words);
    } else
      reader.skip();
  });
  into.usage.total_tokens = into.usage.prompt_tokens + into.usage.completion_tokens;
}

finish_reason finish_of(std::string_view word, bool has_calls) {
  using kind = finish_reason::kind;
  if (word == "length") return {kind::length, {}};
  if (has_calls) return {kind::tool_calls, {}};
  if (word.empty() || word == "stop") return {kind::stop, {}};
  return {kind::other, std::string(word)};
}

/// Ollama gives its calls no ids; answers to them need some.
std::string call_id(const tool_call& call, std::size_t index) {
  return call.id.empty() ? "call_" + std::to_string(index) : call.id;
}

expected<chat_response> decode_message(const provider_config& config, std::string& body) {
  reply_reader in(config, body);
  json_reader& reader = in.json();
  part got;
  read_part(reader, got);
  if (auto ok = in.finish(); !ok) return fail(std::move(ok.error()));
  if (got.has_error) return fail(refused_inside(config, got.words));
  if (!got.has_message) return fail(in.lacks("message"));
  chat_response response;
  response.content = got.content;
  response.model = got.model;
  response.usage = got.usage;
  response.finish = finish_of(got.done_reason, !got.calls.empty());
  response.provider = config.provider;
  response.tool_calls = std::move(got.calls);
  for (std::size_t i = 0; i < response.tool_calls.size(); ++i)
    response.tool_calls[i].id = call_id(response.tool_calls[i], i);
  return response;
}

/// An answer that comes as newline-delimited JSON.
class ollama_stream final : public answer_stream {
 public:
  using answer_stream::answer_stream;

  expected<void> feed(std::string_view bytes, texts& out) override {
    keep_front(bytes);
    parser_.feed(bytes);
    std::string_view line;
    while (!complete()) {
      const auto got = parser_.next(line);
      if (!got) return fail(with_partial_text(got.error()));
      if (!*got) break;
      if (auto taken = take(line, out); !taken) return taken;
    }
    return {};
  }

  expected<chat_response> finish() override {
    texts rest;  // of a last line without a line end
    if (!complete() && !parser_.rest().empty())
      if (auto taken = take(parser_.rest(), rest); !taken) return fail(taken.error());
    return answer_stream::finish();
  }

 private:
  expected<void> take(std::string_view line, texts& out) {
    part got;
    const auto sound = understand(line, [&](json_reader& reader) { read_part(reader, got); });
    if (!sound) return fail(sound.error());
    if (!*sound) return {};
    if (got.has_error) return fail(refusal(got.words));
    if (response().model.empty()) response().model = got.model;
    deliver(got.content, out);
    for (const tool_call& call : got.calls) {
      const std::uint32_t index = calls_++;
      if (auto ok = add_call_piece(index, call_id(call, index), call.name, call.arguments); !ok)
        return ok;
    }
    if (got.done) {
      response().usage = got.usage;
      set_finish(finish_of(got.done_reason, has_calls()));
      set_complete();
    }
    return {};
  }

  ndjson_parser parser_;
  std::uint32_t calls_ = 0;
};

class ollama_wire final : public json_wire {
 public:
  std::string chat_target(const provider_config&, std::string_view, bool) const override {
    return "/api/chat";
  }

  expected<std::string> headers(const provider_config& config) const override {
    header_block block(config);
    // Ollama itself takes no key; hosted ones and proxies before it do.
    if (!config.api_key.empty()) block.add("Authorization", "Bearer " + config.api_key.expose());
    return block.finish();
  }

  expected<chat_response> decode_chat(const provider_config& config,
                                      std::string& body) const override {
    return decode_message(config, body);
  }

  std::unique_ptr<stream_decoder> decode_stream(const provider_config& config) const override {
    return std::make_unique<ollama_stream>(config);
  }

  /// A generation without a prompt loads the model.
  std::optional<side_request> warm_up(const provider_config& config) const override {
    side_request request{"/api/generate", R"({"stream":false,"model":)"};
    append_json_string(request.body, config.model);
    request.body += '}';
    return request;
  }

  /// A model that is not on the server is fetched from Ollama's library.
  std::optional<side_request> remedy(const provider_config& config,
                                     const error& refusal) const override {
    if (refusal.status != 404 || refusal.message.find("not found") == std::string::npos)
      return std::nullopt;
    side_request request{"/api/pull", R"({"stream":false,"model":)"};
    append_json_string(request.body, config.model);
    request.body += ",\"name\":";  // what older servers call it
    append_json_string(request.body, config.model);
    request.body += '}';
    return request;
  }

  std::string embeddings_target(const provider_config&) const override { return "/api/embed"; }

  expected<embedding_response> decode_embeddings(const provider_config& config,
                                                 std::string& body) const override {
    reply_reader in(config, body);
    json_reader& reader = in.json();
    embedding_response response;
    bool sound = true;
    reader.object([&](std::string_view key) {
      if (key == "embeddings")
        reader.array([&] { sound = reader.floats(response.vectors.emplace_back()) && sound; });
      else if (key == "model")
        reader.read(response.model);
      else if (key == "prompt_eval_count")
        reader.read(response.usage.prompt_tokens);
      else
        reader.skip();
    });
    response.usage.total_tokens = response.usage.prompt_tokens;
    if (auto ok = in.finish(); !ok) return fail(std::move(ok.error()));
    if (response.vectors.empty() || !sound) return fail(in.lacks("embeddings"));
    return response;
  }

 protected:
  expected<void> write_chat(body_writer& body, const provider_config& config,
                            const chat_request& request, bool stream,
                            std::string& out) const override {
    if (body.key("model")) append_json_string(out, model_of(config, request));
    if (body.key("messages"))
      if (auto ok = append_messages(out, request); !ok) return ok;
    if (body.key("stream")) out += stream ? "true" : "false";  // left out it means true
    body.nested("options", options_of(request));
    // There is no tool_choice: what can be done for "none" is to offer no tool.
    if (!request.tools.empty() && request.tool_choice != "none" && body.key("tools"))
      append_functions(out, request.tools);
    if (!request.response_format.empty() && body.key("format")) out += request.response_format;
    return {};
  }

  expected<void> write_embeddings(body_writer& body, const provider_config& config,
                                  const embedding_request& request,
                                  std::string& out) const override {
    if (body.key("model")) append_json_string(out, model_of(config, request));
    if (body.key("input")) append_json_strings(out, request.inputs);
    if (request.dimensions && body.key("dimensions")) append_number(out, *request.dimensions);
    return {};
  }
};

}  // namespace

const wire_format& wires::ollama() {
  static const ollama_wire wire;
  return wire;
}

}  // namespace graphbit
