#include <graphbit/runtime/json_value.hpp>

#include "src/base64.hpp"
#include "src/wire/answer_stream.hpp"
#include "src/wire/header_block.hpp"
#include "src/wire/json_wire.hpp"
#include "src/wire/media_type.hpp"
#include "src/wire/reply_reader.hpp"
#include "src/wire/tool_arguments.hpp"
#include "src/wire/tool_call_name.hpp"
#include "src/wire/wires.hpp"

// Google's generateContent. Source: https://ai.google.dev/api/generate-content, and the types of
// the official Python client.
namespace graphbit {

namespace {

// Gemini wants the signature of a thought back with the call that came of it. It travels in the
// id of our tool call, behind a mark that neither ids nor base64 hold.
constexpr char signature_mark = '~';

std::string_view signature_of(std::string_view id) {
  const auto mark = id.find(signature_mark);
  return mark == std::string_view::npos ? std::string_view{} : id.substr(mark + 1);
}

// ---- requests

void append_part(std::string& out, const content_part& part) {
  using kind = content_part::kind;
  if (part.type == kind::text) {
    out += "{\"text\":";
    append_json_string(out, part.data);
    out += '}';
    return;
  }
  const bool by_url = part.type == kind::image_url || part.type == kind::file_url;
  out += by_url ? R"({"fileData":{)" : R"({"inlineData":{)";
  if (const auto media_type = media_type_of(part); !media_type.empty()) {
    out += "\"mimeType\":";
    append_json_string(out, media_type);
    out += ',';
  }
  if (by_url) {
    out += "\"fileUri\":";
    append_json_string(out, part.data);
  } else {
    out += "\"data\":\"";
    append_base64(out, part.data);
    out += '"';
  }
  out += "}}";
}

void append_call(std::string& out, const tool_call& call) {
  out += R"({"functionCall":{"name":)";
  append_json_string(out, call.name);
  out.append(",\"args\":").append(call.arguments).append(1, '}');
  if (const auto signature = signature_of(call.id); !signature.empty()) {
    out += ",\"thoughtSignature\":";
    append_json_string(out, signature);
  }
  out += '}';
}

void append_result(std::string& out, const chat_request& request, const chat_message& message) {
  out += R"({"functionResponse":{"name":)";
  append_json_string(out, tool_call_name(request, message.tool_call_id));
  out += ",\"response\":";
  if (is_json(message.text, json_reader::type::object)) {
    out += message.text;
  } else {
    out += "{\"result\":";
    append_json_string(out, message.text);
    out += '}';
  }
  out += "}}";
}

void append_parts(std::string& out, const chat_request& request, const chat_message& message) {
  if (message.role == chat_role::tool) return append_result(out, request, message);
  const char* comma = "";
  if (message.parts.empty() && (!message.text.empty() || message.tool_calls.empty())) {
    append_part(out, {content_part::kind::text, message.text, {}, {}});
    comma = ",";
  }
  for (const content_part& part : message.parts) {
    out += std::exchange(comma, ",");
    append_part(out, part);
  }
  for (const tool_call& call : message.tool_calls) {
    out += std::exchange(comma, ",");
    append_call(out, call);
  }
}

/// The results of parallel tool calls must stand together in one turn.
void append_contents(std::string& out, const chat_request& request) {
  const auto& messages = request.messages;
  const char* comma = "";
  out += '[';
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].role == chat_role::system) continue;
    out.append(std::exchange(comma, ","))
        .append(messages[i].role == chat_role::assistant ? R"({"role":"model","parts":[)"
                                                         : R"({"role":"user","parts":[)");
    append_parts(out, request, messages[i]);
    while (messages[i].role == chat_role::tool && i + 1 < messages.size() &&
           messages[i + 1].role == chat_role::tool) {
      out += ',';
      append_parts(out, request, messages[++i]);
    }
    out += "]}";
  }
  out += ']';
}

void append_system(std::string& out, const chat_request& request) {
  const char* comma = "";
  out += "{\"parts\":[";
  for (const chat_message& message : request.messages) {
    if (message.role != chat_role::system) continue;
    out += std::exchange(comma, ",");
    append_part(out, {content_part::kind::text, message.text, {}, {}});
  }
  out += "]}";
}

bool has_system(const chat_request& request) {
  for (const chat_message& message : request.messages)
    if (message.role == chat_role::system) return true;
  return false;
}

json_value generation_config(const chat_request& request) {
  json_value config;
  if (request.max_tokens) config.set("maxOutputTokens", std::int64_t{*request.max_tokens});
  if (request.temperature) config.set("temperature", *request.temperature);
  if (request.top_p) config.set("topP", *request.top_p);
  if (!request.response_format.empty()) {
    config.set("responseMimeType", "application/json");
    if (auto schema = parse_json(request.response_format))
      config.set("responseJsonSchema", std::move(*schema));
  }
  return config;
}

