#pragma once

#include <string>
#include <vector>

namespace graphbit::sim {

/// One promise in numbers, and what a simulation of it gave.
struct reach_row {
  std::string what;
  std::string promised;
  std::string measured;
  bool kept = false;
};

/// Measures all of them; some seconds. The seeds are fixed, so the figures are the same everywhere.
[[nodiscard]] std::vector<reach_row> measure_reach();

}  // namespace graphbit::sim
