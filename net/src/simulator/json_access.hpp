#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "conversation.hpp"

namespace graphbit::sim {

// Reading a parsed request body without trusting its shape.

[[nodiscard]] inline std::string_view text_of(const json& value) {
  return value.IsString() ? std::string_view(value.GetString(), value.GetStringLength())
                          : std::string_view{};
}

/// The member of that name unless it is null, or nullptr.
[[nodiscard]] inline const json* member(const json& object, const char* name) {
  if (!object.IsObject()) return nullptr;
  const auto it = object.FindMember(name);
  return it == object.MemberEnd() || it->value.IsNull() ? nullptr : &it->value;
}

[[nodiscard]] inline std::string_view text_member(const json& object, const char* name) {
  const auto* value = member(object, name);
  return value ? text_of(*value) : std::string_view{};
}

[[nodiscard]] inline const json* array_member(const json& object, const char* name) {
  const auto* value = member(object, name);
  return value && value->IsArray() ? value : nullptr;
}

[[nodiscard]] inline bool flag_member(const json& object, const char* name, bool otherwise) {
  const auto* value = member(object, name);
  return value && value->IsBool() ? value->GetBool() : otherwise;
}

[[nodiscard]] inline std::size_t size_member(const json& object, const char* name,
                                             std::size_t otherwise) {
  const auto* value = member(object, name);
  return value && value->IsUint64() ? static_cast<std::size_t>(value->GetUint64()) : otherwise;
}

/// Adds a piece of the prompt to what the question is identified and counted by.
inline void add_prompt_text(question& q, std::string_view text) {
  q.prompt_hash = (q.prompt_hash ^ std::hash<std::string_view>{}(text)) * 0x100000001b3ULL + 1;
  q.prompt_bytes += text.size();
}

}  // namespace graphbit::sim
