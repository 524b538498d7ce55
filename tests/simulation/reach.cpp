#include <simulation/reach.hpp>

#include <algorithm>
#include <cstdio>

#include <simulation/virtual_client.hpp>

namespace graphbit::sim {

namespace {

using namespace std::chrono_literals;

template <class... Args>
std::string text(const char* format, Args... args) {
  char line[200];
  std::snprintf(line, sizeof line, format, args...);
  return line;
}

double ratio(std::uint64_t a, std::uint64_t b) {
  return static_cast<double>(a) / static_cast<double>(b);
}

double in_seconds(duration d) { return std::chrono::duration<double>(d).count(); }

provider_phase a_quarter_of_faults(duration error_latency) {
  provider_phase p;
  p.server_error = 0.20;
  p.reset = 0.05;
  p.latency = 50ms;
  p.error_latency = error_latency;
  return p;
}

/// 20 % 500s and 5 % resets, at several numbers of callers, errors at once and as slow as answers.
reach_row transient_faults(std::uint32_t retries, double success_min, double sent_max) {
  double worst_success = 1, worst_sent = 0;
  std::uint64_t openings = 0, calls = 0;
  for (const std::uint32_t callers : {1u, 4u, 12u, 20u, 64u, 256u}) {
    for (const duration error_latency : {duration(0ms), duration(50ms)}) {
      client_settings settings;
      settings.limits.in_flight_max = 256;
      settings.retry.retries_max = retries;
      workload work;
      work.calls = 50'000;
      work.concurrency = callers;
      const auto r = virtual_client(settings, work,
                                    provider_model({a_quarter_of_faults(error_latency)}), callers)
                         .run();
      worst_success = std::min(worst_success, ratio(r.count(call_end::succeeded), r.calls()));
      worst_sent = std::max(worst_sent, ratio(r.attempts, r.calls()));
      openings += r.openings;
      calls += r.calls();
    }
  }
  return {text("20 %% 500s and 5 %% resets, %u retries, 1 to 256 callers, %.1f million calls",
               retries, static_cast<double>(calls) / 1e6),
          text("success >= %.2f %%, <= %.2f sent per needed, breaker never opens",
               100 * success_min, sent_max),
          text("%.3f %%, %.3f, %llu openings", 100 * worst_success, worst_sent,
               static_cast<unsigned long long>(openings)),
          worst_success >= success_min && worst_sent <= sent_max && openings == 0};
}

/// The first seconds against a provider with a quarter of faults, again and again: when little is
/// known a breaker is most easily misled.
reach_row cold_starts() {
  std::uint64_t openings = 0;
  constexpr std::uint64_t starts = 5000;
  for (std::uint64_t seed = 1; seed <= starts; ++seed) {
    workload work;
    work.calls = 200;
    work.concurrency = 1 + static_cast<std::uint32_t>(seed % 64);
    openings +=
        virtual_client({}, work, provider_model({a_quarter_of_faults(0ms)}), seed).run().openings;
  }
  return {text("%llu cold starts against the same, errors at once, answers after 50 ms",
               static_cast<unsigned long long>(starts)),
          "breaker opens in less than 1 of 1,000",
          text("%llu openings", static_cast<unsigned long long>(openings)),
          openings < starts / 1000};
}

reach_row requests_per_minute() {
  client_settings settings;
  settings.limits.requests_per_minute = 600;  // the referee checks every sliding minute
  workload work;
  work.calls = 36'000;
  work.concurrency = 32;
  virtual_client client(settings, work, provider_model({provider_phase{}}, 600), 1);
  const auto r = client.run();
  const double used = ratio(r.attempts, 600) / (in_seconds(r.length) / 60);
  return {text("600 requests per minute at full demand for %.1f virtual minutes",
               in_seconds(r.length) / 60),
          "0 over the limit in any sliding minute, >= 97 % used",
          text("%llu over, %.1f %% used",
               static_cast<unsigned long long>(client.provider().over_limit()), 100 * used),
          client.provider().over_limit() == 0 && used >= 0.97};
}

provider_phase dead_for(duration length) {
  provider_phase p;
  p.length = length;
  p.reset = 1;
  return p;
}

provider_phase healthy_for(duration length) {
  provider_phase p;
  p.length = length;
  return p;
}

provider_phase refusing(double share, duration retry_after) {
  provider_phase p;
  p.rate_limited = share;
  p.retry_after = std::chrono::duration_cast<milliseconds>(retry_after);
  return p;
}

client_settings learning() {
  client_settings settings;
  settings.limits.in_flight_max = 256;
  settings.learns = true;
  return settings;
}

/// One in five refused without a limit behind it: no more is lost than each refused call's own
/// wait.
reach_row refusals_by_chance() {
  workload work;
  work.calls = 20'000;
  work.concurrency = 32;
  work.think_max = 0ms;
  const auto r = virtual_client(learning(), work, provider_model({refusing(0.2, 1s)}), 1).run();
  const double waits = 0.25 * 1.0;  // of a call: 0.2 + 0.04 + ... refusals, a second each
  const double ideal = work.calls * (waits + 0.05) / work.concurrency;
  return {"20 % answered 429 by chance with Retry-After 1 s, 32 callers",
          "<= 1.25 x the time that the refused calls' own waits take (5 x if each held all)",
          text("%.2f x, %.2f %% answered", in_seconds(r.length) / ideal,
               100 * ratio(r.count(call_end::succeeded), r.calls())),
          in_seconds(r.length) <= 1.25 * ideal};
}

/// Six or nine in ten refused for 20 s: how many requests a provider sees that asks for quiet.
reach_row refusals_in_a_storm() {
  constexpr std::uint64_t storms = 100;
  const duration length = 20s, retry_after = 700ms;
  std::uint64_t sent = 0;
  for (std::uint64_t seed = 1; seed <= storms; ++seed) {
    workload work;
    work.calls = 12'000;
    work.concurrency = 64;
    work.think_max = 200ms;
    provider_phase storm = refusing(seed % 4 < 2 ? 0.9 : 0.6, retry_after);
    storm.length = length;
    storm.error_latency = seed % 2 == 0 ? 50ms : 0ms;
    virtual_client client(learning(), work,
                          provider_model({healthy_for(5s), storm, healthy_for(1h)}), seed);
    (void)client.run();
    sent += client.provider().requests_in(1);
  }
  const double per_wait = ratio(sent, storms) * in_seconds(retry_after) / in_seconds(length);
  return {"a storm of 20 s, 60 or 90 % answered 429 with Retry-After 0.7 s, 64 callers",
          "<= 12 sent per Retry-After (25 if all went at its end)", text("%.1f", per_wait),
          per_wait <= 12};
}

/// A limit that no header tells: it is met again and again, by few.
reach_row untold_limit() {
  constexpr std::uint64_t runs = 20;
  std::uint64_t sent = 0, over = 0, unanswered = 0;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    workload work;
    work.calls = 6'000;
    work.concurrency = 64;
    work.think_max = 200ms;
    work.pause_max = 1h;
    const auto phase = refusing(0, seed % 2 == 0 ? 1s : 10s);
    virtual_client client(learning(), work, provider_model({phase}, 600), seed);
    const auto r = client.run();
    sent += r.attempts;
    over += client.provider().over_limit();
    unanswered += r.calls() - r.count(call_end::succeeded);
  }
  const double share = ratio(over, sent);
  return {"600 a minute that no header tells, Retry-After 1 or 10 s, 64 callers, parking",
          "0 failed, <= 6 % refused",
          text("%llu failed, %.1f %% refused", static_cast<unsigned long long>(unanswered),
               100 * share),
          unanswered == 0 && share <= 0.06};
}

reach_row recovery() {
  double slowest_opening = 0, slowest_recovery = 0, longest_outage = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    client_settings settings;
    settings.limits.in_flight_max = 64;
    workload work;
    work.calls = 12'000;
    work.concurrency = 64;
    work.think_max = 200ms;
    const auto r =
        virtual_client(settings, work,
                       provider_model({healthy_for(5s), dead_for(10s), healthy_for(1h)}), seed)
            .run();
    if (r.opened_at.empty() || r.closed_at.empty())
      return {"recovery", "", "breaker never turned", false};
    slowest_opening = std::max(slowest_opening, in_seconds(r.opened_at.front() - 5s));
    slowest_recovery = std::max(slowest_recovery, in_seconds(r.recovered_after.back()));
    longest_outage = std::max(longest_outage, in_seconds(r.closed_at.back() - 15s));
  }
  return {"provider dead for 10 s, 64 callers, 200 seeds",
          "opens 0.2 s after the death, back within 1 s after the open period",
          text("at most %.2f s, at most %.2f s (%.2f s after the provider)", slowest_opening,
               slowest_recovery, longest_outage),
          slowest_opening <= 0.2 && slowest_recovery <= 1 && longest_outage <= 6.5};
}

