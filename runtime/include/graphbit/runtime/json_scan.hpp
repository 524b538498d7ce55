#pragma once

#include <cstddef>
#include <string_view>

namespace graphbit {

/// How many bytes at the front of `text` stand for themselves inside a JSON string: up to the
/// first quote, backslash or control byte. Sixteen bytes at a time where the machine can.
[[nodiscard]] std::size_t json_plain_bytes(const char* text, std::size_t bytes) noexcept;

/// True when `text` is well-formed UTF-8 (no surrogates, no overlong forms; RFC 3629).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace graphbit
