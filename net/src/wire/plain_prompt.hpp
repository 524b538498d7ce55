#pragma once

#include <string>

#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// A conversation as one text, for providers that take a prompt and no messages: a lone user
/// message as it is, anything longer with a name before each turn and "Assistant:" at the end.
/// Errors: Validation for tools, images and files, which such providers do not take.
[[nodiscard]] expected<std::string> plain_prompt(const chat_request& request);

}  // namespace graphbit
