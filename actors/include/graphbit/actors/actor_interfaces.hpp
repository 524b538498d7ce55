#pragma once

/// The runtime's parts as typed CAF actors, for services made of actors: an optional header, which
/// brings CAF in. Beside it, supervisor.hpp has the supervisor.
///
/// Each function spawns one actor into the system that is given: the service's own (which must have
/// gone through `add_message_types`) or the runtime's. Such an actor is monitored, linked and
/// supervised like any other; when it ends, what it was asked for and has not answered is cancelled
/// and answered with an error. Requests stay in the process; errors come as `caf::error` and are
/// read by `from_caf` (caf_error.hpp). Between machines, use the cluster room.

#include <cstdint>
#include <optional>
#include <string>

#include <graphbit/actors/completions.hpp>
#include <graphbit/actors/supervisor.hpp>
#include <graphbit/runtime/caf_error.hpp>
#include <graphbit/runtime/message_types.hpp>

namespace graphbit {

/// A completion wanted: answered with a `chat_response`.
struct completion_order {
  chat_request request;    ///< what is asked
  call_options options{};  ///< how the call is treated
};
/// Embeddings wanted: answered with an `embedding_response`.
struct embedding_order {
  embedding_request request;  ///< what is asked
  call_options options{};     ///< how the call is treated
};
/// A run of a workflow wanted: answered with a `run_result`, or the error that `executor::execute`
/// gives.
struct run_order {
  workflow flow;          ///< what is run
  run_options options{};  ///< how the run is treated
};
/// New limits: what is given replaces, 0 removes.
struct limits_order {
  std::optional<std::uint32_t> max_in_flight{};  ///< calls at once; 0: no bound
  std::optional<std::uint32_t> rpm{};            ///< requests per minute; 0: no bound
  std::optional<std::uint64_t> tpm{};            ///< tokens per minute; 0: no bound
};
/// What a circuit breaker looks like from outside.
struct breaker_view {
  breaker_state state = breaker_state::closed;  ///< as the next call will find it
  std::uint32_t failures = 0;                   ///< among the attempts it looks at
  std::uint64_t rejected = 0;                   ///< calls it refused
};
/// What a limiter looks like from outside.
struct limiter_view {
  std::size_t in_flight = 0;        ///< calls under way
  std::size_t waiting = 0;          ///< calls that wait for their turn
  std::uint32_t in_flight_max = 0;  ///< 0: no bound of its own
};

/// Asks for an actor's statistics.
using stats_atom = caf::atom_constant<caf::atom("stats")>;
/// Asks a run for its result, once it has ended.
using result_atom = caf::atom_constant<caf::atom("result")>;
/// Cancels a run.
using stop_run_atom = caf::atom_constant<caf::atom("stop")>;

/// Completions and embeddings of one configuration.
using provider_client_actor_type =
    caf::typed_actor<caf::replies_to<completion_order>::with<chat_response>,
                     caf::replies_to<embedding_order>::with<embedding_response>,
                     caf::replies_to<stats_atom>::with<provider_client_stats>>;
/// The circuit breaker in front of a configuration.
using breaker_actor_type = caf::typed_actor<caf::replies_to<stats_atom>::with<breaker_view>>;
/// The limiter of a configuration's key and model.
using limiter_actor_type =
    caf::typed_actor<caf::replies_to<stats_atom>::with<limiter_view>, caf::reacts_to<limits_order>>;
/// Runs of one executor; (stop, run id) cancels one.
using executor_actor_type = caf::typed_actor<caf::replies_to<run_order>::with<run_result>,
                                             caf::reacts_to<stop_run_atom, std::string>,
                                             caf::replies_to<stats_atom>::with<executor_stats>>;
/// One run: (result) is answered when it has ended; (stop) cancels it. Ends by itself soon after
/// the run, so ask at once.
using run_actor_type =
    caf::typed_actor<caf::replies_to<result_atom>::with<run_result>, caf::reacts_to<stop_run_atom>>;

/// An actor that makes calls through `client`.
[[nodiscard]] provider_client_actor_type spawn_provider_client(caf::actor_system& system,
                                                               provider_client client);
/// An actor that tells how the circuit breaker of `client` stands.
[[nodiscard]] breaker_actor_type spawn_breaker_view(caf::actor_system& system,
                                                    provider_client client);
/// An actor that tells and sets the limits of `client`.
[[nodiscard]] limiter_actor_type spawn_limiter_view(caf::actor_system& system,
                                                    provider_client client);
/// The actor owns `on`: when it ends and no other handle is left, the executor's runs are
/// cancelled.
[[nodiscard]] executor_actor_type spawn_executor(caf::actor_system& system, executor on);
/// Starts a run of `on`; when the actor is killed, the run is cancelled.
[[nodiscard]] run_actor_type spawn_run(caf::actor_system& system, executor on, workflow flow,
                                       run_options options = {});

/// A function whose work an actor of the service's does: a tool, a transform or a condition. The
/// actor gets the arguments (a `json_value`) and answers with a `json_value`, or an error, which
/// becomes the node's. A dead actor is an error at once, a silent one after `timeout`.
[[nodiscard]] callable actor_callable(std::string name, caf::actor worker,
                                      milliseconds timeout = milliseconds{30'000});

}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::completion_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::embedding_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::run_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::limits_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::breaker_view)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::limiter_view)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::chat_response)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::embedding_response)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::provider_client_stats)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::executor_stats)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::run_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::json_value)
