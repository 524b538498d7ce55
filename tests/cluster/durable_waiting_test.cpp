// What runs cost and do while they wait.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>

#include <graphbit/runtime/metrics.hpp>

#include "cluster/durable_fixture.hpp"
#include "value_of.hpp"

namespace graphbit {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class durable_waiting : public testing::durable_fixture {
 protected:
  [[nodiscard]] static std::size_t threads() {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
  }
  [[nodiscard]] std::size_t actors() { return rt.system().registry().running(); }
  [[nodiscard]] static error open_breaker(milliseconds wait) {
    error e = network_error("Circuit breaker is open, request rejected");
    e.retry_after = wait;
    return e;
  }
  [[nodiscard]] std::size_t parked() {
    return value_of(store->list({.state = stored_state::parked, .limit = 100'000})).size();
  }
};

TEST_P(durable_waiting, ten_thousand_parked_runs_hold_neither_a_thread_nor_an_actor) {
  const int count = GetParam().name == "postgres" ? 1'000 : 10'000;
  add(node::wait("gate", {.signal = "go", .length = {}}));
  const auto runner = open();
  ASSERT_TRUE(runner.run(flow, named("warm"), [](const run_result&) {}).has_value());
  wait_until("warm", stored_state::parked);
  const auto threads_before = threads(), actors_before = actors();

  // The others hear of their end when the executor is closed.
  const auto ended = std::make_shared<std::atomic<int>>(0);
  for (int i = 0; i < count; ++i)
    ASSERT_TRUE(runner
                    .run(flow, named("r" + std::to_string(i)),
                         [ended](const run_result& result) {
                           if (result.output_of("gate") == "yes") ++*ended;
                         })
                    .has_value());
  const auto all = static_cast<std::size_t>(count) + 1;
  for (int i = 0; i < 60'000 && parked() < all; i += 20) std::this_thread::sleep_for(20ms);
  EXPECT_EQ(parked(), all);
  EXPECT_EQ(runner.stats().active, 0u);
  for (int i = 0; i < 10'000 && actors() > actors_before; ++i) std::this_thread::sleep_for(1ms);
  EXPECT_LE(actors(), actors_before);
  EXPECT_LE(threads(), threads_before);

  constexpr int woken = 200;  // more than are looked at in one go
  for (int i = 0; i < woken; ++i)
    ASSERT_TRUE(store->send_signal("r" + std::to_string(i), "go", "\"yes\"").has_value());
  for (int i = 0; i < 30'000 && *ended < woken; ++i) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(*ended, woken);
}

TEST_P(durable_waiting, an_open_breaker_parks_a_run_until_it_may_be_asked_again) {
  agent("a", "one");
  model.fail_with("one", open_breaker(2s));
  const auto runner = open();
  std::atomic<bool> ended = false;
  ASSERT_TRUE(runner.run(flow, named("r"), [&](const run_result&) { ended = true; }).has_value());
  wait_until("r", stored_state::parked);
  EXPECT_EQ(runner.stats().active, 0u);
  const auto row = stored("r");
  ASSERT_TRUE(row.wake_at.has_value());
  EXPECT_GT(*row.wake_at, row.changed_at + 1s);
  model.heal();
  for (int i = 0; i < 30'000 && !ended; ++i) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(stored("r").state, stored_state::completed);
  EXPECT_EQ(model.asked("one"), 2);
}

TEST_P(durable_waiting, a_spent_quota_fails_although_the_provider_says_retry_after) {
  agent("a", "one");
  error quota = rate_limit_error("You exceeded your current quota", milliseconds{2'000});
  quota.status = 429;
  model.fail_with("one", quota);
  const auto result = open().execute(flow, named("r"));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, error_kind::rate_limit);
  EXPECT_EQ(stored("r").state, stored_state::failed);
  EXPECT_EQ(count("r", journal_kind::node_parked), 0u);

  quota.breaker = breaker_rule::counts;  // a rate, which recovers
  model.fail_with("one", quota);
  const auto runner = open();
  ASSERT_TRUE(runner.run(flow, named("s"), [](const run_result&) {}).has_value());
  wait_until("s", stored_state::parked);
}

TEST_P(durable_waiting, what_was_parked_counts_when_its_run_is_taken_up_again) {
  agent("a", "one");
  // As if the node had been parked for an hour, by an owner that is no more.
  run_to_begin before;
  before.run_id = "r";
  before.workflow_json = to_json(flow.to_json());
  before.inputs_json = "{}";
  const auto begun = value_of(store->begin(before, {.owner = "before", .length = 0ms}));
  const auto at = wall_time(1'000'000'000ms);
  const std::vector<run_append> parked{
      {"r",
       begun.token,
       {{0, journal_kind::node_parked, "a", R"({"why":"w","until":1003600000})", at}},
       run_change{.state = stored_state::parked}}};
  ASSERT_TRUE(store->append(parked).has_value());
  model.fail_with("one", open_breaker(2s));
  const auto result = open().resume("r");
  ASSERT_FALSE(result.has_value()) << result->state_text();
  EXPECT_THAT(result.error().message, HasSubstr("Circuit breaker is open"));
  EXPECT_EQ(stored("r").state, stored_state::failed);
}

TEST_P(durable_waiting, a_timer_of_days_is_a_row_with_its_time) {
  add(node::wait("pause", {.signal = {}, .length = std::chrono::hours(24 * 5)}));
  const auto runner = open();
  ASSERT_TRUE(runner.run(flow, named("r"), [](const run_result&) {}).has_value());
  wait_until("r", stored_state::parked);
  const auto row = stored("r");
  EXPECT_GT(*row.wake_at, row.created_at + std::chrono::hours(24 * 5 - 1));
  EXPECT_EQ(runner.stats().active, 0u);
}

TEST_P(durable_waiting, the_metrics_tell_the_size_and_age_of_a_store_once) {
  agent("a", "one");
  const auto first = open();
  ASSERT_TRUE(first.execute(flow, named("ended")).has_value());
  // A store is looked at when its executor is opened, and then once a minute.
  const auto second = open(), third = open();
  const auto expected_line =
      "graphbit_store_runs{store=\"" + store->name() + "\",state=\"ended\"} 1\n";
  const auto page = [this] { return rt.service<metrics_registry>()->text(); };
  for (int i = 0; i < 10'000 && page().find(expected_line) == std::string::npos; ++i)
    std::this_thread::sleep_for(1ms);
  EXPECT_THAT(page(), HasSubstr(expected_line));
  EXPECT_THAT(page(), HasSubstr("graphbit_store_bytes{"));
  EXPECT_THAT(page(), HasSubstr("graphbit_store_oldest_seconds{"));
}

INSTANTIATE_TEST_SUITE_P(stores, durable_waiting, ::testing::ValuesIn(store_kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace graphbit
