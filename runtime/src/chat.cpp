#include <graphbit/runtime/chat.hpp>

namespace graphbit {

std::string_view to_string(const finish_reason& finish) noexcept {
  switch (finish.type) {
    case finish_reason::kind::stop:
      return "stop";
    case finish_reason::kind::length:
      return "length";
    case finish_reason::kind::tool_calls:
      return "tool_calls";
    case finish_reason::kind::content_filter:
      return "content_filter";
    case finish_reason::kind::error:
      return "error";
    case finish_reason::kind::other:
      return finish.text;
  }
  return finish.text;
}

}  // namespace graphbit
