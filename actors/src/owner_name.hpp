#pragma once

#include <string>
#include <string_view>

namespace graphbit {

/// A name for this process and one executor of its, never used again:
/// "host/boot and process namespace/pid/start time/random".
[[nodiscard]] std::string make_owner_name();

/// True only where it is certain: that process ran on this machine and is no more.
[[nodiscard]] bool owner_is_gone(std::string_view owner);

}  // namespace graphbit
