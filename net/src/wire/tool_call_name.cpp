#include "src/wire/tool_call_name.hpp"

namespace graphbit {

std::string_view tool_call_name(const chat_request& request, std::string_view id) {
  for (const chat_message& message : request.messages)
    for (const tool_call& call : message.tool_calls)
      if (call.id == id) return call.name;
  return {};
}

}  // namespace graphbit
