#include <string>
#include <utility>

#include "src/local_scope.hpp"
#include "src/node_work.hpp"
#include "src/transform.hpp"

namespace graphbit {

namespace {

/// A named transformation of the parent's output, done here at once, or a user's function.
class transform_work final : public node_work {
 public:
  explicit transform_work(node_context& context)
      : node_work(context), spec_(std::get<transform_spec>(step().spec)) {}

  void begin() override {
    node_output input = board().input_of(context().index());
    if (spec_.function) return context().call(0, spec_.function, arguments(input));
    const auto named = parse_transform(spec_.transformation, spec_.argument);
    if (!named) return context().fail_with(unknown());
    if (named->kind == transform_kind::template_text) return fill_in(named->argument, input);
    auto result = apply_transform(*named, input);
    if (!result) return context().fail_with(std::move(result.error()));
    finish(std::move(*result));
  }

  void called(std::size_t, expected<json_value> result) override {
    if (!result) return context().fail_with(std::move(result.error()));
    finish(node_output::from_json(std::move(*result)));
  }

 private:
  void finish(node_output output) {
    context().facts.exit_reason = "completed";
    context().complete(std::move(output));
  }

  void fill_in(const std::string& text, const node_output& input) {
    local_scope scope(board());
    scope.set("input", input);
    text_pieces filled;
    expand_references(text, scope, filled);
    finish(node_output::from_text(filled.str()));
  }

  json_value arguments(const node_output& input) {
    json_value inputs{json_value::object{}};
    for (const std::uint32_t parent : board().plan().parents(context().index()))
      inputs.set(board().plan().step(parent).name, board().record().nodes[parent].output.json());
    json_value out;
    out.set("input", input.json());
    out.set("inputs", std::move(inputs));
    out.set("variables", board().variables_json());
    return out;
  }

  error unknown() {
    return validation_error("transformation",
                            "node '" + step().name +
                                "' has an unknown transformation; known are uppercase, lowercase, "
                                "trim, json_extract, template, split, chunk, join, first, last",
                            spec_.transformation);
  }

  const transform_spec& spec_;
};

}  // namespace

std::unique_ptr<node_work> make_transform_work(node_context& context) {
  return std::make_unique<transform_work>(context);
}

}  // namespace graphbit
