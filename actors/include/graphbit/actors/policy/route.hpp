#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <graphbit/net/provider_config.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit::policy {

/// What a route's choice looks at, of one target.
struct route_target {
  bool rejecting = false;  ///< its circuit breaker is open
  std::size_t busy = 0;    ///< calls in flight and waiting
  double latency_ms = 0;   ///< moving average; 0: not known yet
  double price = 0;        ///< per token, in any unit that all share; infinite: unknown
};

/// The order in which a call tries the targets: by the strategy, those that reject last. A pure
/// function. `turn` counts the calls; `session` names the caller's session.
[[nodiscard]] std::vector<std::size_t> route_order(route_strategy strategy,
                                                   std::span<const route_target> targets,
                                                   std::uint64_t turn, std::string_view session);

/// Whether another target may do better: not for a cancelled call, a passed deadline, or a request
/// that every provider would refuse.
[[nodiscard]] bool worth_another_route(const error& failure) noexcept;

}  // namespace graphbit::policy