void append_tools(std::string& out, const std::vector<tool_spec>& tools) {
  out += R"([{"functionDeclarations":[)";
  for (const tool_spec& tool : tools) {
    if (&tool != &tools.front()) out += ',';
    out += "{\"name\":";
    append_json_string(out, tool.name);
    out += ",\"description\":";
    append_json_string(out, tool.description);
    out.append(",\"parametersJsonSchema\":").append(tool.parameters).append(1, '}');
  }
  out += "]}]";
}

void append_tool_choice(std::string& out, const std::string& choice) {
  out += R"({"functionCallingConfig":{"mode":)";
  if (choice.empty() || choice == "auto")
    out += "\"AUTO\"";
  else if (choice == "none")
    out += "\"NONE\"";
  else if (choice == "required")
    out += "\"ANY\"";
  else {
    out += R"("ANY","allowedFunctionNames":[)";
    append_json_string(out, choice);
    out += ']';
  }
  out += "}}";
}

// ---- answers

/// One GenerateContentResponse: the whole of a plain answer, or one event of a stream.
struct answer {
  std::vector<std::string_view> texts;
  std::vector<tool_call> calls;
  std::string_view id, model, finish, blocked;
  std::optional<token_usage> usage;
  provider_words words;
  bool has_candidate = false;
  bool has_error = false;
};

void read_call(json_reader& reader, tool_call& call) {
  reader.object([&](std::string_view key) {
    if (key == "name")
      reader.read(call.name);
    else if (key == "id")
      reader.read(call.id);
    else if (key == "args")
      call.arguments = tool_arguments(std::string(reader.raw()));
    else
      reader.skip();
  });
}

void read_part(json_reader& reader, answer& into) {
  std::string_view text, signature;
  std::optional<tool_call> call;
  bool thought = false;
  reader.object([&](std::string_view key) {
    if (key == "text")
      text = reader.string();
    else if (key == "thought")
      thought = reader.boolean();
    else if (key == "thoughtSignature")
      signature = reader.string();
    else if (key == "functionCall")
      read_call(reader, call.emplace());
    else
      reader.skip();
  });
  if (call) {
    if (!signature.empty()) call->id.append(1, signature_mark).append(signature);
    into.calls.push_back(std::move(*call));
  } else if (!thought && !text.empty()) {
    into.texts.push_back(text);
  }
}

void read_candidate(json_reader& reader, answer& into) {
  if (std::exchange(into.has_candidate, true)) return reader.skip();
  reader.object([&](std::string_view key) {
    if (key == "finishReason")
      into.finish = reader.string();
    else if (key == "content")
      reader.object([&](std::string_view member) {
        if (member == "parts")
          reader.array([&] { read_part(reader, into); });
        else
          reader.skip();
      });
    else
      reader.skip();
  });
}

void read_usage(json_reader& reader, token_usage& usage) {
  std::uint32_t answered = 0, thought = 0, from_tools = 0;
  reader.object([&](std::string_view key) {
    if (key == "promptTokenCount")
      reader.read(usage.prompt_tokens);
    else if (key == "toolUsePromptTokenCount")
      reader.read(from_tools);
    else if (key == "candidatesTokenCount")
      reader.read(answered);
    else if (key == "totalTokenCount")
      reader.read(usage.total_tokens);
    else if (key == "cachedContentTokenCount")
      reader.read(usage.cache_read_tokens.emplace());
    else if (key == "thoughtsTokenCount") {
      reader.read(thought);
      usage.reasoning_tokens = thought;
    } else
      reader.skip();
  });
  usage.prompt_tokens += from_tools;
  usage.completion_tokens = answered + thought;
  if (usage.total_tokens == 0) usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
}

void read_answer(json_reader& reader, answer& into) {
  reader.object([&](std::string_view key) {
    if (key == "candidates")
      reader.array([&] { read_candidate(reader, into); });
    else if (key == "usageMetadata")
      read_usage(reader, into.usage.emplace());
    else if (key == "modelVersion")
      into.model = reader.string();
    else if (key == "responseId")
      into.id = reader.string();
    else if (key == "promptFeedback")
      reader.object([&](std::string_view member) {
        if (member == "blockReason")
          into.blocked = reader.string();
        else
          reader.skip();
      });
    else if (key == "error") {
      into.has_error = true;
      read_words(reader, into.words);
    } else
      reader.skip();
  });
}

finish_reason finish_from(std::string_view word, bool has_calls) {
  using kind = finish_reason::kind;
  constexpr std::string_view filtered[] = {
      "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"};
  for (const std::string_view reason : filtered)
    if (word == reason) return {kind::content_filter, {}};
  if (word == "MAX_TOKENS") return {kind::length, {}};
  if (has_calls) return {kind::tool_calls, {}};
  if (word.empty() || word == "STOP" || word == "FINISH_REASON_UNSPECIFIED")
    return {kind::stop, {}};
  return {kind::other, std::string(word)};
}

/// Gemini gives its calls no ids, or only a signature; answers to them need some.
std::string call_id(const tool_call& call, std::size_t index) {
  const bool named = !call.id.empty() && call.id.front() != signature_mark;
  return named ? call.id : "call_" + std::to_string(index) + call.id;
}

