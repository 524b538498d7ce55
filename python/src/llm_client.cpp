#include "llm_client.hpp"

#include "error_translation.hpp"
#include "gil.hpp"
#include "loop_bridge.hpp"
#include "message_parts.hpp"
#include "response_conversion.hpp"
#include "signal_check.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

/// Hands one answer to its event loop.
template <class Convert>
class async_sink final : public chat_sink {
 public:
  async_sink(ticket where, std::shared_ptr<call_statistics> statistics, Convert convert)
      : where_(std::move(where)), statistics_(std::move(statistics)), convert_(convert) {}

  void on_done(expected<chat_response> result) override {
    statistics_->record(result);
    where_.finish(make_outcome(std::move(result), [convert = convert_](auto answer) {
      return convert(unwrap(std::move(answer)));
    }));
  }

 private:
  ticket where_;
  std::shared_ptr<call_statistics> statistics_;
  Convert convert_;
};

py::object content_of(const chat_response& response) { return text_object(response.content); }

py::object text_result(const prompt_batch::outcome_of_prompt& outcome) {
  const auto& result = outcome.result;
  return result ? text_object(result->content) : text_object("Error: " + describe(result.error()));
}

py::object full_result(const prompt_batch::outcome_of_prompt& outcome) {
  if (!outcome.result) return exception_from(outcome.result.error());
  return outcome.asked ? response_object(*outcome.result) : py::object(py::none());
}

constexpr milliseconds no_pause{0};

template <class Convert>
py::object list_of(const prompt_batch::results& results, Convert convert) {
  py::list items(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) items[i] = convert(results[i]);
  return items;
}

stream_failure stream_failure_from(py::handle given) {
  const auto name = optional_text_argument(given, "on_stream_failure");
  if (!name || *name == "error") return stream_failure::error;
  if (*name == "restart") return stream_failure::restart;
  if (*name == "continue") return stream_failure::continue_;
  raise(validation_error("on_stream_failure",
                         "on_stream_failure must be \"error\", \"restart\" or \"continue\"",
                         *name));
}

std::string_view state_text(breaker_state state) {
  switch (state) {
    case breaker_state::open:
      return "Open";
    case breaker_state::half_open:
      return "HalfOpen";
    case breaker_state::closed:
      break;
  }
  return "Closed";
}

}  // namespace

llm_client::llm_client(provider_config config, bool debug, py::handle max_cost,
                       py::handle max_total_tokens)
    : handle_(std::make_shared<client_handle>(std::move(config))),
      budget_(std::make_shared<call_budget>(
          budget_limits{optional_amount_argument(max_cost, "max_cost"),
                        optional_unsigned_argument(max_total_tokens, "max_total_tokens")})),
      debug_(debug) {}

prepared_call llm_client::prepared(prepared_call call) const {
  call.options.debug = debug_;
  call.options.budget = budget_;
  return call;
}

void llm_client::take_batch_options(keyword_arguments& keywords, batch_options& batch) const {
  const py::handle timeout_s = keywords.take("timeout_s");
  const bool has_priority = !keywords.take("priority").is_none();
  batch.call = take_call_options(keywords);
  batch.call.deadline_at = never;  // each item's time counts from its own start
  batch.call.debug = debug_;
  batch.call.budget = budget_;
  if (!has_priority) batch.call.priority = priority_class::batch;
  batch.item_timeout = timeout_or_default(timeout_s);
  batch.pause_max =
      optional_wait_argument(keywords.take("max_pause_s"), "max_pause_s").value_or(no_pause);
  const budget_limits limits = take_budget(keywords);
  batch.max_cost = limits.max_cost;
  batch.max_total_tokens = limits.max_total_tokens;
}

expected<chat_response> llm_client::wait_for(prepared_call call) {
  auto opened = handle_->open();
  auto result = without_gil([&] {
    auto answer =
        opened.client.complete(std::move(call.request), std::move(call.options), signal_raised);
    opened = {};
    return answer;
  });
  statistics_->record(result);
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();  // the signal handler's
  return result;
}

