#include <graphbit/actors/policy/route.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graphbit::policy {
namespace {

using ::testing::ElementsAre;

const std::vector<route_target> three{{false, 5, 30, 3}, {false, 1, 20, 2}, {false, 3, 10, 1}};

TEST(route_order, fallback_keeps_the_given_order) {
  EXPECT_THAT(route_order(route_strategy::fallback, three, 7, ""), ElementsAre(0, 1, 2));
}

TEST(route_order, what_rejects_goes_last) {
  auto targets = three;
  targets[0].rejecting = true;
  EXPECT_THAT(route_order(route_strategy::fallback, targets, 0, ""), ElementsAre(1, 2, 0));
}

TEST(route_order, each_strategy_has_its_key) {
  EXPECT_THAT(route_order(route_strategy::least_busy, three, 0, ""), ElementsAre(1, 2, 0));
  EXPECT_THAT(route_order(route_strategy::lowest_latency, three, 0, ""), ElementsAre(2, 1, 0));
  EXPECT_THAT(route_order(route_strategy::cheapest, three, 0, ""), ElementsAre(2, 1, 0));
  EXPECT_THAT(route_order(route_strategy::round_robin, three, 1, ""), ElementsAre(1, 2, 0));
}

TEST(route_order, equals_take_turns) {
  const std::vector<route_target> equal(3);
  EXPECT_EQ(route_order(route_strategy::least_busy, equal, 0, "").front(), 0u);
  EXPECT_EQ(route_order(route_strategy::least_busy, equal, 1, "").front(), 1u);
}

TEST(route_order, a_session_stays_and_sessions_spread) {
  std::vector<int> firsts(3);
  for (int i = 0; i < 300; ++i) {
    const auto session = "s" + std::to_string(i);
    const auto first = route_order(route_strategy::session, three, 0, session).front();
    EXPECT_EQ(route_order(route_strategy::session, three, 99, session).front(), first);
    ++firsts[first];
  }
  for (const int count : firsts) EXPECT_GT(count, 50);
}

TEST(worth_another_route, is_what_another_provider_could_answer) {
  EXPECT_TRUE(worth_another_route(network_error("down")));
  EXPECT_TRUE(worth_another_route(rate_limit_error("slow down")));
  EXPECT_TRUE(worth_another_route(authentication_error("p", "no")));
  EXPECT_FALSE(worth_another_route(cancelled_error("request")));
  EXPECT_FALSE(worth_another_route(validation_error("request", "bad")));
}

}  // namespace
}  // namespace graphbit::policy
