// Runs the seeded simulation from the command line:
//   graphbit_simulate SEED           one seed, with what came of it
//   graphbit_simulate FIRST COUNT    COUNT seeds from FIRST on; stops at the first broken promise
//   graphbit_simulate --reach        the measurements of docs/reliability.md as a table
// Exit status: 0 all promises kept, 1 one was broken, 2 wrong usage.

#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string_view>

#include <simulation/reach.hpp>
#include <simulation/scenario.hpp>

namespace {

using namespace graphbit::sim;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void print(const client_report& r) {
  const auto ms = [](graphbit::duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
  };
  const auto count = [&](call_end end) { return static_cast<unsigned long long>(r.count(end)); };
  std::printf("calls %llu: %llu succeeded, %llu failed, %llu timed out, %llu cancelled,\n",
              static_cast<unsigned long long>(r.calls()), count(call_end::succeeded),
              count(call_end::failed), count(call_end::timed_out), count(call_end::cancelled));
  std::printf("  %llu rejected by the breaker, %llu rate limited, %llu ended by a crash\n",
              count(call_end::rejected), count(call_end::rate_limited), count(call_end::crashed));
  std::printf("attempts %llu, retries %llu, hedges %llu, breaker openings %llu, restarts %llu\n",
              static_cast<unsigned long long>(r.attempts),
              static_cast<unsigned long long>(r.retries), static_cast<unsigned long long>(r.hedges),
              static_cast<unsigned long long>(r.openings),
              static_cast<unsigned long long>(r.restarts));
  std::printf("virtual time %.1f s, p50 %.1f ms, p99 %.1f ms\n", ms(r.length) / 1000,
              ms(r.latency.at(0.5)), ms(r.latency.at(0.99)));
}

int run_one(std::uint64_t seed) {
  std::printf("seed %llu:%s\n", static_cast<unsigned long long>(seed),
              draw_scenario(seed).text.c_str());
  print(run_seed(seed));
  return 0;
}

int run_many(std::uint64_t first, std::uint64_t count) {
  const auto began = std::chrono::steady_clock::now();
  std::uint64_t calls = 0, attempts = 0, events = 0;
  double virtual_hours = 0;
  for (std::uint64_t seed = first; seed - first < count; ++seed) {
    const auto report = run_seed(seed);
    calls += report.calls();
    attempts += report.attempts;
    events += report.events;
    virtual_hours += std::chrono::duration<double, std::ratio<3600>>(report.length).count();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%llu seeds, %llu calls, %llu attempts, %llu events, %.1f virtual hours in %.1f s\n",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(calls),
              static_cast<unsigned long long>(attempts), static_cast<unsigned long long>(events),
              virtual_hours, took.count());
  return 0;
}

int usage() {
  std::fputs("usage: graphbit_simulate SEED | FIRST COUNT | --reach\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 2 && std::string_view(argv[1]) == "--reach") {
      for (const auto& row : measure_reach()) {
        std::printf("| %s | %s | %s | %s |\n", row.what.c_str(), row.promised.c_str(),
                    row.measured.c_str(), row.kept ? "yes" : "NO");
      }
      return 0;
    }
    const auto first = argc >= 2 ? number(argv[1]) : std::nullopt;
    if (argc == 2 && first) return run_one(*first);
    const auto count = argc == 3 ? number(argv[2]) : std::nullopt;
    return first && count ? run_many(*first, *count) : usage();
  } catch (const violation& broken) {
    std::fprintf(stderr, "%s\n", broken.what());
    return 1;
  }
}
