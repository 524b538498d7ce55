#pragma once

#include <functional>
#include <memory>
#include <string>

#include <graphbit/runtime/pinned_actor.hpp>

#include "src/node_actor.hpp"
#include "src/run_board.hpp"

namespace graphbit {

/// Hears of a run's end, exactly once, on the run's reactor.
using run_done = std::function<void(const run_result& result)>;

struct run_actor_state {
  static inline const char* name = "run";
};
using run_actor = caf::stateful_actor<run_actor_state, pinned_actor>;

/// Spawns the actor of one run on `home`. It starts each node the moment its inputs are there,
/// as an actor beside itself; when all have ended, or its time is up, or it gets `end_early`, it
/// hands out the result and ends. A run that dies hands out a failed result. Any thread.
caf::actor start_run(reactor& home, run_setup setup, run_done done);

/// Calls `done`; what it throws is logged, for it must cost neither the run nor the process.
void tell_end(const run_done& done, const run_result& result) noexcept;

/// The result of a run that never began, or whose caller hears of it no more: no node has run.
[[nodiscard]] run_result unstarted_result(std::string run_id, std::shared_ptr<const workflow> flow,
                                          json_value inputs, error why);

}  // namespace graphbit
