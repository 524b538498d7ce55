#include <utility>

#include <graphbit/runtime/limits.hpp>

#include "src/model_call.hpp"
#include "src/node_work.hpp"
#include "src/prompt.hpp"
#include "src/structured_answer.hpp"

namespace graphbit {

namespace {

/// Context, the parents' outputs and the prompt, with an empty line between. `prompt` gets the
/// prompt alone.
text_pieces compose_input(const run_board& board, std::size_t index, const agent_spec& spec,
                          text_pieces& prompt) {
  text_pieces input, parents, asked;
  expand_references(spec.prompt, board, asked);
  prompt = asked;
  expand_references(spec.context, board, input);
  if (!input.empty()) input.add("\n\n");
  board.add_parent_texts(index, parents);
  if (!parents.empty()) parents.add("\n\n");
  input.append(std::move(parents));
  input.append(std::move(asked));
  return input;
}

/// What the model is told of one tool's result, after what it was told of others.
void add_told(const tool_call_record& tool, text_pieces& told) {
  told.add_owned((told.empty() ? "" : "\n") + tool.call.name + ": " + tool.output);
}

/// Asks the model, runs the tools it calls for, tells it their results, until it answers in words
/// or its iterations are used up. Context and system prompt stay in the conversation.
class agent_work final : public node_work {
 public:
  explicit agent_work(node_context& context)
      : node_work(context),
        spec_(std::get<agent_spec>(step().spec)),
        structure_(spec_.model, provider_of(board(), spec_.model)) {}

  void begin() override {
    text_pieces input =
        compose_input(board(), context().index(), spec_, context().facts.user_input);
    if (input.bytes() > limits::prompt_bytes_max)
      return context().fail_with(resource_error(
          "prompt", "the prompt of node '" + step().name + "' has " +
                        std::to_string(input.bytes()) + " bytes; the limit is 16 MiB"));
    chat_request request = make_chat_request(spec_.model, input.str());
    for (const tool& t : spec_.tools) request.tools.push_back(t.spec);
    structure_.demand(request);
    ask(std::move(request), std::move(input));
  }

  void answered(std::size_t slot, expected<chat_response> result) override {
    end_llm_call(context(), call_, result);
    const bool may_ask_again = !spec_.model.output_schema.empty();
    if (result && (goes_on(*result) || may_ask_again)) context().keep(slot, call_);
    const bool failed = !result.has_value();
    const node_output output = call_.output;
    context().facts.executions.emplace_back(std::move(call_));
    if (failed) return answer_failed(std::move(result.error()));
    if (!wants_tools(*result)) return judge(output, to_string(result->finish));
    if (!goes_on(*result)) return judge(output, "max_iterations");
    run_tools(output.text(), std::move(result->tool_calls));
  }

  void called(std::size_t slot, expected<json_value> result) override {
    const std::size_t i = slot - slots_before_;
    if (i >= calls_.size()) return;
    end_tool(calls_[i], std::move(result));
    if (--calls_running_ == 0) tell_results();
  }

 private:
  [[nodiscard]] bool wants_tools(const chat_response& answer) const {
    return !answer.tool_calls.empty() && !spec_.tools.empty();
  }
  [[nodiscard]] bool goes_on(const chat_response& answer) const {
    return wants_tools(answer) &&
           iteration_ < spec_.max_iterations.value_or(limits::tool_iterations_max);
  }

  void ask(chat_request request, text_pieces input) {
    ++iteration_;
    if (!spec_.tools.empty()) messages_ = request.messages;
    call_ = begin_llm_call(context(), spec_.model, iteration_, std::move(input));
    const bool named = board().setup().stream_tokens;
    context().ask(iteration_, spec_.model, std::move(request),
                  named ? llm_call_id(step(), iteration_) : std::string());
  }

  /// Ends with the answer, unless it must fit a schema and does not.
  void judge(const node_output& answer, std::string_view exit_reason) {
    auto verdict = structure_.judge(answer);
    if (verdict.next) return ask_again(std::move(*verdict.next));
    context().facts.exit_reason = verdict.output ? exit_reason : "invalid_output";
    if (verdict.failure) return context().fail_with(std::move(*verdict.failure));
    context().complete(std::move(*verdict.output));
  }

  void ask_again(chat_request request) {
    text_pieces told;
    told.add_owned(request.messages.back().text);
    ask(std::move(request), std::move(told));
  }

