#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

#include <graphbit/runtime/json_value.hpp>

#include "conversation.hpp"

namespace graphbit::sim {

/// A text that is to be written as a JSON string.
struct quoted {
  std::string_view text;
};

/// A text that is to be written as a JSON string, or as null when it is empty.
struct quoted_or_null {
  std::string_view text;
};

inline void append_part(std::string& out, std::string_view raw) { out.append(raw); }
inline void append_part(std::string& out, quoted q) { append_json_string(out, q.text); }
inline void append_part(std::string& out, quoted_or_null q) {
  if (q.text.empty())
    out.append("null");
  else
    append_json_string(out, q.text);
}
template <std::integral Number>
void append_part(std::string& out, Number n) {
  out.append(std::to_string(n));
}

/// Appends JSON text piece by piece: plain texts as they are, numbers, and `quoted` strings.
template <class... Parts>
void append(std::string& out, const Parts&... parts) {
  (append_part(out, parts), ...);
}

/// Appends one server-sent event with a name as a frame of its own.
template <class... Parts>
void append_event(frames& out, std::string_view name, const Parts&... data) {
  append(out.bytes, "event: ", name, "\ndata: ", data..., "\n\n");
  out.end_frame();
}

}  // namespace graphbit::sim
