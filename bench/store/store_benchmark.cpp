// Measures what durable runs cost: CPU and time per recorded node, size of a journal, time to take
// a run up again. Everything is durable: disks are waited for.
// Usage: build/release/bench/store/bench_store [folder [store]]   folder: where the stores are
// made; store: only memory, sqlite or postgres. Built by scripts/build.sh --bench.

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <graphbit/cluster/open_run_store.hpp>
#include <graphbit/runtime/random.hpp>

#include "engine_benchmark.hpp"
#include "postgres_server.hpp"
#include "spent.hpp"

namespace {

using namespace graphbit;

constexpr int groups_count = 60;
constexpr int runs_per_group = 50;   // runs that record at the same time
constexpr int records_per_run = 10;  // 500 records per group
constexpr std::size_t answer_bytes = 1'000;
const run_lease owner{"bench", milliseconds(3'600'000)};

[[nodiscard]] std::string answer(random_source& random) {
  return R"({"text":")" + bench::words_by_chance(random, answer_bytes) + "\"}";
}

[[nodiscard]] journal_record node_ended(int node, random_source& random) {
  return {0, journal_kind::node_ended, "node-" + std::to_string(node), answer(random),
          wall_time(milliseconds(1))};
}

[[nodiscard]] claimed_run begin(run_store& store, const std::string& id) {
  std::string workflow = R"({"nodes":[)";
  for (int i = 0; i < 50; ++i)
    workflow += R"({"name":"node-)" + std::to_string(i) + R"(","prompt":"Say it: {input}"},)";
  auto run = store.begin({id, "bench", "hash", workflow, "{}", "{}", ""}, owner);
  if (!run) {
    std::fprintf(stderr, "%s\n", run.error().message.c_str());
    std::exit(1);
  }
  return std::move(*run);
}

void record(run_store& store, const std::vector<run_append>& groups) {
  if (const auto done = store.append(groups); !done) {
    std::fprintf(stderr, "%s\n", done.error().message.c_str());
    std::exit(1);
  }
}

void measure_recording(const char* name, run_store& store,
                       const std::function<double()>& server_cpu) {
  random_source random(1);
  std::vector<claimed_run> runs;
  for (int i = 0; i < runs_per_group; ++i) runs.push_back(begin(store, "run-" + std::to_string(i)));
  std::vector<std::vector<run_append>> groups(groups_count);
  for (auto& group : groups)
    for (const auto& run : runs) {
      group.push_back({run.run.run_id, run.token, {}, {}});
      for (int i = 0; i < records_per_run; ++i)
        group.back().records.push_back(node_ended(i, random));
    }
  const auto server = server_cpu();
  const bench::spent took;
  for (const auto& group : groups) record(store, group);
  const double nodes = groups_count * runs_per_group * records_per_run;
  std::printf("%-9s %5.1f us CPU per node, store alone (server %.1f us), %.0f nodes/s\n", name,
              took.cpu_seconds() / nodes * 1e6, (server_cpu() - server) / nodes * 1e6,
              nodes / took.seconds());
}

void measure_journal(const char* name, run_store& store) {
  constexpr int runs = 100, nodes = 50;
  random_source random(2);
  const auto before = store.size()->bytes;
  for (int r = 0; r < runs; ++r) {
    const auto run = begin(store, "size-" + std::to_string(r));
    run_append group{run.run.run_id, run.token, {}, {}};
    for (int i = 0; i < nodes; ++i) {
      group.records.push_back({0, journal_kind::node_started, "node-" + std::to_string(i), "", {}});
      group.records.push_back(node_ended(i, random));
    }
    group.change = run_change{.state = stored_state::completed};
    record(store, {group});
  }
  std::printf("%-9s %5.1f KB journal of a run of %d nodes with answers of 1 KB\n", name,
              static_cast<double>(store.size()->bytes - before) / runs / 1e3, nodes);
}

void measure_resume(const char* name, run_store& store) {
  random_source random(3);
  const auto run = begin(store, "long");
  run_append group{"long", run.token, {}, {}};
  for (int i = 0; i < 1'000; ++i) group.records.push_back(node_ended(i, random));
  record(store, {group});
  const bench::spent took;
  const auto again = store.claim("long", owner, claim_rule::open);
  std::printf("%-9s %5.1f ms to claim a run of %zu recorded nodes\n", name, took.seconds() * 1e3,
              again && *again ? (*again)->records.size() : 0);
}

void measure(const char* name, const std::string& address,
             const std::function<double()>& server_cpu) {
  auto opened = open_run_store(address);
  if (!opened) {
    std::fprintf(stderr, "%s: %s\n", name, opened.error().message.c_str());
    return;
  }
  const std::shared_ptr<run_store> store = std::move(*opened);
  measure_recording(name, *store, server_cpu);
  measure_journal(name, *store);
  measure_resume(name, *store);
  bench::measure_engine(name, store, server_cpu);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path folder =
      argc > 1 ? argv[1] : std::filesystem::temp_directory_path().string();
  const std::string only = argc > 2 ? argv[2] : "";
  const auto wanted = [&](const char* store) { return only.empty() || only == store; };
  const auto file = (folder / ("bench-store-" + std::to_string(::getpid()) + ".db")).string();
  const auto no_server = [] { return 0.0; };
  std::printf("no store  %5.1f us CPU per node of a run\n", bench::cost_without_store());
  if (wanted("memory")) measure("memory", ":memory:", no_server);
  if (wanted("sqlite")) measure("sqlite", file, no_server);
  for (const auto* end : {"", "-wal", "-shm", "-mark"}) std::filesystem::remove(file + end);
  if (!wanted("postgres")) return 0;
  const auto server = postgres_server::programs().empty()
                          ? nullptr
                          : postgres_server::start(postgres_server::disk::waited_for);
  if (server)
    measure("postgres", server->url("postgres"), [&server] { return server->cpu_seconds(); });
  else
    std::printf("postgres  is not installed: scripts/deps.sh --test\n");
}
