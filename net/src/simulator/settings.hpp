#pragma once

#include <string_view>

#include <graphbit/net/simulator.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit::sim {

/// `before` with the members of a JSON object applied. Error: Configuration naming the setting.
[[nodiscard]] expected<behaviour> apply_settings(behaviour before, std::string_view json);

/// Checks what types cannot: probabilities, outages, times below zero.
[[nodiscard]] expected<void> check_settings(const behaviour& b);

/// A time during which the provider is dead.
struct outage {
  duration from{0}, to{0};
  bool refuse = true;  ///< false: connections are accepted and reset
};

/// "FROM-TO" or "FROM-TO:close", in seconds. Error: Configuration.
[[nodiscard]] expected<outage> parse_outage(std::string_view text);

}  // namespace graphbit::sim