reach_row hedging() {
  provider_phase p;
  p.latency = 1s;
  p.latency_sigma = 0.3;
  p.slow_share = 0.02;
  client_settings plain;
  client_settings hedged;
  hedged.hedge.enabled = true;
  workload work;
  work.calls = 200'000;
  work.concurrency = 64;
  const auto without = virtual_client(plain, work, provider_model({p}), 3).run();
  const auto with = virtual_client(hedged, work, provider_model({p}), 3).run();
  const double p95 = in_seconds(without.latency.at(0.95));
  const double before = in_seconds(without.latency.at(0.99)) / p95;
  const double after = in_seconds(with.latency.at(0.99)) / p95;
  const double extra = ratio(with.hedges, with.calls());
  return {"hedging: log-normal latency (sigma 0.3), 2 % of answers 10 x slow, 200,000 calls",
          "p99 <= 1.8 x p95 (5.7 x without), <= 6 % more requests",
          text("%.2f x (%.2f x without), %.1f %% more", after, before, 100 * extra),
          after <= 1.8 && extra <= 0.06};
}

/// The rate of answers in the second that `at` falls into, as a share of the usual rate.
double rate_at(const client_report& r, duration at, double usual) {
  const auto second = static_cast<std::size_t>(at / 1s);
  return second < r.per_second.size() ? r.per_second[second] / usual : 0;
}