expected<chat_response> decode_answer(const provider_config& config, std::string& body) {
  reply_reader in(config, body);
  json_reader& reader = in.json();
  answer got;
  read_answer(reader, got);
  if (auto ok = in.finish(); !ok) return fail(std::move(ok.error()));
  if (got.has_error) return fail(refused_inside(config, got.words));
  if (!got.has_candidate && got.blocked.empty()) return fail(in.lacks("candidates"));
  chat_response response;
  for (const std::string_view text : got.texts) response.content += text;
  response.id = got.id;
  response.model = got.model;
  response.provider = config.provider;
  response.usage = got.usage.value_or(token_usage{});
  response.finish = got.has_candidate ? finish_from(got.finish, !got.calls.empty())
                                      : finish_reason{finish_reason::kind::content_filter, {}};
  response.tool_calls = std::move(got.calls);
  for (std::size_t i = 0; i < response.tool_calls.size(); ++i)
    response.tool_calls[i].id = call_id(response.tool_calls[i], i);
  return response;
}

class gemini_stream final : public sse_answer_stream {
 public:
  using sse_answer_stream::sse_answer_stream;

 protected:
  expected<void> take(const sse_event& event, texts& out) override {
    answer got;
    const auto sound =
        understand(event.data, [&](json_reader& reader) { read_answer(reader, got); });
    if (!sound) return fail(sound.error());
    if (!*sound) return {};
    if (got.has_error) return fail(refusal(got.words));
    if (response().id.empty()) response().id = got.id;
    if (response().model.empty()) response().model = got.model;
    if (got.usage) response().usage = *got.usage;
    for (const std::string_view text : got.texts) deliver(text, out);
    for (const tool_call& call : got.calls) {
      const std::uint32_t index = calls_++;
      if (auto ok = add_call_piece(index, call_id(call, index), call.name, call.arguments); !ok)
        return ok;
    }
    // Nothing says that no event follows: older models send a reason with each.
    if (!got.finish.empty()) set_finish(finish_from(got.finish, has_calls()));
    if (!got.blocked.empty()) set_finish({finish_reason::kind::content_filter, {}});
    return {};
  }

 private:
  std::uint32_t calls_ = 0;
};

class gemini_wire final : public json_wire {
 public:
  std::string chat_target(const provider_config&, std::string_view model,
                          bool stream) const override {
    return "/models/" + std::string(model) +
           (stream ? ":streamGenerateContent?alt=sse" : ":generateContent");
  }

  expected<std::string> headers(const provider_config& config) const override {
    return header_block(config).add("x-goog-api-key", config.api_key.expose()).finish();
  }

  expected<chat_response> decode_chat(const provider_config& config,
                                      std::string& body) const override {
    return decode_answer(config, body);
  }

  std::unique_ptr<stream_decoder> decode_stream(const provider_config& config) const override {
    return std::make_unique<gemini_stream>(config);
  }

  std::string embeddings_target(const provider_config& config) const override {
    return "/models/" + config.model + ":batchEmbedContents";
  }

  expected<embedding_response> decode_embeddings(const provider_config& config,
                                                 std::string& body) const override {
    reply_reader in(config, body);
    json_reader& reader = in.json();
    embedding_response response;
    bool sound = true;
    const auto read_vector = [&] {
      bool found = false;
      reader.object([&](std::string_view key) {
        if (key == "values")
          found = reader.floats(response.vectors.emplace_back());
        else
          reader.skip();
      });
      sound = sound && found;
    };
    reader.object([&](std::string_view key) {
      if (key == "embeddings")
        reader.array(read_vector);
      else
        reader.skip();
    });
    if (auto ok = in.finish(); !ok) return fail(std::move(ok.error()));
    if (response.vectors.empty() || !sound) return fail(in.lacks("embeddings"));
    response.model = config.model;
    return response;
  }

 protected:
  expected<void> write_chat(body_writer& body, const provider_config&, const chat_request& request,
                            bool, std::string& out) const override {
    if (has_system(request) && body.key("systemInstruction")) append_system(out, request);
    if (body.key("contents")) append_contents(out, request);
    body.nested("generationConfig", generation_config(request));
    if (request.tools.empty()) return {};
    if (body.key("tools")) append_tools(out, request.tools);
    if (body.key("toolConfig")) append_tool_choice(out, request.tool_choice);
    return {};
  }

  expected<void> write_embeddings(body_writer& body, const provider_config& config,
                                  const embedding_request& request,
                                  std::string& out) const override {
    if (!body.key("requests")) return {};
    out += '[';
    for (const std::string& input : request.inputs) {
      if (&input != &request.inputs.front()) out += ',';
      out += "{\"model\":";
      append_json_string(out, "models/" + model_of(config, request));
      out += R"(,"content":{"parts":[{"text":)";
      append_json_string(out, input);
      out += "}]}";
      if (request.dimensions) {
        out += ",\"outputDimensionality\":";
        append_number(out, *request.dimensions);
      }
      out += '}';
    }
    out += ']';
    return {};
  }
};

}  // namespace

const wire_format& wires::gemini() {
  static const gemini_wire wire;
  return wire;
}

}  // namespace graphbit
