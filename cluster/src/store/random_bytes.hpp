#pragma once

#include <cstddef>
#include <string>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// Bytes fit for secrets, from the operating system.
[[nodiscard]] expected<std::string> random_bytes(std::size_t count);

}  // namespace graphbit
