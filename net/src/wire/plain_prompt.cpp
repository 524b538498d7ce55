#include "src/wire/plain_prompt.hpp"

namespace graphbit {

namespace {

std::string_view speaker(chat_role role) {
  switch (role) {
    case chat_role::system:
      return "";
    case chat_role::user:
      return "User: ";
    case chat_role::assistant:
      return "Assistant: ";
    case chat_role::tool:
      return "Tool: ";
  }
  return "";
}

expected<std::string> text_of(const chat_message& message) {
  if (message.parts.empty()) return message.text;
  std::string text;
  for (const content_part& part : message.parts) {
    if (part.type != content_part::kind::text)
      return fail(
          validation_error("messages", "this provider takes text only, no images or files"));
    text += part.data;
  }
  return text;
}

}  // namespace

expected<std::string> plain_prompt(const chat_request& request) {
  if (!request.tools.empty())
    return fail(validation_error("tools", "this provider takes a prompt only, no tools"));
  const auto& messages = request.messages;
  if (messages.size() == 1 && messages.front().role == chat_role::user)
    return text_of(messages.front());
  std::string prompt;
  for (const chat_message& message : messages) {
    auto text = text_of(message);
    if (!text) return text;
    prompt.append(speaker(message.role)).append(*text).append("\n\n");
  }
  return prompt += "Assistant:";
}

}  // namespace graphbit
