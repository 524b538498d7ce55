#pragma once

#include <string>

namespace graphbit::app {

/// Which allocator rules this process, asked from the process itself: "jemalloc 5.3.0" or "system".
[[nodiscard]] std::string allocator_name();

/// The file that jemalloc was loaded from, or an empty text.
[[nodiscard]] std::string jemalloc_library();

}  // namespace graphbit::app
