// What the gates cost per call when nothing is in the way.
#include <benchmark/benchmark.h>

#include <graphbit/actors/policy/breaker.hpp>
#include <graphbit/actors/policy/limiter.hpp>
#include <graphbit/runtime/random.hpp>

namespace graphbit::policy {
namespace {

void breaker_attempt(benchmark::State& state) {
  breaker gate;
  random_source random{1};
  const auto now = steady_clock::now();
  for (auto _ : state) {
    benchmark::DoNotOptimize(gate.admit(now));
    gate.finished(gate.started(now), attempt_outcome::success, now, random);
  }
}
BENCHMARK(breaker_attempt);

void limiter_call(benchmark::State& state) {
  limiter gate({.in_flight_max = 256});
  const auto now = steady_clock::now();
  limiter_request request;
  for (auto _ : state) gate.release(gate.try_acquire(request, now), now);
}
BENCHMARK(limiter_call);

void limiter_call_with_rates(benchmark::State& state) {
  limiter gate({.in_flight_max = 256, .requests_per_minute = 4'000'000'000u});
  auto now = steady_clock::now();
  limiter_request request;
  for (auto _ : state) {
    now += std::chrono::microseconds(10);
    gate.release(gate.try_acquire(request, now), now);
  }
}
BENCHMARK(limiter_call_with_rates);

}  // namespace
}  // namespace graphbit::policy
