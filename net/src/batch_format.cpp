#include <graphbit/net/batch_format.hpp>

#include <array>
#include <cstdio>
#include <limits>
#include <optional>

#include "src/base64.hpp"

namespace graphbit {

namespace {

[[nodiscard]] error bad_line(const std::string& why) { return validation_error("line", why); }

[[nodiscard]] std::optional<std::uint32_t> as_count(const json_value& v) {
  if (!v.is_int() || v.as_int() < 0 || v.as_int() > std::numeric_limits<std::uint32_t>::max())
    return std::nullopt;
  return static_cast<std::uint32_t>(v.as_int());
}

// --- requests -----------------------------------------------------------------------------------

[[nodiscard]] std::optional<chat_role> role_from(std::string_view name) {
  if (name == "system" || name == "developer") return chat_role::system;
  if (name == "user") return chat_role::user;
  if (name == "assistant") return chat_role::assistant;
  if (name == "tool") return chat_role::tool;
  return std::nullopt;
}

/// The bytes behind `data:image/png;base64,...`, put into `part`. Other URLs are left alone.
[[nodiscard]] expected<void> take_data_url(content_part& part, content_part::kind bytes) {
  const std::string_view url = part.data;
  if (!url.starts_with("data:")) return {};
  constexpr std::string_view mark = ";base64,";
  const auto at = url.find(mark);
  auto decoded =
      at == std::string_view::npos ? std::nullopt : decode_base64(url.substr(at + mark.size()));
  if (!decoded) return fail(bad_line("body.messages: a data URL must be 'data:TYPE;base64,DATA'"));
  part.media_type = url.substr(5, at - 5);
  part.type = bytes;
  part.data = std::move(*decoded);
  return {};
}

[[nodiscard]] expected<chat_message> message_from(const json_value& v) {
  chat_message m;
  const auto role = role_from(v.string_or("role"));
  if (!role)
    return fail(bad_line("body.messages: role must be system, developer, user, assistant or tool"));
  m.role = *role;
  if (const auto* content = v.find("content")) {
    if (content->is_string()) {
      m.text = content->as_string();
    } else if (content->is_array()) {
      for (const auto& item : content->as_array()) {
        auto part = content_part_from(item);
        if (!part) return fail(part.error());
        m.parts.push_back(std::move(*part));
      }
    } else if (!content->is_null()) {
      return fail(bad_line("body.messages: content must be a text or a list of parts"));
    }
  }
  m.tool_call_id = v.string_or("tool_call_id");
  if (const auto* calls = v.find("tool_calls"); calls != nullptr && calls->is_array())
    for (const auto& call : calls->as_array())
      if (const auto* function = call.find("function"))
        m.tool_calls.push_back({call.string_or("id"), function->string_or("name"),
                                function->string_or("arguments", "{}")});
  return m;
}

[[nodiscard]] expected<std::vector<tool_spec>> tools_from(const json_value& v) {
  std::vector<tool_spec> tools;
  if (!v.is_array()) return fail(bad_line("body.tools must be a list"));
  for (const auto& item : v.as_array()) {
    const auto* function = item.find("function");
    if (function == nullptr || function->string_or("name").empty())
      return fail(bad_line("body.tools: each tool needs a function with a name"));
    tool_spec spec{function->string_or("name"), function->string_or("description")};
    if (const auto* parameters = function->find("parameters"))
      spec.parameters = to_json(*parameters);
    tools.push_back(std::move(spec));
  }
  return tools;
}

// Takes a member if it is one the library has a place for; the others travel as they are.
[[nodiscard]] expected<bool> take_member(chat_request& r, const std::string& name,
                                         const json_value& v) {
  if (name == "model" && v.is_string()) return r.model = v.as_string(), true;
  if (name == "temperature" && v.is_number()) return r.temperature = v.as_double(), true;
  if (name == "top_p" && v.is_number()) return r.top_p = v.as_double(), true;
  if (name == "max_tokens" || name == "max_completion_tokens") {
    if (v.is_null()) return true;
    r.max_tokens = as_count(v);
    if (!r.max_tokens) return fail(bad_line("body." + name + " must be a whole number"));
    return true;
  }
  if (name == "stream") {
    if (v.is_bool() && v.as_bool()) return fail(bad_line("body.stream: a batch cannot stream"));
    return true;
  }
  if (name == "tools") {
    auto tools = tools_from(v);
    if (!tools) return fail(tools.error());
    r.tools = std::move(*tools);
    return true;
  }
  if (name == "tool_choice" && v.is_string()) return r.tool_choice = v.as_string(), true;
  return false;
}

[[nodiscard]] expected<embedding_request> embedding_request_from(const json_value& body) {
  embedding_request r;
  const auto* input = body.find("input");
  if (input != nullptr && input->is_string()) {
    r.inputs.push_back(input->as_string());
  } else if (input != nullptr && input->is_array() && !input->as_array().empty()) {
    for (const auto& text : input->as_array()) {
      if (!text.is_string()) return fail(bad_line("body.input must hold texts"));
      r.inputs.push_back(text.as_string());
    }
  } else {
    return fail(bad_line("body.input must be a text or a list of texts"));
  }
  r.model = body.string_or("model");
  if (const auto* dimensions = body.find("dimensions")) r.dimensions = as_count(*dimensions);
  return r;
}

// --- results ------------------------------------------------------------------------------------

void append_member(std::string& out, std::string_view name, std::string_view text) {
  append_json_string(out, name);
  out.push_back(':');
  append_json_string(out, text);
}

void begin_line(std::string& out, std::string_view id, std::string_view custom_id) {
  out.push_back('{');
  append_member(out, "id", id);
  out.push_back(',');
  append_member(out, "custom_id", custom_id);
  out.push_back(',');
}

void begin_response(std::string& out, int status, std::string_view request_id) {
  out += R"("response":{"status_code":)" + std::to_string(status) + ',';
  append_member(out, "request_id", request_id);
  out += R"(,"body":)";
}

void append_tool_calls(std::string& out, const std::vector<tool_call>& calls) {
  out += R"(,"tool_calls":[)";
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (i > 0) out.push_back(',');
    out.push_back('{');
    append_member(out, "id", calls[i].id);
    out += R"(,"type":"function","function":{)";
    append_member(out, "name", calls[i].name);
    out.push_back(',');
    append_member(out, "arguments", calls[i].arguments);
    out += "}}";
  }
  out.push_back(']');
}

void append_usage(std::string& out, const token_usage& usage, bool with_completion) {
  out += R"("usage":{"prompt_tokens":)" + std::to_string(usage.prompt_tokens);
  if (with_completion) out += R"(,"completion_tokens":)" + std::to_string(usage.completion_tokens);
  out += R"(,"total_tokens":)" + std::to_string(usage.total_tokens) + '}';
}

void append_vector(std::string& out, const std::vector<float>& vector) {
  std::array<char, 32> text{};
  out.push_back('[');
  for (std::size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) out.push_back(',');
    // 9 digits bring back every single-precision number exactly.
    const int n = std::snprintf(text.data(), text.size(), "%.9g", static_cast<double>(vector[i]));
    out.append(text.data(), static_cast<std::size_t>(n));
  }
  out.push_back(']');
}

