#include <utility>

#include "src/local_scope.hpp"
#include "src/node_work.hpp"

namespace graphbit {

namespace {

/// Runs another workflow beside this run and takes the outputs of its last nodes.
class sub_workflow_work final : public node_work {
 public:
  explicit sub_workflow_work(node_context& context)
      : node_work(context), spec_(std::get<sub_workflow_spec>(step().spec)) {}

  void begin() override {
    auto plan = run_plan::make(spec_.flow);
    if (!plan) return context().fail_with(std::move(plan.error()));
    context().run(std::move(*plan), inputs());
  }

  void ran(const run_result& result) override {
    if (!result.is_success()) {
      error why = result.record().failure.value_or(cancelled_error("sub_workflow"));
      why.message = "sub-workflow '" + step().name + "': " + why.message;
      return context().fail_with(std::move(why));
    }
    context().facts.exit_reason = "completed";
    context().complete(last_outputs(result));
  }

 private:
  json_value inputs() {
    const node_output input = board().input_of(context().index());
    local_scope scope(board());
    scope.set("input", input);
    json_value out;
    out.set("input", input.json());
    for (const auto& [name, text] : spec_.inputs) {
      text_pieces value;
      expand_references(text, scope, value);
      out.set(name, node_output::from_answer(value.str()).json());
    }
    return out;
  }

  /// The nodes that nothing follows and that were run: one gives its output as it is.
  static node_output last_outputs(const run_result& result) {
    const workflow& flow = *result.record().flow;
    std::vector<bool> followed(flow.nodes().size(), false);
    for (const auto& [from, to] : flow.edges()) followed[from] = true;
    std::vector<std::size_t> last;
    for (std::size_t i = 0; i < followed.size(); ++i)
      if (!followed[i] && result.node_at(i).status == node_status::completed) last.push_back(i);
    if (last.size() == 1) return result.node_at(last.front()).output;
    json_value out{json_value::object{}};
    for (const std::size_t i : last)
      out.set(flow.nodes()[i]->name, result.node_at(i).output.json());
    return node_output::from_json(std::move(out));
  }

  const sub_workflow_spec& spec_;
};

}  // namespace

std::unique_ptr<node_work> make_sub_workflow_work(node_context& context) {
  return std::make_unique<sub_workflow_work>(context);
}

}  // namespace graphbit
