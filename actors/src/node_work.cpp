#include "src/node_work.hpp"

namespace graphbit {

void node_work::answered(std::size_t, expected<chat_response>) {
  context_.fail_with(core_error("node '" + step().name + "' got an answer it did not ask for"));
}
void node_work::called(std::size_t, expected<json_value>) {
  context_.fail_with(core_error("node '" + step().name + "' got a result it did not ask for"));
}
void node_work::ran(const run_result&) {
  context_.fail_with(core_error("node '" + step().name + "' got a run it did not ask for"));
}

void restore_asked(run_board& board, std::size_t index, node_result& result) {
  const node_kind kind = board.plan().step(index).kind();
  if (kind == node_kind::agent) restore_agent_input(board, index, result);
  if (kind == node_kind::map) restore_map_input(board, index, result);
}

std::unique_ptr<node_work> make_node_work(node_context& context) {
  switch (context.step().kind()) {
    case node_kind::agent:
      return make_agent_work(context);
    case node_kind::transform:
      return make_transform_work(context);
    case node_kind::condition:
      return make_condition_work(context);
    case node_kind::map:
      return make_map_work(context);
    case node_kind::sub_workflow:
      return make_sub_workflow_work(context);
    case node_kind::wait:
      return make_wait_work(context);
  }
  return make_agent_work(context);
}

}  // namespace graphbit
