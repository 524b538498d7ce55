#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <graphbit/actors/policy/limiter.hpp>
#include <graphbit/actors/provider_client_impl.hpp>
#include <graphbit/runtime/pinned_actor.hpp>

#include "breaker_actor.hpp"

namespace graphbit {

/// From a shard: what it uses and wants, about every 100 ms while that changes.
struct limiter_demand {
  std::uint32_t in_flight = 0;
  std::uint32_t waiting = 0;
};
/// To a shard: the limits it may use from now on. `whole`: it is the only one of this key and
/// model, and may learn from answers by itself.
struct limiter_share {
  policy::limiter_settings settings;
  bool whole = true;
};

/// From a shard that is not the only one: limits per minute that an answer's headers name.
struct limits_learnt {
  std::optional<std::uint64_t> requests_per_minute;
  std::optional<std::uint64_t> tokens_per_minute;
};
/// From a shard to all: the provider said to come back no sooner.
struct limiter_hold {
  time_point until{};
};

/// The limiter of one key and model: owns the limits and leases shares of them to the shards of
/// all provider clients that use that key and model. With one shard the lease is the whole and no
/// message is on any call's path; with several, shares follow demand, shrinking before growing.
/// Messages: (join, shard, limiter_settings); (limiter_demand), (limits_learnt) and (limiter_hold)
/// from a shard; (limits_change). Publishes limiter_share and limiter_hold.
struct limiter_actor_state {
  static inline const char* name = "limiter";
};
using limiter_actor = caf::stateful_actor<limiter_actor_state, pinned_actor>;

caf::behavior lease_limits(limiter_actor* self);

}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::limits_change)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::limits_learnt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::limiter_demand)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::limiter_hold)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::limiter_share)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::policy::limiter_settings)
