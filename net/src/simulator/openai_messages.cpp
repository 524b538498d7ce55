#include "openai_messages.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "json_access.hpp"

namespace graphbit::sim {

namespace {

constexpr std::array<std::string_view, 6> roles = {"system",    "developer", "user",
                                                   "assistant", "tool",      "function"};

refusal wrong(std::size_t index, std::string message, std::string code = {}) {
  refusal why;
  why.message = std::move(message);
  why.param = "messages.[" + std::to_string(index) + "]";
  why.code = std::move(code);
  return why;
}

/// What a part of a file brings: its bytes or where it is; empty: nothing, which is refused.
std::string_view source_of_file(const json& part, std::string_view file_part) {
  if (file_part != "file") return text_member(part, "document_url");
  const auto* file = member(part, "file");
  if (file == nullptr) return {};
  const auto id = text_member(*file, "file_id");
  return id.empty() && !text_member(*file, "filename").empty() ? text_member(*file, "file_data")
                                                               : id;
}

/// Adds a message's texts to the question; the last text part stands for the message.
std::optional<refusal> read_content(const json& content, std::size_t index,
                                    std::string_view file_part, question& out,
                                    std::string_view& text) {
  if (content.IsString()) {
    text = text_of(content);
    add_prompt_text(out, text);
    return std::nullopt;
  }
  if (!content.IsArray())
    return wrong(index,
                 "Invalid type for 'messages[" + std::to_string(index) +
                     "].content': expected one of a string or array of objects.",
                 "invalid_type");
  for (const auto& part : content.GetArray()) {
    const auto type = text_member(part, "type");
    if (type == "text" || type == "refusal") {
      text = text_member(part, type == "text" ? "text" : "refusal");
      add_prompt_text(out, text);
    } else if (type == "image_url") {
      const auto* image = member(part, "image_url");
      if (!image || text_member(*image, "url").empty())
        return wrong(index,
                     "Missing required parameter: 'messages[" + std::to_string(index) +
                         "].content[0].image_url.url'.",
                     "missing_required_parameter");
      add_prompt_text(out, text_member(*image, "url"));
    } else if (type == file_part) {
      const auto source = source_of_file(part, file_part);
      if (source.empty())
        return wrong(index,
                     "Missing required parameter: 'messages[" + std::to_string(index) +
                         "].content[0]." + std::string(file_part) + "'.",
                     "missing_required_parameter");
      add_prompt_text(out, source);
    } else if (type != "input_audio") {
      return wrong(index,
                   "Invalid value: '" + std::string(type) +
                       "'. Supported values are: 'text', 'image_url', 'input_audio', "
                       "'refusal', and '" +
                       std::string(file_part) + "'.",
                   "invalid_value");
    }
  }
  return std::nullopt;
}

/// Which calls still want a tool message.
class open_calls {
 public:
  void ask(const json& message) {
    if (const auto* calls = array_member(message, "tool_calls"))
      for (const auto& call : calls->GetArray()) ids_.push_back(text_member(call, "id"));
  }
  [[nodiscard]] bool answer(std::string_view id) {
    const auto at = std::find(ids_.begin(), ids_.end(), id);
    if (at == ids_.end()) return false;
    ids_.erase(at);
    return true;
  }
  [[nodiscard]] bool none() const { return ids_.empty(); }
  [[nodiscard]] std::string first() const { return std::string(ids_.front()); }

 private:
  std::vector<std::string_view> ids_;
};

refusal unanswered(std::size_t index, const open_calls& calls) {
  return wrong(
      index,
      "An assistant message with 'tool_calls' must be followed by tool messages responding "
      "to each 'tool_call_id'. The following tool_call_ids did not have response messages: " +
          calls.first());
}

std::optional<refusal> read_message(const json& message, std::size_t index,
                                    std::string_view file_part, open_calls& calls, question& out) {
  const auto role = text_member(message, "role");
  if (std::find(roles.begin(), roles.end(), role) == roles.end())
    return wrong(index,
                 "Invalid value: '" + std::string(role) +
                     "'. Supported values are: 'system', 'assistant', 'user', 'function', "
                     "'tool', and 'developer'.",
                 "invalid_value");
  if (role != "tool" && !calls.none()) return unanswered(index, calls);
  if (role == "tool" && !calls.answer(text_member(message, "tool_call_id")))
    return wrong(index,
                 "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
                 "message with 'tool_calls'.");
  if (role == "assistant") calls.ask(message);

  std::string_view text;
  add_prompt_text(out, role);
  if (const auto* content = member(message, "content")) {
    if (auto why = read_content(*content, index, file_part, out, text)) return why;
  } else if (role != "assistant") {
    return wrong(index, "Invalid value for 'content': expected a string, got null.");
  }
  out.last_role = role;
  if (role == "user") out.last_text = text;
  if (role == "tool") out.tool_result = text;
  return std::nullopt;
}

}  // namespace

std::optional<refusal> read_openai_messages(const json& body, std::string_view file_part,
                                            question& out) {
  const auto* messages = member(body, "messages");
  refusal why;
  why.param = "messages";
  if (!messages || !messages->IsArray()) {
    why.message = "Missing required parameter: 'messages'.";
    why.code = "missing_required_parameter";
    return why;
  }
  if (messages->Empty()) {
    why.message =
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got "
        "an empty array instead.";
    why.code = "empty_array";
    return why;
  }
  open_calls calls;
  for (std::size_t i = 0; i < messages->Size(); ++i)
    if (auto refused =
            read_message((*messages)[static_cast<unsigned>(i)], i, file_part, calls, out))
      return refused;
  if (!calls.none()) return unanswered(messages->Size() - 1, calls);
  return std::nullopt;
}

}  // namespace graphbit::sim
