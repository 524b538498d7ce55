#pragma once

#include <string_view>

namespace graphbit {

/// The double nearest to a number of JSON's grammar. Too large ones give an infinity.
/// Precondition: `text` fits the grammar.
[[nodiscard]] double parse_decimal(std::string_view text) noexcept;

}  // namespace graphbit
