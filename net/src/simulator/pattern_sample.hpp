#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace graphbit::sim {

/// A short text that matches a regular expression as JSON schemas use them (ECMA 262 without
/// look-around and back references), or nothing for one that cannot be followed.
[[nodiscard]] std::optional<std::string> sample_pattern(std::string_view pattern,
                                                        std::uint64_t hash);

}  // namespace graphbit::sim
