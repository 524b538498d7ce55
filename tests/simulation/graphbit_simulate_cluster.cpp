// Runs the seeded simulation of a cluster from the command line:
//   graphbit_simulate_cluster SEED           one seed, with what came of it
//   graphbit_simulate_cluster FIRST COUNT    COUNT seeds from FIRST on; stops at the first failure
// Exit status: 0 all promises kept, 1 one was broken, 2 wrong usage.

#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include <simulation/cluster_world.hpp>

namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

unsigned long long wide(std::uint64_t n) { return n; }

void print(const graphbit::sim::cluster_report& r) {
  std::printf("items %llu: %llu answered, %llu cancelled or failed\n", wide(r.items),
              wide(r.answered), wide(r.failed));
  std::printf("executions %llu (%llu repeated), stale answers fenced off %llu\n",
              wide(r.executions), wide(r.repeats), wide(r.stale_answers));
  std::printf("links lost %llu, crashes %llu, partitions %llu, drains %llu\n", wide(r.links_lost),
              wide(r.crashes), wide(r.partitions), wide(r.drains));
  std::printf("virtual time %.1f s, %llu events\n", r.virtual_seconds, wide(r.events));
}

}  // namespace

int main(int argc, char** argv) {
  const auto first = argc > 1 ? number(argv[1]) : std::nullopt;
  const auto count = argc > 2 ? number(argv[2]) : std::optional<std::uint64_t>(1);
  if (!first || !count || argc > 3) {
    std::fputs("usage: graphbit_simulate_cluster SEED | FIRST COUNT\n", stderr);
    return 2;
  }
  for (std::uint64_t seed = *first; seed - *first < *count; ++seed) {
    try {
      const auto report = graphbit::sim::run_cluster(seed);
      if (*count == 1) print(report);
    } catch (const graphbit::sim::broken_promise& broken) {
      std::fprintf(stderr, "seed %llu: %s\n", wide(seed), broken.what());
      return 1;
    }
  }
  if (*count > 1) std::printf("%llu seeds keep every promise\n", wide(*count));
  return 0;
}