reach_row batch_outage() {
  constexpr std::uint32_t callers = 64;
  client_settings settings;
  settings.limits.in_flight_max = 256;
  workload work;
  work.calls = 20'000;
  work.concurrency = callers;
  work.think_max = 0ms;
  work.batch_share = 1;
  work.pause_max = 1h;
  provider_phase before = healthy_for(8s);
  before.latency = 50ms;
  const auto r =
      virtual_client(settings, work, provider_model({before, dead_for(60s), healthy_for(1h)}), 5)
          .run();
  const auto failed = r.calls() - r.count(call_end::succeeded);
  const auto extra = r.attempts - r.calls();
  const duration back = r.closed_at.empty() ? r.length : r.closed_at.back();
  const double after = rate_at(r, back + 5s, callers / 0.05);
  return {"provider dead for 60 s in the middle of a batch of 20,000, 64 in flight, parking",
          "0 failed, <= 264 extra requests, >= 95 % of the rate within 5 s of the probe",
          text("%llu failed, %llu extra, %.0f %% of the rate, first answer %.1f s after the end",
               static_cast<unsigned long long>(failed), static_cast<unsigned long long>(extra),
               100 * after, in_seconds(back - 68s)),
          failed == 0 && extra <= 264 && after >= 0.95};
}

}  // namespace

std::vector<reach_row> measure_reach() {
  return {transient_faults(3, 0.995, 1.36),
          transient_faults(6, 0.9997, 1.36),
          cold_starts(),
          requests_per_minute(),
          refusals_by_chance(),
          refusals_in_a_storm(),
          untold_limit(),
          recovery(),
          hedging(),
          batch_outage()};
}

}  // namespace graphbit::sim
