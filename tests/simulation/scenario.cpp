#include <simulation/scenario.hpp>

#include <array>

namespace graphbit::sim {

namespace {

using namespace std::chrono_literals;

template <class T, std::size_t Size>
T one_of(const T (&choices)[Size], random_source& random) {
  return choices[random.below(Size)];
}

struct named_phase {
  const char* name;
  provider_phase phase;
};

provider_phase healthy() { return {}; }

provider_phase slow() {
  provider_phase p;
  p.latency = 4s;
  p.latency_sigma = 0.8;
  return p;
}

provider_phase faulty() {
  provider_phase p;
  p.server_error = 0.2;
  p.reset = 0.05;
  p.unparsable = 0.02;
  p.stale = 0.05;
  return p;
}

provider_phase storm() {
  provider_phase p;
  p.rate_limited = 0.9;
  p.retry_after = 700ms;
  return p;
}

provider_phase moody() {  // refuses by chance, with no limit behind it
  provider_phase p;
  p.rate_limited = 0.2;
  p.retry_after = 1s;
  return p;
}

provider_phase hanging() {
  provider_phase p;
  p.never_answers = 0.7;
  return p;
}

provider_phase dead() {
  provider_phase p;
  p.reset = 1;
  return p;
}

provider_phase refusing() {
  provider_phase p;
  p.bad_request = 0.95;
  return p;
}

provider_phase lying() {
  provider_phase p;
  p.rate_limited = 0.1;
  p.lies = true;
  return p;
}

provider_phase draw_phase(random_source& random, std::string& text) {
  const named_phase all[] = {
      {"healthy", healthy()},   {"slow", slow()},       {"faulty", faulty()},
      {"storm", storm()},       {"hanging", hanging()}, {"dead", dead()},
      {"refusing", refusing()}, {"lying", lying()},     {"moody", moody()},
  };
  auto [name, phase] = all[random.below(std::size(all))];
  phase.length = milliseconds(200 + random.below(30'000));
  phase.error_latency = milliseconds(random.below(2) * random.below(300));
  if (random.below(3) == 0) phase.latency_sigma = 0.3;
  if (random.below(3) == 0) phase.slow_share = 0.02;
  text += std::string(" ") + name;
  return phase;
}

client_settings draw_client(random_source& random, std::string& text) {
  client_settings s;
  s.limits.in_flight_max = one_of({0u, 1u, 4u, 16u, 64u, 300u}, random);
  s.limits.requests_per_minute = one_of({0u, 0u, 0u, 60u, 600u, 6000u}, random);
  s.limits.tokens_per_minute = one_of({0ull, 0ull, 0ull, 60'000ull, 600'000ull}, random);
  s.retry.retries_max = one_of({0u, 1u, 3u, 3u, 6u}, random);
  s.hedge.enabled = random.below(3) == 0;
  s.adaptive.enabled = s.limits.in_flight_max > 0 && random.below(3) == 0;
  s.adaptive.max = s.limits.in_flight_max;
  s.learns = random.below(2) == 0;
  s.attempt_timeout = milliseconds(500 + random.below(20'000));
  s.work_budget = random.below(4) == 0 ? duration(5s) : duration(300s);
  text += " in_flight=" + std::to_string(s.limits.in_flight_max) +
          " rpm=" + std::to_string(s.limits.requests_per_minute) +
          " tpm=" + std::to_string(s.limits.tokens_per_minute) +
          " retries=" + std::to_string(s.retry.retries_max);
  if (s.hedge.enabled) text += " hedging";
  if (s.adaptive.enabled) text += " adaptive";
  if (s.learns) text += " learning";
  return s;
}

workload draw_work(random_source& random, std::string& text) {
  workload w;
  w.calls = 200 + static_cast<std::uint32_t>(random.below(800));
  w.concurrency = one_of({1u, 8u, 64u, 400u}, random);
  w.think_max = milliseconds(1 + random.below(100));
  w.batch_share = one_of({0.0, 0.1, 0.5, 0.9}, random);
  w.cancelled_share = one_of({0.0, 0.02, 0.3}, random);
  w.deadline_share = one_of({0.0, 0.3, 1.0}, random);
  w.deadline_max = milliseconds(100 + random.below(30'000));
  w.flows = one_of({0u, 0u, 3u}, random);
  w.flow_in_flight_max = one_of({0u, 1u, 8u}, random);
  w.tokens_max = one_of({100ull, 5000ull}, random);
  w.pause_max = one_of({duration(0s), duration(0s), duration(10s), duration(3600s)}, random);
  w.crashes_per_minute = one_of({0.0, 0.0, 2.0, 60.0}, random);
  text += " calls=" + std::to_string(w.calls) + " callers=" + std::to_string(w.concurrency);
  if (w.crashes_per_minute > 0) text += " crashes";
  return w;
}

}  // namespace

scenario draw_scenario(std::uint64_t seed) {
  random_source random(random_source(seed).next());  // neighbouring seeds share nothing
  scenario s;
  s.client = draw_client(random, s.text);
  s.work = draw_work(random, s.text);
  s.text += " provider:";
  for (auto left = 1 + random.below(4); left > 0; --left) {
    s.phases.push_back(draw_phase(random, s.text));
  }
  s.provider_requests_per_minute = one_of({0u, 0u, 0u, 300u}, random);
  return s;
}

client_report run_seed(std::uint64_t seed) {
  scenario s = draw_scenario(seed);
  virtual_client client(s.client, s.work,
                        provider_model(std::move(s.phases), s.provider_requests_per_minute), seed);
  try {
    return client.run();
  } catch (const violation& broken) {
    throw violation("seed " + std::to_string(seed) + ": " + broken.what() + " (" + s.text + " )");
  }
}

}  // namespace graphbit::sim