  /// A first call that fails is the node's error; later ones leave what the tools found.
  void answer_failed(error e) {
    if (auto other = structure_.instead_of(e)) return ask_again(std::move(*other));
    context().facts.exit_reason = "error";
    if (iteration_ == 1 || e.cancelled) return context().fail_with(std::move(e));
    std::string lines;
    for (const auto& execution : context().facts.executions) {
      const auto* t = std::get_if<tool_call_record>(&execution);
      if (t != nullptr) lines += (lines.empty() ? "" : "\n") + t->call.name + ": " + t->output;
    }
    context().complete(node_output::from_text(std::move(lines)));
  }

  void run_tools(const std::string& said, std::vector<tool_call> wanted) {
    messages_.push_back({chat_role::assistant, said, {}, wanted, {}});
    slots_before_ += calls_.size();
    calls_.clear();
    calls_running_ = wanted.size();
    for (tool_call& call : wanted) {
      calls_.emplace_back();
      calls_.back().call = std::move(call);
    }
    for (std::size_t i = 0; i < calls_.size(); ++i) start_tool(i);
    if (calls_running_ == 0) tell_results();
  }

  /// Starts one tool; what cannot be started is answered at once, in the model's conversation.
  void start_tool(std::size_t i) {
    tool_call_record& record = calls_[i];
    record.started = steady_clock::now();
    board().emit(run_event_kind::tool_call_started, context().index(), [&](run_event& event) {
      event.name = record.call.name;
      event.call_id = record.call.id;
      event.text = record.call.arguments;
    });
    const tool* found = find_tool(spec_.tools, record.call.name);
    auto arguments = parse_json(record.call.arguments.empty() ? "{}" : record.call.arguments);
    if (found != nullptr && arguments)
      return context().call(slots_before_ + i, found->function, std::move(*arguments));
    --calls_running_;
    end_tool(record, fail(found == nullptr ? core_error("Tool '" + record.call.name + "' not found")
                                           : core_error("The arguments are no JSON: " +
                                                        arguments.error().message)));
  }

  void end_tool(tool_call_record& record, expected<json_value> result) {
    record.ended = steady_clock::now();
    record.success = result.has_value();
    record.output = result ? to_text(*result) : "Error: " + result.error().message;
    if (record.output.size() > limits::tool_result_bytes_max) {
      record.success = false;
      record.output = "Error: the result has " + std::to_string(record.output.size()) +
                      " bytes; the limit is 1 MiB";
    }
    const auto kind =
        record.success ? run_event_kind::tool_call_completed : run_event_kind::tool_call_failed;
    board().emit(kind, context().index(), [&](run_event& event) {
      event.name = record.call.name;
      event.call_id = record.call.id;
      event.duration_ms =
          std::chrono::duration<double, std::milli>(record.ended - record.started).count();
      if (record.success)
        event.text = to_json(*result);
      else
        event.failure = result ? core_error(record.output) : result.error();
    });
  }

  /// All tools ended: the model hears their results in the order of its calls.
  void tell_results() {
    text_pieces told;
    for (tool_call_record& record : calls_) {
      messages_.push_back({chat_role::tool, record.output, {}, {}, record.call.id});
      add_told(record, told);
      context().facts.executions.emplace_back(std::move(record));
    }
    chat_request request = make_chat_request(spec_.model, {});
    request.messages = messages_;
    for (const tool& t : spec_.tools) request.tools.push_back(t.spec);
    structure_.sent(request);
    ask(std::move(request), std::move(told));
  }

  const agent_spec& spec_;
  structured_answer structure_;
  std::uint32_t iteration_ = 0;
  llm_call_record call_;                 // the one that is out
  std::vector<chat_message> messages_;   // kept only where tools may need them again
  std::vector<tool_call_record> calls_;  // this iteration's
  std::size_t calls_running_ = 0;
  std::size_t slots_before_ = 0;
};

}  // namespace

void restore_agent_input(run_board& board, std::size_t index, node_result& result) {
  const auto& spec = std::get<agent_spec>(board.plan().step(index).spec);
  text_pieces next = compose_input(board, index, spec, result.user_input);
  for (auto& execution : result.executions) {
    if (auto* call = std::get_if<llm_call_record>(&execution))
      call->input = std::exchange(next, {});
    else
      add_told(std::get<tool_call_record>(execution), next);
  }
}

std::unique_ptr<node_work> make_agent_work(node_context& context) {
  return std::make_unique<agent_work>(context);
}

}  // namespace graphbit