template <class Convert>
py::object llm_client::submit(prepared_call call, Convert convert) {
  auto& loop = loop_bridge::running();
  const opened_client opened = handle_->open();
  auto [future, where] = loop.begin();
  const std::uint64_t id = where.id;
  std::stop_source stop;
  call.options.stop = stop.get_token();
  opened.client.submit(
      std::move(call.request), std::move(call.options),
      std::make_unique<async_sink<Convert>>(std::move(where), statistics_, convert));
  loop.on_cancel(id, [stop = std::move(stop)]() mutable { stop.request_stop(); });
  return future;
}

py::object llm_client::complete(py::handle prompt, const call_arguments& given) {
  return content_of(unwrap(wait_for(prepared(prepare_call(prompt, given)))));
}

py::object llm_client::complete_full(py::handle prompt, const call_arguments& given) {
  return response_object(
      unwrap(wait_for(prepared(prepare_call(prompt, given, token_limit_rule::full)))));
}

py::object llm_client::complete_async(py::handle prompt, const call_arguments& given) {
  return submit(prepared(prepare_call(prompt, given)), content_of);
}

py::object llm_client::complete_full_async(py::handle prompt, const call_arguments& given) {
  return submit(prepared(prepare_call(prompt, given, token_limit_rule::full)), response_object);
}

py::tuple llm_client::start_batch(py::handle max_concurrency, const call_arguments& given,
                                  bool full) {
  const auto concurrency = optional_u32_argument(max_concurrency, "max_concurrency");
  if (concurrency == 0u)
    raise(validation_error("max_concurrency", "max_concurrency must be greater than 0", "0"));
  keyword_arguments keywords(given.options);
  batch_options options;
  take_batch_options(keywords, options);
  options.in_flight_max = concurrency.value_or(0);
  auto form = prepare_call(nullptr, given, keywords);
  refuse_attachments(form, "a batch of prompts takes no attachments: send messages by run_batch");

  auto& loop = loop_bridge::running();
  const opened_client opened = handle_->open();
  auto [future, where] = loop.begin();
  const std::uint64_t id = where.id;
  const auto batch = prompt_batch::start(
      opened, std::move(form.request), std::move(options), statistics_,
      [where = std::move(where), full](prompt_batch::results results) {
        where.finish(make_outcome(std::move(results), [full](const prompt_batch::results& r) {
          return full ? list_of(r, full_result) : list_of(r, text_result);
        }));
      });
  loop.on_cancel(id, [batch] { batch->cancel(); });
  return py::make_tuple(batch, future);
}

std::unique_ptr<batch_run> llm_client::run_batch(py::handle journal, py::handle arguments,
                                                 py::handle max_concurrency, py::handle options,
                                                 bool retry_failed) {
  batch_run::settings settings;
  settings.journal_path = optional_text_argument(journal, "journal").value_or("");
  const auto& config = handle_->config();
  settings.arguments = "provider=" + config.provider + " base_url=" + config.base_url +
                       " model=" + config.model + " " + text_argument(arguments, "arguments");
  settings.job.retry_failed = retry_failed;
  keyword_arguments keywords(options);
  take_batch_options(keywords, settings.job.batch);
  keywords.refuse_others();
  settings.job.batch.in_flight_max =
      optional_u32_argument(max_concurrency, "max_concurrency").value_or(0);
  return std::make_unique<batch_run>(handle_->open(), std::move(settings));
}

py::object llm_client::chat(py::handle messages, const call_arguments& given) {
  auto conversation = conversation_argument(messages, "messages");
  auto call = prepared(prepare_call(given));
  refuse_attachments(call, "a conversation has its images and files in its messages' contents");
  if (conversation.empty()) raise(validation_error("messages", "Messages list cannot be empty"));
  for (chat_message& message : conversation)
    if (!message.text.empty() || !message.parts.empty())
      call.request.messages.push_back(std::move(message));
  if (!call.request.messages.empty()) return submit(std::move(call), content_of);
  // The contract has this one error come from the awaitable.
  auto [future, where] = loop_bridge::running().begin();
  where.finish(make_outcome(validation_error("messages", "No valid messages found"),
                            [](const error& e) -> py::object { raise(e); }));
  return future;
}

