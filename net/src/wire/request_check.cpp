#include "src/wire/request_check.hpp"

#include <graphbit/runtime/limits.hpp>

#include "src/json_reader.hpp"

namespace graphbit {

namespace {

expected<void> check_object(std::string_view text, const char* field, const std::string& what) {
  if (is_json(text, json_reader::type::object)) return {};
  return fail(validation_error(field, what + " must be a JSON object"));
}

}  // namespace

std::size_t prompt_bytes(const chat_request& request) noexcept {
  std::size_t bytes = 0;
  for (const chat_message& message : request.messages) {
    bytes += message.text.size();
    for (const content_part& part : message.parts) bytes += part.data.size();
    for (const tool_call& call : message.tool_calls) bytes += call.arguments.size();
  }
  return bytes;
}

expected<void> check_request(const chat_request& request) {
  if (prompt_bytes(request) > limits::prompt_bytes_max)
    return fail(resource_error("prompt_bytes", "the prompt is larger than " +
                                                   std::to_string(limits::prompt_bytes_max) +
                                                   " bytes: split it"));
  for (const tool_spec& tool : request.tools)
    if (auto ok =
            check_object(tool.parameters, "tools", "the parameters of tool '" + tool.name + "'");
        !ok)
      return ok;
  for (const chat_message& message : request.messages)
    for (const tool_call& call : message.tool_calls)
      if (auto ok = check_object(call.arguments, "tool_calls",
                                 "the arguments of tool call '" + call.name + "'");
          !ok)
        return ok;
  if (request.response_format.empty()) return {};
  return check_object(request.response_format, "response_format", "response_format");
}

}  // namespace graphbit
