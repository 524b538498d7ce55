#include <graphbit/runtime/metrics.hpp>

#include <array>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <graphbit/runtime/runtime.hpp>

namespace graphbit {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::array bounds{0.1, 1.0};

TEST(metrics_test, writes_prometheus_text) {
  metrics_registry registry;
  const auto calls = registry.counter("calls_total", "Calls made.", {{"provider", "open\"ai"}});
  const auto open = registry.gauge("connections", "Connections open.");
  const auto took = registry.histogram("took_seconds", "Time taken.", bounds);
  calls->add();
  calls->add_alone(2);
  open->set(4);
  took->observe(0.1);  // a bound belongs to its bucket
  took->observe_alone(0.5);
  took->observe(7);
  EXPECT_EQ(registry.text(),
            "# HELP calls_total Calls made.\n"
            "# TYPE calls_total counter\n"
            "calls_total{provider=\"open\\\"ai\"} 3\n"
            "# HELP connections Connections open.\n"
            "# TYPE connections gauge\n"
            "connections 4\n"
            "# HELP took_seconds Time taken.\n"
            "# TYPE took_seconds histogram\n"
            "took_seconds_bucket{le=\"0.1\"} 1\n"
            "took_seconds_bucket{le=\"1\"} 2\n"
            "took_seconds_bucket{le=\"+Inf\"} 3\n"
            "took_seconds_sum 7.6\n"
            "took_seconds_count 3\n");
}

TEST(metrics_test, adds_up_cells_of_one_series_and_keeps_what_is_gone) {
  metrics_registry registry;
  const auto here = registry.counter("calls_total", "Calls.");
  auto there = registry.counter("calls_total", "Calls.");
  auto took = registry.histogram("took_seconds", "Time.", bounds);
  auto open = registry.gauge("connections", "Connections.");
  here->add(3);
  there->add(4);
  took->observe(0.5);
  open->set(9);
  there.reset();
  took.reset();
  open.reset();
  for (int page = 0; page < 2; ++page) {
    const auto text = registry.text();
    EXPECT_THAT(text, HasSubstr("calls_total 7\n"));
    EXPECT_THAT(text, HasSubstr("took_seconds_count 1\n"));
    EXPECT_THAT(text, HasSubstr("connections 0\n"));
  }
}

TEST(metrics_test, bounds_the_series_of_a_family) {
  metrics_registry registry;
  std::vector<std::shared_ptr<metric_counter>> cells;
  for (std::size_t i = 0; i < metrics_registry::series_max + 100; ++i) {
    cells.push_back(registry.counter("calls_total", "Calls.", {{"model", std::to_string(i)}}));
    cells.back()->add();
  }
  const auto text = registry.text();
  EXPECT_THAT(text, HasSubstr("calls_total{model=\"0\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("calls_total{model=\"other\"} 100\n"));
  EXPECT_THAT(text, Not(HasSubstr("model=\"500\"")));
}

TEST(metrics_test, asks_collectors_as_long_as_their_handle_lives) {
  metrics_registry registry;
  auto handle = registry.collect_with([](metrics_page& page) {
    page.gauge("waiting", "Calls that wait.", {{"of", "a"}}, 2);
  });
  const auto second = registry.collect_with([](metrics_page& page) {
    page.gauge("waiting", "Calls that wait.", {{"of", "a"}}, 3);
  });
  EXPECT_THAT(registry.text(), HasSubstr("waiting{of=\"a\"} 5\n"));
  handle.reset();
  EXPECT_THAT(registry.text(), HasSubstr("waiting{of=\"a\"} 3\n"));
}

TEST(metrics_test, loses_no_count_of_many_threads) {
  metrics_registry registry;
  const auto shared = registry.counter("calls_total", "Calls.");
  const auto took = registry.histogram("took_seconds", "Time.", bounds);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 10'000; ++i) {
          shared->add();
          took->observe(0.5);
        }
      });
    for (int page = 0; page < 20; ++page) static_cast<void>(registry.text());
  }
  const auto text = registry.text();
  EXPECT_THAT(text, HasSubstr("calls_total 40000\n"));
  EXPECT_THAT(text, HasSubstr("took_seconds_count 40000\n"));
}

TEST(metrics_test, says_what_the_runtime_and_the_process_are) {
  runtime rt({.worker_threads = 2, .reactors = 1});
  const auto text = rt.service<metrics_registry>()->text();
  for (const auto* name :
       {"graphbit_actors ", "graphbit_uptime_seconds ", "process_resident_memory_bytes ",
        "process_cpu_seconds_total ", "process_start_time_seconds 1", "process_open_fds "})
    EXPECT_THAT(text, HasSubstr(name));
}

}  // namespace
}  // namespace graphbit
