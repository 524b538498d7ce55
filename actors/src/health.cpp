#include <graphbit/actors/health.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <memory>
#include <utility>

#include <graphbit/runtime/blocking_pool.hpp>
#include <graphbit/runtime/open_files.hpp>
#include <graphbit/runtime/reactor.hpp>

#include "src/provider_picture.hpp"
#include "src/root_executor.hpp"

namespace graphbit {

namespace {

constexpr double memory_needed_mib = 100;
constexpr double share_max = 0.9;  // of descriptors, of the queue
constexpr milliseconds answer_max{1'000};

std::string whole(double n) { return std::to_string(static_cast<std::int64_t>(n)); }

void check_memory(health_report& report) {
  std::ifstream lines("/proc/meminfo");
  std::string name, unit;
  for (double kib = 0; lines >> name >> kib; std::getline(lines, unit)) {
    if (name != "MemAvailable:") continue;
    const double mib = kib / 1024;
    report.checks.push_back({"memory", mib >= memory_needed_mib, true,
                             whole(mib) + " MiB of memory are available; below " +
                                 whole(memory_needed_mib) + " the process may be killed",
                             mib, memory_needed_mib});
  }
}

void check_files(health_report& report) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  const double open = static_cast<double>(open_files()), most = static_cast<double>(files.rlim_cur);
  report.checks.push_back({"file_descriptors", open < share_max * most, false,
                           whole(open) + " of " + whole(most) +
                               " file descriptors are open; raise the limit with ulimit -n",
                           open, most});
}

void check_reactors(health_report& report, runtime& rt) {
  std::vector<std::future<void>> answers;
  const auto asked = steady_clock::now();
  for (std::size_t i = 0; i < rt.reactor_count(); ++i) {
    auto answer = std::make_shared<std::promise<void>>();
    answers.push_back(answer->get_future());
    rt.reactor_at(i).post([answer] { answer->set_value(); });
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const bool came = answers[i].wait_until(asked + answer_max) == std::future_status::ready;
    const double ms =
        std::chrono::duration<double, std::milli>(steady_clock::now() - asked).count();
    report.checks.push_back(
        {"reactor_" + std::to_string(i), came, true,
         came ? "the reactor answered after " + whole(ms) + " ms"
              : "the reactor has not answered for " + whole(ms) +
                    " ms: something blocks its thread, such as a callable marked as not blocking",
         ms, static_cast<double>(answer_max.count())});
  }
}

void check_queue(health_report& report, runtime& rt) {
  const auto pool = rt.blocking().stats();
  const auto queued = static_cast<double>(pool.queued);
  constexpr auto most = static_cast<double>(limits::callables_queued_max);
  report.checks.push_back({"blocking_queue", queued < share_max * most, false,
                           whole(queued) + " callables wait for one of " +
                               std::to_string(pool.threads) + " threads; " + whole(most) +
                               " are the most",
                           queued, most});
}

void check_providers(health_report& report, runtime& rt) {
  for (const auto& client : rt.service<root_executor>()->clients()) {
    const auto seen = client->counters();
    const bool open = seen.breaker == breaker_state::open;
    report.checks.push_back(
        {"provider " + client->config().provider + " " + client->config().model, !open, false,
         "the circuit breaker of " + client->config().base_url + " is " + state_word(seen.breaker) +
             " with " + std::to_string(seen.breaker_failures) + " recent failures" +
             (open ? "; calls fail at once until a probe gets through" : ""),
         static_cast<double>(seen.breaker_failures), 0});
  }
}

}  // namespace

bool health_report::healthy() const {
  return std::none_of(checks.begin(), checks.end(),
                      [](const health_check& c) { return !c.ok && c.fatal; });
}

bool health_report::ready() const {
  return std::all_of(checks.begin(), checks.end(), [](const health_check& c) { return c.ok; });
}

json_value to_json(const health_report& report) {
  json_value::array checks, problems;
  for (const auto& c : report.checks) {
    json_value one;
    one.set("name", c.name);
    one.set("ok", c.ok);
    one.set("says", c.says);
    one.set("value", c.value);
    one.set("limit", c.limit);
    checks.push_back(std::move(one));
    if (!c.ok) problems.push_back(c.name + ": " + c.says);
  }
  json_value out;
  out.set("healthy", report.healthy());
  out.set("ready", report.ready());
  out.set("problems", std::move(problems));
  out.set("checks", std::move(checks));
  return out;
}

health_report check_health(runtime& rt) {
  health_report report;
  const bool running = rt.running();
  report.checks.push_back(
      {"runtime", running, true,
       running ? "the runtime has run for " + std::to_string(rt.stats().uptime.count()) + " s"
               : "the runtime was shut down",
       static_cast<double>(rt.stats().uptime.count()), 0});
  if (!running) return report;
  check_memory(report);
  check_files(report);
  check_reactors(report, rt);
  check_queue(report, rt);
  check_providers(report, rt);
  return report;
}

}  // namespace graphbit