[[nodiscard]] std::string snake_case(std::string_view kind) {
  std::string out;
  for (const char c : kind) {
    if (c >= 'A' && c <= 'Z') {
      if (!out.empty()) out.push_back('_');
      out.push_back(static_cast<char>(c - 'A' + 'a'));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace

expected<content_part> content_part_from(const json_value& v) {
  using kind = content_part::kind;
  const auto type = v.string_or("type");
  if (type == "text") return content_part{kind::text, v.string_or("text"), {}, {}};
  content_part part;
  const auto* image = type == "image_url" ? v.find("image_url") : nullptr;
  const auto* file = type == "file" ? v.find("file") : nullptr;
  if (image != nullptr) {
    part = {
        kind::image_url, image->is_string() ? image->as_string() : image->string_or("url"), {}, {}};
  } else if (file != nullptr) {
    part = {kind::file_url, file->string_or("file_data"), {}, file->string_or("filename")};
  } else {
    return fail(bad_line("body.messages: a content part of type '" + type + "' is not supported"));
  }
  if (part.data.empty())
    return fail(bad_line("body.messages: a content part of type '" + type + "' needs " +
                         (image != nullptr ? "image_url.url" : "file.file_data")));
  if (auto ok = take_data_url(part, image != nullptr ? kind::image_bytes : kind::file_bytes); !ok)
    return fail(ok.error());
  return part;
}

expected<chat_request> chat_request_from(const json_value& body) {
  chat_request r;
  const auto* messages = body.find("messages");
  if (messages == nullptr || !messages->is_array() || messages->as_array().empty())
    return fail(bad_line("body.messages must be a list with at least one message"));
  for (const auto& item : messages->as_array()) {
    auto m = message_from(item);
    if (!m) return fail(m.error());
    r.messages.push_back(std::move(*m));
  }
  json_value::object rest;
  for (const auto& [name, value] : body.as_object()) {
    if (name == "messages") continue;
    const auto taken = take_member(r, name, value);
    if (!taken) return fail(taken.error());
    if (!*taken) rest.emplace_back(name, value);
  }
  if (!rest.empty()) r.extra_body = to_json(json_value(std::move(rest)));
  return r;
}

expected<batch_line> parse_batch_line(std::string_view line) {
  if (line.size() > limits::prompt_bytes_max)
    return fail(resource_error("line_bytes",
                               "the line has " + std::to_string(line.size()) + " bytes; at most " +
                                   std::to_string(limits::prompt_bytes_max) + " are taken"));
  auto parsed = parse_json(line);
  if (!parsed) return fail(bad_line("no valid JSON: " + parsed.error().message));
  if (!parsed->is_object()) return fail(bad_line("a line must be a JSON object"));
  batch_line out;
  out.custom_id = parsed->string_or("custom_id");
  if (out.custom_id.empty()) return fail(bad_line("custom_id is missing"));
  if (const auto method = parsed->string_or("method", "POST"); method != "POST")
    return fail(bad_line("method must be POST, not '" + method + "'"));
  const auto* body = parsed->find("body");
  if (body == nullptr || !body->is_object()) return fail(bad_line("body is missing"));
  const auto url = parsed->string_or("url");
  if (url == "/v1/chat/completions") {
    auto request = chat_request_from(*body);
    if (!request) return fail(request.error());
    out.request = std::move(*request);
  } else if (url == "/v1/embeddings") {
    auto request = embedding_request_from(*body);
    if (!request) return fail(request.error());
    out.request = std::move(*request);
  } else {
    return fail(
        bad_line("url '" + url + "' is not supported; use /v1/chat/completions or /v1/embeddings"));
  }
  return out;
}

std::string custom_id_of(std::string_view line) {
  const auto parsed = parse_json(line);
  return parsed ? parsed->string_or("custom_id") : std::string();
}

std::string format_batch_result(std::string_view id, std::string_view custom_id,
                                const chat_response& response) {
  std::string out;
  out.reserve(response.content.size() + 384);
  begin_line(out, id, custom_id);
  begin_response(out, 200, response.request_id);
  out.push_back('{');
  append_member(out, "id", response.id);
  out += R"(,"object":"chat.completion",)";
  append_member(out, "model", response.model);
  out += R"(,"choices":[{"index":0,"message":{"role":"assistant",)";
  append_member(out, "content", response.content);
  if (!response.tool_calls.empty()) append_tool_calls(out, response.tool_calls);
  out += "},";
  append_member(out, "finish_reason", to_string(response.finish));
  out += "}],";
  append_usage(out, response.usage, true);
  out += R"(}},"error":null})";
  return out;
}

std::string format_batch_result(std::string_view id, std::string_view custom_id,
                                const embedding_response& response) {
  std::string out;
  begin_line(out, id, custom_id);
  begin_response(out, 200, response.request_id);
  out += R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < response.vectors.size(); ++i) {
    if (i > 0) out.push_back(',');
    out += R"({"object":"embedding","index":)" + std::to_string(i) + R"(,"embedding":)";
    append_vector(out, response.vectors[i]);
    out.push_back('}');
  }
  out += "],";
  append_member(out, "model", response.model);
  out.push_back(',');
  append_usage(out, response.usage, false);
  out += R"(}},"error":null})";
  return out;
}

std::string format_batch_error(std::string_view id, std::string_view custom_id,
                               const error& failure) {
  std::string out;
  begin_line(out, id, custom_id);
  if (failure.status != 0) {
    begin_response(out, failure.status, failure.request_id);
    out += R"({"error":{)";
    append_member(out, "message", failure.message);
    out += R"(}}},)";
  } else {
    out += R"("response":null,)";
  }
  out += R"("error":{)";
  append_member(out, "code", snake_case(to_string(failure.kind)));
  out.push_back(',');
  append_member(out, "message", describe(failure));
  out += "}}";
  return out;
}

}  // namespace graphbit
