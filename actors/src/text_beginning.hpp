#pragma once

#include <cstddef>
#include <string>

namespace graphbit {

/// The first bytes of a text, at most `bytes_max`, cut before a character that does not fit.
[[nodiscard]] inline std::string beginning_of(const std::string& text, std::size_t bytes_max) {
  std::size_t end = bytes_max;
  if (text.size() <= end) return text;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace graphbit
