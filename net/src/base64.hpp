#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace graphbit {

/// Appends the base64 form (RFC 4648, with padding) of `bytes` to `out`.
void append_base64(std::string& out, std::string_view bytes);
/// The bytes that a base64 text with padding stands for, or nothing when it is none.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace graphbit
