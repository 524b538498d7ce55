#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace graphbit::app {

/// The one of `names` that somebody who typed `typed` most likely meant: the beginning of one, or
/// one that is two slips away (letters left out, added, wrong or swapped); empty: none is near.
[[nodiscard]] std::string nearest_name(std::string_view typed,
                                       const std::vector<std::string>& names);

}  // namespace graphbit::app
