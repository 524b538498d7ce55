#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace graphbit {

/// Seconds since 1970 of an HTTP date in any of its three forms (RFC 9110, 5.6.7), or nothing.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace graphbit
