#pragma once

#include <string>

#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/runtime.hpp>

#include "command.hpp"

namespace graphbit::app {

/// The option by which processes share the limits of a provider's key.
struct limits_option {
  std::string store;

  void add_to(CLI::App& app);
  /// Before the first client is opened. Errors: as `open_limit_authority` gives.
  [[nodiscard]] expected<void> apply_to(runtime& rt) const;
};

}  // namespace graphbit::app
