// Several configurations behind one: what a call meets on its way through them.
#include <thread>

#include "provider_fixture.hpp"

namespace graphbit {
namespace {

using testing::outcomes;

class routed_client_test : public testing::provider_fixture {
 protected:
  void SetUp() override {
    provider_fixture::SetUp();
    ASSERT_TRUE(second.start());
  }
  [[nodiscard]] provider_client routed(route_strategy strategy = route_strategy::fallback) {
    auto routes = std::make_shared<provider_routes>();
    routes->strategy = strategy;
    auto one = config();
    one.max_retries = 0;
    auto two = one;
    two.base_url = second.url() + "/v1";
    two.model = "second-model";
    routes->targets = {one, two};
    provider_config c;
    c.routes = routes;
    return open(c);
  }
  [[nodiscard]] static std::uint64_t requests_of(sim::simulator& s) {
    return static_cast<std::uint64_t>(parse_json(s.counters())->find("requests")->as_double());
  }

  sim::simulator second;
};

TEST_F(routed_client_test, the_first_answers_while_it_can) {
  const auto client = routed();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.complete(ask("x")));
  EXPECT_EQ(requests(), 5u);
  EXPECT_EQ(requests_of(second), 0u);
}

TEST_F(routed_client_test, a_failed_call_goes_on_to_the_next) {
  behave(R"({"fault_500": 1})");
  const auto answer = routed().complete(ask("x"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->model, "second-model");
}

TEST_F(routed_client_test,
       a_dead_provider_costs_one_failure_per_call_only_until_its_breaker_opens) {
  provider.stop();
  const auto client = routed();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(client.complete(ask("x")));
  EXPECT_EQ(requests_of(second), 50u);
  EXPECT_LT(client.stats().attempts, 50u + 20u);
}

TEST_F(routed_client_test, a_request_that_all_would_refuse_is_not_passed_on) {
  const auto answer = routed().complete(ask(std::string(limits::prompt_bytes_max + 1, 'x')));
  ASSERT_FALSE(answer);
  EXPECT_EQ(requests_of(second), 0u);
}

TEST_F(routed_client_test, when_all_fail_the_last_error_is_told) {
  behave(R"({"fault_500": 1})");
  ASSERT_TRUE(second.configure(R"({"fault_503": 1})"));
  const auto answer = routed().complete(ask("x"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().status, 503);
}

TEST_F(routed_client_test, round_robin_shares_the_calls) {
  const auto client = routed(route_strategy::round_robin);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(client.complete(ask("x")));
  EXPECT_EQ(requests(), 5u);
  EXPECT_EQ(requests_of(second), 5u);
}

TEST_F(routed_client_test, a_broken_stream_can_be_continued_by_the_next) {
  behave(R"({"fault_reset_mid": 1, "chunk_count": 10, "chunk_interval_ms": 2})");
  outcomes all;
  call_options options;
  options.on_stream_failure = stream_failure::continue_;
  routed().submit(ask("Tell me a story"), options, all.next(), true);
  ASSERT_TRUE(all.wait_for(1));
  const auto answer = all.results().front();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->content, all.text());
  EXPECT_EQ(requests_of(second), 1u);
}

TEST_F(routed_client_test, by_default_a_broken_stream_is_an_error_with_its_text) {
  behave(R"({"fault_reset_mid": 1, "chunk_count": 10, "chunk_interval_ms": 2})");
  outcomes all;
  routed().submit(ask("Tell me a story"), {}, all.next(), true);
  ASSERT_TRUE(all.wait_for(1));
  ASSERT_FALSE(all.results().front());
  EXPECT_EQ(all.results().front().error().partial_text, all.text());
  EXPECT_EQ(requests_of(second), 0u);
}

TEST_F(routed_client_test, cancelling_reaches_the_target) {
  behave(R"({"fault_hang": 1})");
  outcomes all;
  const auto client = routed();
  const auto id = client.submit(ask("never"), {}, all.next());
  while (requests() < 1) std::this_thread::sleep_for(milliseconds{1});
  client.cancel(id);
  ASSERT_TRUE(all.wait_for(1));
  EXPECT_TRUE(all.results().front().error().cancelled);
  EXPECT_EQ(requests_of(second), 0u);
}

}  // namespace
}  // namespace graphbit
