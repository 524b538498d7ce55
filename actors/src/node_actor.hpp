#pragma once

#include <cstdint>
#include <memory>

#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/pinned_actor.hpp>

#include "src/run_board.hpp"

namespace graphbit {

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
/// To a run from one of its nodes, whose slot on the board is now filled.
struct node_ended {
  std::uint32_t index = 0;
};
/// To a node or a run: end now.
struct end_early {
  std::shared_ptr<const error> why;
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
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::end_early)
