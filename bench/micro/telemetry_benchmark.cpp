// What being looked at costs a call: its metrics, and the spans it leaves, in the caller's path.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include <graphbit/net/provider_config.hpp>
#include <graphbit/runtime/metrics.hpp>
#include <graphbit/runtime/random.hpp>
#include <graphbit/runtime/runtime.hpp>
#include <graphbit/runtime/tracer.hpp>

#include "src/call_metrics.hpp"
#include "src/call_trace.hpp"
#include "src/provider_shard.hpp"

namespace graphbit {
namespace {

/// Takes spans away at no cost.
class nowhere final : public span_exporter {
 public:
  bool take(const std::vector<trace_span>&, const std::stop_token&) override { return true; }
};

provider_config example_config() {
  provider_config config;
  config.provider = "openai";
  config.base_url = "http://127.0.0.1:1/v1";
  config.model = "gpt-4o-mini";
  return config;
}

// All that a successful call adds to metrics: five observations and three looks at the clock.
void metrics_of_a_call(benchmark::State& state) {
  metrics_registry registry;
  call_metrics metrics(registry, example_config(), {.host = "127.0.0.1"});
  const token_usage usage{.prompt_tokens = 900, .completion_tokens = 120, .total_tokens = 1020};
  for (auto _ : state) {
    const auto started = steady_clock::now();
    auto& meter = metrics.of(false, "");
    const auto answered = steady_clock::now();
    const auto ended = steady_clock::now();
    meter.succeeded(ended - started, usage);
    metrics.own_time(ended - answered);
    metrics.paid(0.001);
  }
}
BENCHMARK(metrics_of_a_call);

// A call's span with everything but content: made and handed to the tracer.
void span_of_a_call(benchmark::State& state) {
  runtime rt{{.worker_threads = 1, .reactors = 1}};
  const auto to = rt.service<tracer>();
  to->start({.exporter = std::make_shared<nowhere>(), .queued_max = 100'000});
  const auto endpoint = *make_endpoint(example_config());
  chat_request request;
  request.messages.push_back({.role = chat_role::user, .text = "hello"});
  request.max_tokens = 100;
  random_source random(1);
  pending_call call(request, {.idempotency_key = std::string(32, 'a')}, nullptr, false);
  chat_response response;
  response.model = "gpt-4o-mini-2024-07-18";
  response.id = "chatcmpl-0123456789";
  response.usage = {.prompt_tokens = 900, .completion_tokens = 120, .total_tokens = 1020};
  for (auto _ : state) {
    const auto span = trace_context{}.child(random);
    to->record(span_of({*endpoint, call, span, steady_clock::now(), 1}, response));
  }
}
BENCHMARK(span_of_a_call);

void span_of_an_attempt(benchmark::State& state) {
  runtime rt{{.worker_threads = 1, .reactors = 1}};
  const auto to = rt.service<tracer>();
  to->start({.exporter = std::make_shared<nowhere>(), .queued_max = 100'000});
  const auto endpoint = *make_endpoint(example_config());
  random_source random(1);
  const auto call = trace_context{}.child(random);
  std::uint64_t number = 0;
  for (auto _ : state) {
    const auto span = call.numbered_child(++number);
    benchmark::DoNotOptimize(span.traceparent());
    to->record(span_of({*endpoint, "/v1/chat/completions", span, call.span, steady_clock::now(),
                        steady_clock::now(), 1, false, 200, nullptr}));
  }
}
BENCHMARK(span_of_an_attempt);

}  // namespace
}  // namespace graphbit
