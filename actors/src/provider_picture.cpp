#include "provider_picture.hpp"

#include <utility>

namespace graphbit {

namespace {

double ms_at(const policy::percentiles& latencies, double share) {
  if (latencies.count() == 0) return 0;
  return std::chrono::duration<double, std::milli>(latencies.at(share)).count();
}

json_value provider_json(const provider_pipeline& client, milliseconds patience) {
  const auto seen = client.seen_within(patience);
  const auto& s = seen.stats;
  json_value out;
  out.set("provider", client.config().provider);
  out.set("model", client.config().model);
  out.set("server", client.at().authority());
  out.set("breaker", state_word(s.breaker));
  out.set("breaker_failures", std::int64_t{s.breaker_failures});
  const auto number = [&](const char* name, std::uint64_t n) { out.set(name, n); };
  number("calls", s.calls);
  number("succeeded", s.succeeded);
  number("failed", s.failed);
  number("cancelled", s.cancelled);
  number("rejected", s.rejected);
  number("attempts", s.attempts);
  number("retries", s.retries);
  number("hedges", s.hedges);
  number("cache_hits", s.cache_hits);
  number("in_flight", s.in_flight);
  number("in_flight_max", s.in_flight_max);
  number("waiting", s.waiting);
  number("connections_open", s.pool.open);
  number("connections_idle", s.pool.idle);
  number("input_tokens", seen.totals.input_tokens);
  number("output_tokens", seen.totals.output_tokens);
  out.set("cost", seen.totals.cost);
  out.set("p50_ms", ms_at(seen.totals.latencies, 0.50));
  out.set("p95_ms", ms_at(seen.totals.latencies, 0.95));
  out.set("p99_ms", ms_at(seen.totals.latencies, 0.99));
  return out;
}

}  // namespace

const char* state_word(breaker_state state) noexcept {
  switch (state) {
    case breaker_state::closed:
      return "closed";
    case breaker_state::half_open:
      return "half-open";
    case breaker_state::open:
      return "open";
  }
  return "unknown";
}

json_value providers_json(const std::vector<std::shared_ptr<provider_pipeline>>& clients,
                          milliseconds patience) {
  json_value::array all;
  for (const auto& client : clients) all.push_back(provider_json(*client, patience));
  return all;
}

}  // namespace graphbit
