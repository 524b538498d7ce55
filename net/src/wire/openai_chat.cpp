#include "src/wire/openai_chat.hpp"

#include <graphbit/runtime/chat_role_name.hpp>

#include "src/base64.hpp"
#include "src/wire/media_type.hpp"
#include "src/wire/request_check.hpp"

namespace graphbit {

namespace {

bool by_url(const content_part& part) {
  return part.type == content_part::kind::image_url || part.type == content_part::kind::file_url;
}

void append_named(std::string& out, std::string_view name_key, const content_part& part) {
  out.append(",\"").append(name_key).append("\":");
  append_json_string(out, file_name(part));
}

expected<void> append_file(std::string& out, const content_part& part,
                           openai_dialect::file_form form) {
  using files = openai_dialect::file_form;
  switch (form) {
    case files::data:
      if (by_url(part))
        return fail(
            validation_error("messages", "this provider takes no file by its URL: send the bytes"));
      [[fallthrough]];
    case files::data_or_url:
      out += R"({"type":"file","file":{"file_data":)";
      append_url(out, part);
      append_named(out, "filename", part);
      out += "}}";
      break;
    case files::document_url:
      out += R"({"type":"document_url","document_url":)";
      append_url(out, part);
      append_named(out, "document_name", part);
      out += '}';
      break;
    case files::file_url:
      out += R"({"type":"file_url","file_url":{"url":)";
      if (by_url(part)) {
        append_json_string(out, part.data);
      } else {
        out += '"';
        append_base64(out, part.data);
        out += '"';
      }
      out += '}';
      append_named(out, "file_name", part);
      out += '}';
      break;
  }
  return {};
}

expected<void> append_part(std::string& out, const content_part& part,
                           const openai_dialect& dialect) {
  using kind = content_part::kind;
  switch (part.type) {
    case kind::text:
      out += R"({"type":"text","text":)";
      append_json_string(out, part.data);
      out += '}';
      return {};
    case kind::image_url:
    case kind::image_bytes:
      out += R"({"type":"image_url","image_url":{"url":)";
      append_url(out, part);
      out += "}}";
      return {};
    case kind::file_url:
    case kind::file_bytes:
      return append_file(out, part, dialect.files);
  }
  return {};
}

expected<void> append_content(std::string& out, const chat_message& message,
                              const openai_dialect& dialect) {
  if (message.parts.empty()) {
    if (message.text.empty() && !message.tool_calls.empty())
      out += "null";
    else
      append_json_string(out, message.text);
    return {};
  }
  out += '[';
  for (const content_part& part : message.parts) {
    if (&part != &message.parts.front()) out += ',';
    if (auto ok = append_part(out, part, dialect); !ok) return ok;
  }
  out += ']';
  return {};
}

void append_tool_calls(std::string& out, const std::vector<tool_call>& calls) {
  out += ",\"tool_calls\":[";
  for (const tool_call& call : calls) {
    if (&call != &calls.front()) out += ',';
    out += "{\"id\":";
    append_json_string(out, call.id);
    out += R"(,"type":"function","function":{"name":)";
    append_json_string(out, call.name);
    out += ",\"arguments\":";
    append_json_string(out, call.arguments);
    out += "}}";
  }
  out += ']';
}

expected<void> append_messages(std::string& out, const chat_request& request,
                               const openai_dialect& dialect) {
  out += '[';
  for (const chat_message& message : request.messages) {
    if (&message != &request.messages.front()) out += ',';
    out.append("{\"role\":\"").append(role_name(message.role)).append("\",\"content\":");
    if (auto ok = append_content(out, message, dialect); !ok) return ok;
    if (!message.tool_calls.empty()) append_tool_calls(out, message.tool_calls);
    if (message.role == chat_role::tool) {
      out += ",\"tool_call_id\":";
      append_json_string(out, message.tool_call_id);
    }
    out += '}';
  }
  out += ']';
  return {};
}

void append_tool_choice(std::string& out, const std::string& choice) {
  if (choice.empty() || choice == "auto" || choice == "none" || choice == "required") {
    append_json_string(out, choice.empty() ? "auto" : choice);
    return;
  }
  out += R"({"type":"function","function":{"name":)";
  append_json_string(out, choice);
  out += "}}";
}

/// OpenAI's strict mode refuses schemas that leave members open, so it is asked for only when the
/// schema was written for it.
void append_response_format(std::string& out, const std::string& schema) {
  const auto parsed = parse_json(schema);
  const json_value* open = parsed ? parsed->find("additionalProperties") : nullptr;
  const bool strict = open != nullptr && open->is_bool() && !open->as_bool();
  out += R"({"type":"json_schema","json_schema":{"name":"response",)";
  out.append(strict ? "\"strict\":true," : "").append("\"schema\":").append(schema).append("}}");
}

void append_options(body_writer& body, std::string& out, const openai_dialect& dialect,
                    const provider_config& config, const chat_request& request) {
  const bool automatic = config.token_limit_field.empty() || config.token_limit_field == "auto";
  const std::string_view limit =
      automatic ? dialect.token_limit : std::string_view(config.token_limit_field);
  if (request.max_tokens && body.key(limit)) append_number(out, *request.max_tokens);
  if (request.temperature && body.key("temperature")) append_number(out, *request.temperature);
  if (request.top_p && body.key("top_p")) append_number(out, *request.top_p);
  if (!request.tools.empty()) {
    if (body.key("tools")) append_functions(out, request.tools);
    if (body.key("tool_choice")) append_tool_choice(out, request.tool_choice);
  }
  if (!request.response_format.empty() && body.key("response_format"))
    append_response_format(out, request.response_format);
}

}  // namespace

void append_functions(std::string& out, const std::vector<tool_spec>& tools) {
  out += '[';
  for (const tool_spec& tool : tools) {
    if (&tool != &tools.front()) out += ',';
    out += R"({"type":"function","function":{"name":)";
    append_json_string(out, tool.name);
    out += ",\"description\":";
    append_json_string(out, tool.description);
    out.append(",\"parameters\":").append(tool.parameters).append("}}");
  }
  out += ']';
}

void append_url(std::string& out, const content_part& part) {
  if (by_url(part)) return append_json_string(out, part.data);
  const std::string_view media_type = media_type_of(part);
  // Base64 and media types need no escaping.
  out.append("\"data:")
      .append(media_type.empty() ? "application/octet-stream" : media_type)
      .append(";base64,");
  append_base64(out, part.data);
  out += '"';
}

std::string file_name(const content_part& part) {
  if (!part.name.empty()) return part.name;
  if (by_url(part)) {
    const auto path = std::string_view(part.data).substr(0, part.data.find_first_of("?#"));
    return std::string(path.substr(path.rfind('/') + 1));
  }
  const std::string_view media_type = media_type_of(part);
  if (media_type == "text/plain") return "file.txt";
  const auto slash = media_type.find('/');
  if (slash == std::string_view::npos) return "file";
  return "file." + std::string(media_type.substr(slash + 1));
}

expected<void> encode_openai_chat(const openai_dialect& dialect, const provider_config& config,
                                  const chat_request& request, bool stream, std::string& out) {
  if (auto ok = check_request(request); !ok) return ok;
  // Escapes make a text a little longer; what is guessed too low costs one more allocation.
  const std::size_t bytes = prompt_bytes(request);
  out.reserve(out.size() + bytes + bytes / 16 + 512);
  auto body = body_writer::open(out, config, request.extra_body);
  if (!body) return fail(std::move(body.error()));
  const std::string& model = request.model.empty() ? config.model : request.model;
  if (dialect.sends_model && !model.empty() && body->key("model")) append_json_string(out, model);
  if (body->key("messages"))
    if (auto ok = append_messages(out, request, dialect); !ok) return ok;
  append_options(*body, out, dialect, config, request);
  if (stream) {
    if (body->key("stream")) out += "true";
    if (dialect.stream_usage && body->key("stream_options")) out += R"({"include_usage":true})";
  }
  body->close();
  return {};
}

}  // namespace graphbit
