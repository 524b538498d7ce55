#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/pinned_actor.hpp>

#include "src/run_board.hpp"

namespace graphbit {

/// Why a node stops for a while, holding nothing: it begins anew at a time, or when its run is told
/// something.
struct parking {
  wall_time until = wall_time::max();
  std::string signal{};     ///< wakes it earlier
  bool any_signal = false;  ///< so does every other
  std::string why{};        ///< in words
};

/// To a node from its sink: how one call to a model ended.
struct model_answer {
  std::size_t slot = 0;
  std::shared_ptr<expected<chat_response>> result;
};
/// To a node from the blocking pool, or from its time limit: how one callable ended.
struct callable_answer {
  std::size_t slot = 0;
  std::shared_ptr<expected<json_value>> result;
};
/// To a node from the run of its sub-workflow.
struct sub_run_answer {
  std::shared_ptr<const run_result> result;
};
/// To a node: all that was recorded before is durable (or the run is lost).
struct records_kept {
  std::shared_ptr<const expected<void>> how;
};
/// To a node from the run of its sub-workflow, which has nothing to do until then.
struct sub_run_parked {
  wall_time until;
};
/// To a run from one of its nodes, whose slot on the board is now filled.
struct node_ended {
  std::uint32_t index = 0;
};
/// To a run from one of its nodes, which has ended for now and is to be begun again.
struct node_parked {
  std::uint32_t index = 0;
  std::shared_ptr<const parking> how;
};
/// To a run, and from it to the runs of its sub-workflows: what somebody told it.
struct signal_came {
  std::string name;
  std::shared_ptr<const json_value> value;
};
/// What the store is told of a run that is ended early.
struct ending {
  std::optional<stored_state> leave_as{};  ///< none: by its result
  bool unrecorded = false;                 ///< nothing: the run is not ours any more
};
/// To a node or a run: end now.
struct end_early {
  std::shared_ptr<const error> why;
  ending how{};
};

struct node_actor_state {
  static inline const char* name = "node";
};
using node_actor = caf::stateful_actor<node_actor_state, pinned_actor>;

/// Carries out one node of a run, then fills its slot on the board, tells the run, and ends.
///
/// Whatever happens the run hears of it exactly once: an exception becomes the node's error, and so
/// does an actor that ends without an answer.
caf::behavior run_node(node_actor* self, const std::shared_ptr<run_board>& board,
                       std::uint32_t index, const caf::actor& run);

}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::model_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::callable_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::sub_run_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::node_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::records_kept)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::sub_run_parked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::node_parked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::signal_came)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::end_early)
