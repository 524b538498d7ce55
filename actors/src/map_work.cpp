#include <algorithm>
#include <optional>
#include <utility>

#include <graphbit/runtime/limits.hpp>

#include "src/local_scope.hpp"
#include "src/model_call.hpp"
#include "src/node_work.hpp"
#include "src/structured_answer.hpp"

namespace graphbit {

namespace {

/// The list that `items` refers to, or the parent's output. Text that holds a JSON list counts.
expected<json_value::array> find_items(const run_board& board, std::size_t index,
                                       const map_spec& spec) {
  node_output source = board.input_of(index);
  if (!spec.items.empty()) {
    text_pieces text;
    expand_references(spec.items, board, text);
    source = node_output::from_answer(text.str());
  }
  const json_value* list = source.structured();
  if (list != nullptr && list->is_array()) return list->as_array();
  return fail(validation_error("items",
                               "map node '" + board.plan().step(index).name +
                                   "' needs a list; put a split transform before it",
                               source.text().substr(0, 80)));
}

/// What is asked for one item. `scope` knows `count` already.
text_pieces item_input(const map_spec& spec, local_scope& scope, const json_value& item,
                       std::size_t slot) {
  scope.set("item", node_output::from_json(item));
  scope.set("index", node_output::from_text(std::to_string(slot)));
  text_pieces input;
  expand_references(spec.prompt, scope, input);
  return input;
}

/// Asks the model once per item of a list, at most `in_flight_max` at once, and joins the answers
/// in the items' order. The first item that fails ends the node.
class map_work final : public node_work {
 public:
  explicit map_work(node_context& context)
      : node_work(context), spec_(std::get<map_spec>(step().spec)), scope_(board()) {}

  void begin() override {
    auto items = find_items(board(), context().index(), spec_);
    if (!items) return context().fail_with(std::move(items.error()));
    items_ = std::move(*items);
    answers_.resize(items_.size());
    calls_.resize(items_.size());
    structures_.resize(items_.size());
    scope_.set("count", node_output::from_text(std::to_string(items_.size())));
    context().facts.user_input.add(spec_.prompt);
    if (items_.empty()) return finish();
    while (next_ < items_.size() && next_ < spec_.in_flight_max)
      if (!ask_next()) return;
  }

  void answered(std::size_t slot, expected<chat_response> result) override {
    end_llm_call(context(), calls_[slot], result);
    if (!result) {
      if (auto other = structures_[slot]->instead_of(result.error()))
        return ask_again(slot, std::move(*other));
      return fail_item(slot, std::move(result.error()));
    }
    auto verdict = structures_[slot]->judge(calls_[slot].output);
    if (verdict.next) return ask_again(slot, std::move(*verdict.next));
    if (verdict.failure) return fail_item(slot, std::move(*verdict.failure));
    if (items_.size() > 1) context().keep(slot, calls_[slot]);
    answers_[slot] = std::move(*verdict.output);
    structures_[slot].reset();
    ++answered_;
    if (answered_ == items_.size()) return finish();
    if (next_ < items_.size()) ask_next();
  }

 private:
  bool ask_next() {
    const std::size_t slot = next_++;
    text_pieces input = item_input(spec_, scope_, items_[slot], slot);
    if (input.bytes() > limits::prompt_bytes_max) {
      context().fail_with(resource_error(
          "prompt", "the prompt of item " + std::to_string(slot) + " exceeds the limit of 16 MiB"));
      return false;
    }
    chat_request request = make_chat_request(spec_.model, input.str());
    structures_[slot].emplace(spec_.model, provider_of(board(), spec_.model));
    structures_[slot]->demand(request);
    ask(slot, std::move(request), std::move(input));
    return true;
  }

  void ask(std::size_t slot, chat_request request, text_pieces input) {
    const auto iteration = static_cast<std::uint32_t>(slot + 1);
    calls_[slot] = begin_llm_call(context(), spec_.model, iteration, std::move(input));
    context().ask(slot, spec_.model, std::move(request), llm_call_id(step(), iteration));
  }

  void ask_again(std::size_t slot, chat_request request) {
    context().facts.executions.emplace_back(std::move(calls_[slot]));
    text_pieces told;
    told.add_owned(request.messages.back().text);
    ask(slot, std::move(request), std::move(told));
  }

  void fail_item(std::size_t slot, error why) {
    why.message = "item " + std::to_string(slot) + ": " + why.message;
    keep_calls();
    context().fail_with(std::move(why));
  }

  void keep_calls() {
    auto& executions = context().facts.executions;
    executions.reserve(executions.size() + calls_.size());
    for (llm_call_record& call : calls_)
      if (call.ended != time_point{}) executions.emplace_back(std::move(call));
  }

  void finish() {
    keep_calls();
    context().facts.exit_reason = "completed";
    context().complete(spec_.join ? joined(*spec_.join) : listed());
  }

  node_output joined(const std::string& separator) const {
    std::string text;
    for (std::size_t i = 0; i < answers_.size(); ++i) {
      if (i > 0) text += separator;
      text += answers_[i].text();
    }
    return node_output::from_text(std::move(text));
  }

  node_output listed() const {
    json_value::array list;
    list.reserve(answers_.size());
    for (const node_output& answer : answers_) list.push_back(answer.json());
    return node_output::from_json(std::move(list));
  }

  const map_spec& spec_;
  local_scope scope_;
  json_value::array items_;
  std::vector<node_output> answers_;
  std::vector<llm_call_record> calls_;
  std::vector<std::optional<structured_answer>> structures_;  // of the items at work
  std::size_t next_ = 0;
  std::size_t answered_ = 0;
};

}  // namespace

void restore_map_input(run_board& board, std::size_t index, node_result& result) {
  const auto& spec = std::get<map_spec>(board.plan().step(index).spec);
  const auto items = find_items(board, index, spec);
  if (!items) return;
  result.user_input.add(spec.prompt);
  local_scope scope(board);
  scope.set("count", node_output::from_text(std::to_string(items->size())));
  for (auto& execution : result.executions) {
    auto* call = std::get_if<llm_call_record>(&execution);
    const std::size_t slot = call == nullptr ? items->size() : call->iteration - 1;
    if (slot < items->size()) call->input = item_input(spec, scope, (*items)[slot], slot);
  }
}

std::unique_ptr<node_work> make_map_work(node_context& context) {
  return std::make_unique<map_work>(context);
}

}  // namespace graphbit
