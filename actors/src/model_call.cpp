#include "src/model_call.hpp"

#include <utility>

#include "src/answer_json.hpp"

namespace graphbit {

namespace {

double milliseconds_of(const llm_call_record& record) {
  return std::chrono::duration<double, std::milli>(record.ended - record.started).count();
}

/// The answer's text as the event shows it, with the tools that were asked for.
std::string shown_output(const llm_call_record& record) {
  std::string text = record.output.text();
  if (record.tool_calls.empty()) return text;
  return text + "[tool_calls] " + to_json(tool_calls_json(record.tool_calls));
}

}  // namespace

chat_request make_chat_request(const model_settings& settings, std::string user_text) {
  chat_request request;
  request.messages.reserve(settings.system_prompt.empty() ? 1 : 2);
  if (!settings.system_prompt.empty())
    request.messages.push_back({chat_role::system, settings.system_prompt, {}, {}, {}});
  request.messages.push_back({chat_role::user, std::move(user_text), {}, {}, {}});
  request.temperature = settings.temperature;
  request.max_tokens = settings.max_tokens;
  request.prompt_caching = settings.prompt_caching;
  request.response_format = settings.output_schema;
  return request;
}

std::string provider_of(const run_board& board, const model_settings& settings) {
  const auto backend = board.environment().backends->find(settings);
  return backend == nullptr ? std::string() : backend->config().provider;
}

std::string llm_call_id(const node& step, std::uint32_t iteration) {
  return step.id + "-llm-" + std::to_string(iteration);
}

llm_call_record begin_llm_call(node_context& context, const model_settings& settings,
                               std::uint32_t iteration, text_pieces input) {
  llm_call_record record;
  record.iteration = iteration;
  record.input = std::move(input);
  record.started = steady_clock::now();
  context.board().emit(run_event_kind::llm_call_started, context.index(), [&](run_event& event) {
    event.call_id = llm_call_id(context.step(), iteration);
    event.iteration = iteration;
    event.name = context.board().environment().backends->find(settings)->config().model;
  });
  return record;
}

void end_llm_call(node_context& context, llm_call_record& record, expected<chat_response>& result) {
  record.ended = steady_clock::now();
  if (!result) {
    record.failure = result.error();
    record.provider = result.error().provider;
    record.attempts = result.error().attempts;
    return;
  }
  record.output = node_output::from_answer(std::move(result->content));
  record.id = std::move(result->id);
  record.model = std::move(result->model);
  record.provider = std::move(result->provider);
  record.request_id = std::move(result->request_id);
  record.finish = std::move(result->finish);
  record.usage = result->usage;
  record.attempts = result->attempts;
  record.cost = result->cost;
  record.tool_calls = result->tool_calls;
  context.board().emit(run_event_kind::llm_call_completed, context.index(), [&](run_event& event) {
    event.call_id = record.id.empty() ? llm_call_id(context.step(), record.iteration) : record.id;
    event.iteration = record.iteration;
    event.name = record.model;
    event.finish_reason = to_string(record.finish);
    event.text = shown_output(record);
    event.duration_ms = milliseconds_of(record);
  });
}

}  // namespace graphbit
