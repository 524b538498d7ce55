#pragma once

#include <cstdio>
#include <cstdlib>

namespace graphbit::fuzz {

/// Ends the run, so that libFuzzer keeps the input, when `holds` is false.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace graphbit::fuzz
