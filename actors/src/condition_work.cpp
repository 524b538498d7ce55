#include <deque>
#include <string>
#include <utility>

#include <graphbit/actors/condition_expression.hpp>

#include "src/node_work.hpp"

namespace graphbit {

namespace {

/// Decides which direct successor the run goes on with. Its output is that node's name.
class condition_work final : public node_work {
 public:
  explicit condition_work(node_context& context)
      : node_work(context), spec_(std::get<condition_spec>(step().spec)) {}

  void begin() override {
    const auto parents = board().plan().parents(context().index());
    if (parents.size() != 1)
      return give_up("needs exactly one incoming edge, it has " + std::to_string(parents.size()));
    if (spec_.handler) return context().call(0, spec_.handler, arguments(parents.front()));
    auto expression = condition_expression::parse(spec_.expression);
    if (!expression) return give_up(expression.error().message);
    decide(expression->evaluate([this](std::string_view name) { return value_of(name); }));
  }

  void called(std::size_t, expected<json_value> result) override {
    if (!result) {
      result.error().message = said(result.error().message);
      return context().fail_with(std::move(result.error()));
    }
    decide(*result);
  }

 private:
  void decide(const json_value& verdict) {
    if (!verdict.is_string()) return follow(condition_expression::truth(verdict));
    std::string_view name = verdict.as_string();
    const auto from = name.find_first_not_of(" \t\r\n");
    if (from == std::string_view::npos) return give_up("gave an empty name");
    name = name.substr(from, name.find_last_not_of(" \t\r\n") - from + 1);
    for (const std::uint32_t successor : board().plan().successors(context().index()))
      if (board().plan().step(successor).name == name) return choose(std::string(name));
    give_up("chose '" + std::string(name) + "', which is no direct successor");
  }

  /// True: the first successor; false: the second, or none.
  void follow(bool truth) {
    if (spec_.handler) return give_up("must return the name of a direct successor");
    const auto successors = board().plan().successors(context().index());
    const std::size_t which = truth ? 0 : 1;
    choose(which < successors.size() ? board().plan().step(successors[which]).name : std::string());
  }

  void choose(std::string name) {
    context().facts.chosen = name;
    context().facts.exit_reason = "completed";
    context().complete(name.empty() ? node_output() : node_output::from_text(std::move(name)));
  }

  [[nodiscard]] std::string said(const std::string& what) {
    return "Workflow execution error: condition node '" + step().name + "' " + what;
  }
  void give_up(const std::string& what) { context().fail_with(core_error(said(what))); }

  /// A reference's value; kept here while the expression is evaluated.
  const json_value* value_of(std::string_view name) {
    const node_output* found = nullptr;
    node_output input;
    if (name == "output" || name == "parent_output") {
      input = board().input_of(context().index());
      found = &input;
    } else {
      found = board().variable(name);
    }
    return found == nullptr ? nullptr : &values_.emplace_back(found->json());
  }

  json_value arguments(std::uint32_t parent) {
    json_value metadata;
    metadata.set("run_id", board().run_id());
    metadata.set("workflow_id", board().plan().flow()->id());
    metadata.set("workflow_name", board().plan().flow()->name());
    metadata.set("node_id", step().id);
    metadata.set("node_name", step().name);
    json_value out;
    out.set("parent_node_id", board().plan().step(parent).id);
    out.set("parent_output", board().record().nodes[parent].output.json());
    const json_value outputs = board().outputs_json();
    out.set("variables", variables(outputs));
    out.set("node_outputs", outputs);
    out.set("metadata", std::move(metadata));
    return out;
  }

  /// Inputs as they are, and outputs as JSON text, as a result's variables show them.
  json_value variables(const json_value& outputs) {
    json_value all = board().variables_json();
    if (outputs.is_object())
      for (const auto& [name, value] : outputs.as_object()) all.set(name, to_json(value));
    return all;
  }

  const condition_spec& spec_;
  std::deque<json_value> values_;
};

}  // namespace

std::unique_ptr<node_work> make_condition_work(node_context& context) {
  return std::make_unique<condition_work>(context);
}

}  // namespace graphbit
