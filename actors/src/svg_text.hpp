#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <graphbit/actors/run_result.hpp>

namespace graphbit {

/// The colour of a state in every drawing of ours, as CSS has it.
[[nodiscard]] std::string_view colour_of(node_status status) noexcept;
/// Text inside XML; control characters, which XML 1.0 cannot hold, become spaces.
[[nodiscard]] std::string xml_text(std::string_view text);
/// At most `points_max` code points, an ellipsis for the rest.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t points_max);

}  // namespace graphbit
