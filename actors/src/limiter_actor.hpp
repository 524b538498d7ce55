#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <graphbit/actors/policy/limiter.hpp>
#include <graphbit/actors/provider_client_impl.hpp>
#include <graphbit/runtime/pinned_actor.hpp>

#include "breaker_actor.hpp"
#include "limit_leaser.hpp"

namespace graphbit {

/// From a shard: what it uses and wants, about every 100 ms while that changes.
struct limiter_demand {
  std::uint32_t in_flight = 0;
  std::uint32_t waiting = 0;
  policy::limiter_settings used{};  ///< in the last minute, of the rates that are limited
};
/// To a shard: the limits it may use from now on. `whole`: it is the only one of this key and
/// model, and may learn from answers by itself.
struct limiter_share {
  policy::limiter_settings settings;
  bool whole = true;
  /// Of a limit that other processes use, too: nothing is sent from then on. `never`: it is this
  /// process's own.
  time_point ends_at = never;
};
/// To a shard: calls in flight beyond its share are to be ended.
using cut_atom = caf::atom_constant<caf::atom("cut")>;

/// From a shard that is not the only one: limits per minute that an answer's headers name.
struct limits_learnt {
  std::optional<std::uint64_t> requests_per_minute;
  std::optional<std::uint64_t> tokens_per_minute;
};
/// From a shard to all: the provider refused what was sent then, and said to come back no sooner.
struct limiter_hold {
  time_point until{};
  time_point sent_at{};
};
/// From a shard to all: what was sent then was answered, so earlier refusals hold nobody back.
struct limiter_lift {
  time_point sent_at{};
};

/// The limiter of one key and model: owns the limits and leases shares of them to the shards of
/// all provider clients that use that key and model. With one shard the lease is the whole and no
/// message is on any call's path; with several, shares follow demand, shrinking before growing.
/// With an authority the whole is a share itself, which the runtime's `limit_leaser` holds.
/// Messages: (join, shard, limiter_settings); (limiter_demand), (limits_learnt), (limiter_hold)
/// and (limiter_lift) from a shard; (limits_change); (share_news). Publishes limiter_share,
/// limiter_hold, limiter_lift and (cut).
struct limiter_actor_state {
  static inline const char* name = "limiter";
};
using limiter_actor = caf::stateful_actor<limiter_actor_state, pinned_actor>;

/// `limit`: without an authority for limits of this process's own.
caf::behavior lease_limits(limiter_actor* self, const std::shared_ptr<limit_leaser>& leaser,
                           const shared_limit& limit);

}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::limits_change)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::limits_learnt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::limiter_demand)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::limiter_hold)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::limiter_lift)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::limiter_share)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::share_news)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::policy::limiter_settings)
