#pragma once

#include <string_view>

#include <graphbit/runtime/chat.hpp>

namespace graphbit {

/// The name of the function that the call `id` asked for, from the request's assistant messages;
/// empty when there is no such call. For providers that match results by name.
[[nodiscard]] std::string_view tool_call_name(const chat_request& request, std::string_view id);

}  // namespace graphbit
