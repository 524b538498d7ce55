#pragma once

#include <algorithm>
#include <thread>

namespace graphbit {

/// Processors that this process may use, at least 1. Asked of the system once: it answers by
/// opening a file, which costs more than half of a call.
[[nodiscard]] inline unsigned processors() {
  static const unsigned count = std::max(1u, std::thread::hardware_concurrency());
  return count;
}

}  // namespace graphbit
