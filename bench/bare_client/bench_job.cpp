#include "bench_job.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string_view>

namespace graphbit::bench {

namespace {

double cpu_now_s() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double peak_rss_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  return 0;
}

[[noreturn]] void usage(const char* program) {
  std::cerr << "usage: " << program
            << " SCENARIO --url http://HOST:PORT [--n N] [--concurrency C]\n";
  std::exit(2);
}

void list(const std::vector<std::string>& scenarios) {
  std::string line;
  for (const auto& name : scenarios)
    line.append(line.empty() ? "[\"" : ", \"").append(name).append("\"");
  std::cout << line << "]\n";
  std::exit(0);
}

}  // namespace

bench_job::bench_job(int argc, char** argv, const std::vector<std::string>& scenarios) {
  std::string url;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--list") list(scenarios);
    if (!name.starts_with("--")) {
      scenario = name;
      continue;
    }
    if (++i == argc) usage(argv[0]);
    if (name == "--url") url = argv[i];
    if (name == "--n") items = std::strtoul(argv[i], nullptr, 10);
    if (name == "--concurrency") concurrency = std::strtoul(argv[i], nullptr, 10);
  }
  const auto authority = url.find("://");
  const auto colon = url.rfind(':');
  const bool known = std::find(scenarios.begin(), scenarios.end(), scenario) != scenarios.end();
  if (!known || authority == std::string::npos || colon <= authority) usage(argv[0]);
  tls = url.starts_with("https");
  host = url.substr(authority + 3, colon - authority - 3);
  port = static_cast<std::uint16_t>(std::strtoul(url.c_str() + colon + 1, nullptr, 10));
}

std::size_t bench_job::lanes() const {
  const bool one_by_one = scenario == "sync" || scenario == "first_chunk" || scenario == "mib";
  return one_by_one ? 1 : concurrency;
}

std::size_t bench_job::requests() const {
  return scenario == "stream" ? concurrency * items : items;
}

std::string bench_job::body() const {
  const std::string prompt = scenario == "mib" ? std::string(1024 * 1024, 'x')
                                               : "What is an actor? Answer in one sentence.";
  return R"({"model":"gpt-4o-mini","messages":[{"role":"user","content":")" + prompt + "\"}]" +
         (streams() ? R"(,"stream":true})" : "}");
}

void bench_job::begin() {
  cpu_s_ = -cpu_now_s();
  wall_s_ = -now_ms() / 1e3;
}

void bench_job::end(std::size_t done) {
  cpu_s_ += cpu_now_s();
  wall_s_ += now_ms() / 1e3;
  items = std::max<std::size_t>(done, 1);
}

void bench_job::print(const std::string& peer) {
  std::sort(samples_ms.begin(), samples_ms.end());
  const auto quantile = [this](double q) {
    const auto at = static_cast<std::size_t>(q * static_cast<double>(samples_ms.size()));
    return samples_ms[std::min(at, samples_ms.size() - 1)];
  };
  std::printf(R"({"peer": "%s", "scenario": "%s", "items": %zu, "cpu_us": %.3f, "wall_s": %.6f, )"
              R"("rss_mb": %.1f)",
              peer.c_str(), scenario.c_str(), items, cpu_s_ / static_cast<double>(items) * 1e6,
              wall_s_, peak_rss_mb());
  if (!samples_ms.empty())
    std::printf(R"(, "p50_ms": %.4f, "p99_ms": %.4f)", quantile(0.50), quantile(0.99));
  std::printf("}\n");
}

std::size_t count_events(std::string_view bytes) {
  constexpr std::string_view mark = "data: {";
  std::size_t count = 0;
  while (const void* found = ::memmem(bytes.data(), bytes.size(), mark.data(), mark.size())) {
    ++count;
    bytes.remove_prefix(static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) +
                        mark.size());
  }
  return count;
}

double now_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace graphbit::bench
