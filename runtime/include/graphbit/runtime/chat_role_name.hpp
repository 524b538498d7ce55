#pragma once

#include <string_view>

#include <graphbit/runtime/chat.hpp>

namespace graphbit {

/// "system", "user", "assistant" or "tool": what most providers and OpenTelemetry call a role.
[[nodiscard]] constexpr std::string_view role_name(chat_role role) noexcept {
  switch (role) {
    case chat_role::system:
      return "system";
    case chat_role::user:
      return "user";
    case chat_role::assistant:
      return "assistant";
    case chat_role::tool:
      return "tool";
  }
  return "user";
}

}  // namespace graphbit
