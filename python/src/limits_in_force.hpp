#pragma once

#include <string>

#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit::python {

/// From now on this process shares limits by that store, also after `shutdown` and `fork`.
[[nodiscard]] expected<void> share_limits_by(const std::string& store);
/// To a new runtime. Error: the store cannot be opened; without it the limits would not hold.
[[nodiscard]] expected<void> bring_limits(runtime& home);

}  // namespace graphbit::python
