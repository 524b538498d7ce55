#include "nearest_name.hpp"

#include <algorithm>
#include <cstddef>

namespace graphbit::app {

namespace {

/// Letters left out, added, wrong, or swapped with their neighbour.
std::size_t slips_between(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> slips(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      std::size_t& least = slips[i][j];
      if (i == 0 || j == 0) {
        least = i + j;
        continue;
      }
      const std::size_t wrong = a[i - 1] == b[j - 1] ? 0 : 1;
      least = std::min({slips[i - 1][j] + 1, slips[i][j - 1] + 1, slips[i - 1][j - 1] + wrong});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        least = std::min(least, slips[i - 2][j - 2] + 1);
    }
  }
  return slips.back().back();
}

}  // namespace

std::string nearest_name(std::string_view typed, const std::vector<std::string>& names) {
  constexpr std::size_t typed_max = 64;  // whoever types more means no command
  if (typed.empty() || typed.size() > typed_max) return {};
  std::string nearest;
  std::size_t fewest = std::min<std::size_t>(2, typed.size() / 2) + 1;
  for (const std::string& name : names) {
    const std::size_t slips = name.starts_with(typed) ? 0 : slips_between(typed, name);
    if (slips >= fewest) continue;
    fewest = slips;
    nearest = name;
  }
  return nearest;
}

}  // namespace graphbit::app
