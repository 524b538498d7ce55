#pragma once

#include <algorithm>
#include <cstdint>

#include <graphbit/runtime/processors.hpp>

namespace graphbit {

/// Calls in flight where nobody said how many: the Balanced mode's number.
[[nodiscard]] inline std::uint32_t in_flight_default() { return std::max(256u, 16 * processors()); }

}  // namespace graphbit
