#pragma once

#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// Refuses what no provider could take, before anything is encoded: more than
/// limits::prompt_bytes_max (ResourceExhausted), tool schemas or a response_format that are no JSON
/// object, tool calls whose arguments are none (Validation naming the field).
[[nodiscard]] expected<void> check_request(const chat_request& request);

/// Bytes of text and attachments in all messages.
[[nodiscard]] std::size_t prompt_bytes(const chat_request& request) noexcept;

}  // namespace graphbit
