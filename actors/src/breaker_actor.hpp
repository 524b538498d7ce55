#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <graphbit/actors/policy/breaker.hpp>
#include <graphbit/runtime/pinned_actor.hpp>

namespace graphbit {

/// What one shard of a provider client tells the breaker of one attempt, in the order it happened.
struct breaker_event {
  std::uint64_t sequence = 0;  ///< the shard's own number of the attempt
  time_point at{};
  bool start = false;  ///< it went out; otherwise it ended with `outcome`
  bool probe = false;  ///< start: it is the probe that was admitted
  policy::attempt_outcome outcome = policy::attempt_outcome::success;
};
struct breaker_report {
  std::vector<breaker_event> events;
};
using breaker_report_ptr = std::shared_ptr<breaker_report>;

using join_atom = caf::atom_constant<caf::atom("join")>;
using probe_atom = caf::atom_constant<caf::atom("probe")>;
using unprobe_atom = caf::atom_constant<caf::atom("unprobe")>;

/// To the shards: the breaker's state changed.
struct breaker_changed {
  policy::breaker_snapshot now;
};
/// To the shard that asked: may this call be the probe?
struct probe_answer {
  std::uint64_t call = 0;
  policy::admission admission;
};

/// The circuit breaker of one endpoint and model: the only writer of its state. Shards gate by the
/// snapshot it publishes and report outcomes in batches; only the probe of half-open is asked for.
/// Messages: (join, shard); (breaker_report_ptr) from a shard; (probe, call id) -> probe_answer to
/// the sender; (unprobe) gives an unused probe back. Publishes breaker_changed to all shards.
/// A restart starts closed: shards join again when they are told of the new incarnation.
struct breaker_actor_state {
  static inline const char* name = "circuit breaker";
};
using breaker_actor = caf::stateful_actor<breaker_actor_state, pinned_actor>;

caf::behavior circuit_breaker(breaker_actor* self, const std::string& label);

}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::breaker_report_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::breaker_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::probe_answer)
