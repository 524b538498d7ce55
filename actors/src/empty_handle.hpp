#pragma once

#include <cstdlib>
#include <string>

#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/log.hpp>

namespace graphbit {

/// What a handle says that was never opened, or was moved from.
[[nodiscard]] inline error never_opened(const std::string& handle) {
  return configuration_error(
      handle, "this " + handle + " is empty: it was never opened, or was moved from");
}

/// Where no error can be given, the process ends with that sentence.
[[noreturn]] inline void refuse_empty(const std::string& handle) {
  log(log_level::error, "actors", never_opened(handle).message);
  std::abort();
}

}  // namespace graphbit
