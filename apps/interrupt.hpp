#pragma once

#include <atomic>

namespace graphbit::app {

/// Turns SIGINT and SIGTERM into a flag while it lives, so that work ends in order; a second
/// signal ends the process at once. One at a time.
class interrupt {
 public:
  interrupt();
  ~interrupt();
  interrupt(const interrupt&) = delete;
  interrupt& operator=(const interrupt&) = delete;
  [[nodiscard]] static bool came() noexcept;
};

}  // namespace graphbit::app
