#pragma once

#include <cstddef>

namespace graphbit {

/// File descriptors that this process has open; 0 where the system does not say.
[[nodiscard]] std::size_t open_files();

}  // namespace graphbit