std::unique_ptr<text_stream> llm_client::stream(py::handle prompt, const call_arguments& given) {
  std::string text = text_argument(prompt, "prompt");
  keyword_arguments keywords(given.options);
  const auto on_failure = stream_failure_from(keywords.take("on_stream_failure"));
  auto call = prepared(prepare_call(&text, given, keywords));
  call.options.on_stream_failure = on_failure;
  call.request.messages.push_back(user_message(std::move(text), std::move(call.attachments)));
  return std::make_unique<text_stream>(
      on_failure == stream_failure::error ? handle_ : resuming_handle(), std::move(call),
      statistics_);
}

std::shared_ptr<client_handle> llm_client::resuming_handle() {
  if (handle_->config().routes) return handle_;
  if (resuming_ == nullptr) {
    auto routes = std::make_shared<provider_routes>();
    routes->targets = {handle_->config()};
    provider_config config;
    config.routes = std::move(routes);
    resuming_ = std::make_shared<client_handle>(std::move(config));
  }
  static_cast<void>(handle_->open());  // the router asks the same client; its numbers are shown
  return resuming_;
}

py::object llm_client::warm_up() {
  auto& loop = loop_bridge::running();
  const opened_client opened = handle_->open();
  auto [future, where] = loop.begin();
  opened.client.warm_up([where = std::move(where)](const expected<void>&) {
    // A failed warm-up is no failure: the first call will say what is wrong.
    where.finish(make_outcome(
        0, [](int) -> py::object { return py::str("Client warmed up successfully"); }));
  });
  return future;
}

void llm_client::set_limits(py::handle max_in_flight, py::handle rpm, py::handle tpm) {
  const auto in_flight = optional_u32_argument(max_in_flight, "max_in_flight");
  const auto requests = optional_u32_argument(rpm, "rpm");
  const auto tokens = optional_unsigned_argument(tpm, "tpm");
  handle_->open().client.set_limits(in_flight, requests, tokens);
}

py::dict llm_client::stats() const {
  const auto own = statistics_->read();
  provider_client_stats shared;
  if (handle_->peek()) shared = handle_->peek().stats();
  std::string state(state_text(shared.breaker));
  if (shared.breaker == breaker_state::closed)
    state += " (failures: " + std::to_string(shared.breaker_failures) + ")";
  const auto ended = own.succeeded + own.failed;

  py::dict stats;
  stats["total_requests"] = own.total;
  stats["successful_requests"] = own.succeeded;
  stats["failed_requests"] = own.failed;
  stats["success_rate"] =
      ended == 0 ? 0.0 : static_cast<double>(own.succeeded) / static_cast<double>(ended);
  stats["average_response_time_ms"] = own.average_ms;
  stats["circuit_breaker_state"] = state;
  stats["uptime_seconds"] =
      std::chrono::duration_cast<seconds>(steady_clock::now() - started_).count();
  stats["cancelled_requests"] = own.cancelled;
  stats["rejected_requests"] = own.rejected;
  stats["p50_response_time_ms"] = own.p50_ms;
  stats["p90_response_time_ms"] = own.p90_ms;
  stats["p95_response_time_ms"] = own.p95_ms;
  stats["p99_response_time_ms"] = own.p99_ms;
  stats["prompt_tokens"] = own.prompt_tokens;
  stats["completion_tokens"] = own.completion_tokens;
  stats["cached_responses"] = own.cached;
  stats["cost"] = budget_->cost();
  stats["attempts"] = shared.attempts;
  stats["retries"] = shared.retries;
  stats["hedges"] = shared.hedges;
  stats["hedges_won"] = shared.hedges_won;
  stats["in_flight"] = shared.in_flight;
  stats["waiting"] = shared.waiting;
  stats["open_connections"] = shared.pool.open;
  stats["connections_opened"] = shared.pool.opened;
  return stats;
}

}  // namespace graphbit::python
