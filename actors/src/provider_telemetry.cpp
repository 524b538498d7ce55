// What calls are measured by, and the spans and log lines they leave.
#include <algorithm>
#include <type_traits>
#include <utility>

#include <graphbit/runtime/log.hpp>

#include "call_trace.hpp"
#include "live_call.hpp"

namespace graphbit {

// --- time ----------------------------------------------------------------------------------------

// A call's own overhead is what is left of its time after the provider's and the time it was made
// to wait: queued for a limit, backing off, parked, following an equal call.
void provider_shard::begin_wait(live_call& call, time_point now) { call.waits_since = now; }

void provider_shard::end_wait(live_call& call, time_point now) {
  if (call.waits_since == time_point{}) return;
  call.not_ours += now - std::exchange(call.waits_since, {});
}

void provider_shard::answer_came(live_call& call, time_point now) {
  call.not_ours += now - std::max(call.round_began, call.answered_at);
  call.answered_at = now;
}

void provider_shard::text_timed(live_call& call) {
  const auto now = steady_clock::now();
  if (call.first_chunk_at == time_point{}) {
    call.first_chunk_at = now;
    call.meter->first_chunk(now - call.pending->submitted_at);
  } else {
    call.meter->next_chunk(now - call.last_chunk_at);
  }
  call.last_chunk_at = now;
}

// --- traces --------------------------------------------------------------------------------------

void provider_shard::begin_trace(live_call& call) {
  const auto& parent = call.pending->options.trace;
  if (!setup_.tracer->on() || (parent.valid() && !parent.sampled)) return;
  call.span = parent.child(random_);
}

// For the attempt that is about to be sent: its own span, or the caller's where nothing is traced.
std::string provider_shard::trace_header(const live_call& call) const {
  const auto& options = call.pending->options;
  if (call.span.valid())
    return "traceparent: " + call.span.numbered_child(call.attempts_sent + 1).traceparent() +
           "\r\n";
  return options.trace.valid() ? "traceparent: " + options.trace.traceparent() + "\r\n" : "";
}

namespace {

[[nodiscard]] call_facts facts_of(const provider_endpoint& endpoint, const pending_call& call,
                                  const trace_context& span, std::uint32_t attempts,
                                  time_point first_chunk_at, time_point now, bool content) {
  return {
      endpoint, call,
      span,     now,
      attempts, first_chunk_at == time_point{} ? duration{0} : first_chunk_at - call.submitted_at,
      content};
}

}  // namespace

template <class Response>
void provider_shard::tell_success(const live_call& call, const Response& response, time_point now) {
  const auto took = now - call.pending->submitted_at;
  const bool sent = response.attempts > 0;  // what the cache knows was paid for before
  call.meter->succeeded(took, sent ? response.usage : token_usage{});
  totals_.latencies.record(took);
  if (sent) {
    totals_.input_tokens += response.usage.prompt_tokens;
    totals_.output_tokens += response.usage.completion_tokens;
    totals_.cost += response.cost.value_or(0);
  }
  metrics_.own_time(std::max(duration{0}, took - call.not_ours));
  if (response.cost && *response.cost > 0) metrics_.paid(*response.cost);
  if (!call.span.valid()) return;
  setup_.tracer->record(
      span_of(facts_of(*setup_.endpoint, *call.pending, call.span, call.attempts_sent,
                       call.first_chunk_at, now, setup_.tracer->content()),
              response));
}
template void provider_shard::tell_success(const live_call&, const chat_response&, time_point);
template void provider_shard::tell_success(const live_call&, const embedding_response&, time_point);

void provider_shard::tell_failure(const live_call& call, const error& e) {
  const auto now = steady_clock::now();
  call.meter->failed(now - call.pending->submitted_at, e);
  if (!call.span.valid()) return;
  setup_.tracer->record(
      span_of(facts_of(*setup_.endpoint, *call.pending, call.span, call.attempts_sent,
                       call.first_chunk_at, now, setup_.tracer->content()),
              e));
}

void provider_shard::tell_attempt(const attempt& a, const error* failure) {
  const auto& call = a.of;
  if (!call.span.valid()) return;
  const auto& endpoint = *setup_.endpoint;
  const auto& target = call.pending->embedding() != nullptr ? endpoint.embeddings_target
                       : call.pending->stream               ? endpoint.stream_target
                                                            : endpoint.chat_target;
  setup_.tracer->record(
      span_of({endpoint, *target, a.span, call.span.span, a.sent_at, steady_clock::now(), a.number,
               a.hedge, a.answer_status, failure}));
}

// --- the log -------------------------------------------------------------------------------------

// Kind and status only: the provider's own words may quote the prompt.
void provider_shard::log_attempt(const live_call& call, const error& e,
                                 std::string_view then) const {
  const auto& options = call.pending->options;
  log_subject about{.request_id = options.idempotency_key, .attempt = call.retry.attempts};
  if (options.origin) {
    about.run_id = options.origin->run_id;
    about.node = options.origin->node;
  }
  std::string text = "attempt failed: " + std::string(to_string(e.kind));
  if (e.status != 0)
    text += " (HTTP " + std::to_string(e.status) + ")";
  else if (!e.operation.empty())
    text += " (" + e.operation + ")";
  log(log_level::debug, "actors", text + "; " + std::string(then), about);
}

}  // namespace graphbit
