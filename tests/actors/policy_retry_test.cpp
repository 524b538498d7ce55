#include <graphbit/actors/policy/retry.hpp>

#include <gtest/gtest.h>

namespace graphbit::policy {
namespace {

using namespace std::chrono_literals;

error transient() {
  error e;
  e.kind = error_kind::network;
  e.retry = retry_rule::transient;
  return e;
}

error told_to_wait(milliseconds wait) {
  error e = transient();
  e.kind = error_kind::rate_limit;
  e.retry_after = wait;
  return e;
}

class PolicyRetry : public testing::Test {
 protected:
  retry_decision decide(const error& failure, const retry_state& state = {}) {
    return decide_retry(settings_, failure, state, now_, budget_, random_);
  }

  time_point now_ = manual_clock().now();
  retry_settings settings_;
  retry_budget budget_;
  random_source random_{7};
};

TEST_F(PolicyRetry, TransientErrorsAreRetriedThreeTimes) {
  for (std::uint32_t attempts = 1; attempts <= 3; ++attempts) {
    EXPECT_TRUE(decide(transient(), {.attempts = attempts}).retry());
  }
  EXPECT_EQ(decide(transient(), {.attempts = 4}).reason, give_up_reason::retries_spent);
}

TEST_F(PolicyRetry, WhatCannotHelpIsNotRetried) {
  error refused = transient();
  refused.retry = retry_rule::never;
  EXPECT_EQ(decide(refused).reason, give_up_reason::not_retryable);
  EXPECT_EQ(decide(refused, {.should_retry = true}).reason, give_up_reason::not_retryable);

  error cancelled = transient();
  cancelled.cancelled = true;
  EXPECT_EQ(decide(cancelled).reason, give_up_reason::cancelled);
  EXPECT_EQ(decide(transient(), {.delivered = true}).reason, give_up_reason::delivered);
  EXPECT_EQ(budget_.tokens(), budget_.capacity());  // nothing was paid for
}

TEST_F(PolicyRetry, AnUnparsableBodyIsRetriedOnce) {
  error unparsable = transient();
  unparsable.retry = retry_rule::once;
  EXPECT_TRUE(decide(unparsable).retry());
  EXPECT_EQ(decide(unparsable, {.attempts = 2, .retried_unparsable = true}).reason,
            give_up_reason::retries_spent);
}

TEST_F(PolicyRetry, TheServerMaySayNo) {
  EXPECT_EQ(decide(transient(), {.should_retry = false}).reason, give_up_reason::server_said_no);
  EXPECT_TRUE(decide(transient(), {.should_retry = true}).retry());
}

TEST_F(PolicyRetry, BackoffDoublesToItsCapWithFullJitter) {
  for (const auto& [n, longest] : {std::pair{1u, 100ms}, std::pair{2u, 200ms}, std::pair{4u, 800ms},
                                   std::pair{7u, 5000ms}, std::pair{4'000'000'000u, 5000ms}}) {
    duration most{0}, sum{0};
    for (int i = 0; i < 2000; ++i) {
      const duration wait = backoff(settings_, n, random_);
      ASSERT_GE(wait, 0ms);
      ASSERT_LE(wait, longest);
      most = std::max(most, wait);
      sum += wait;
    }
    EXPECT_GT(most, longest * 0.95);
    EXPECT_NEAR(static_cast<double>((sum / 2000).count()),
                static_cast<double>(duration(longest).count()) / 2,
                static_cast<double>(duration(longest).count()) * 0.05);
  }
}

TEST_F(PolicyRetry, NeverSoonerThanTheServerSaid) {
  for (int i = 0; i < 200; ++i) {
    const auto decision = decide(told_to_wait(1500ms));
    if (!decision.retry()) break;  // the budget ends it
    EXPECT_GE(decision.after, 1500ms);
    EXPECT_LE(decision.after, 1600ms);
  }
}

TEST_F(PolicyRetry, AWaitOverTheCapFailsAtOnce) {
  EXPECT_TRUE(decide(told_to_wait(60'000ms)).retry());
  const auto decision = decide(told_to_wait(60'001ms));
  EXPECT_EQ(decision.reason, give_up_reason::wait_too_long);
  EXPECT_EQ(decision.server_wait, 60'001ms);
}

TEST_F(PolicyRetry, AWaitPastTheDeadlineFailsAtOnce) {
  EXPECT_EQ(decide(told_to_wait(5000ms), {.deadline_at = now_ + 5s}).reason,
            give_up_reason::wait_too_long);
  // The server's time fits, so our own backoff on top of it must not be what fails the call.
  const auto tight = decide(told_to_wait(5000ms), {.deadline_at = now_ + 5001ms});
  EXPECT_TRUE(tight.retry());
  EXPECT_GE(tight.after, 5000ms);
  EXPECT_LT(tight.after, 5001ms);
  EXPECT_EQ(decide(told_to_wait(5000ms), {.work_left = 2s}).reason, give_up_reason::wait_too_long);
  EXPECT_EQ(decide(transient(), {.deadline_at = now_}).reason, give_up_reason::deadline);
  EXPECT_EQ(decide(transient(), {.deadline_at = now_ - 1s}).reason, give_up_reason::deadline);
}

TEST_F(PolicyRetry, ARetryCostsATokenAndNoneIsTakenAtHalf) {
  int retries = 0;
  while (decide(transient()).retry()) ++retries;
  EXPECT_EQ(retries, 50);
  EXPECT_EQ(decide(transient()).reason, give_up_reason::budget_spent);
  budget_.succeeded();
  EXPECT_TRUE(decide(transient()).retry());
}

TEST(PolicyRetryHeader, ShouldRetryIsTrueFalseOrNothing) {
  EXPECT_EQ(parse_should_retry("true"), true);
  EXPECT_EQ(parse_should_retry("false"), false);
  EXPECT_EQ(parse_should_retry(""), std::nullopt);
  EXPECT_EQ(parse_should_retry("perhaps"), std::nullopt);
}

TEST(PolicyRetryBudget, SizeFollowsTheInFlightLimit) {
  EXPECT_EQ(retry_budget(0).capacity(), 100);
  EXPECT_EQ(retry_budget(50).capacity(), 100);
  EXPECT_EQ(retry_budget(256).capacity(), 512);
}

TEST(PolicyRetryBudget, SuccessGivesHalfATokenUpToCapacity) {
  retry_budget budget;
  budget.succeeded();
  EXPECT_EQ(budget.tokens(), 100);
  ASSERT_TRUE(budget.take());
  budget.succeeded();
  EXPECT_EQ(budget.tokens(), 99.5);
  budget.succeeded();
  budget.succeeded();
  EXPECT_EQ(budget.tokens(), 100);
}

TEST(PolicyRetryBudget, AQuarterOfFaultsIsAbsorbedForEver) {
  retry_budget budget;
  random_source random(3);
  for (int i = 0; i < 100'000; ++i) {
    while (random.uniform() < 0.25) ASSERT_TRUE(budget.take()) << i;
    budget.succeeded();
  }
}

TEST(PolicyRetryBudget, ResizingKeepsWhatWasSpent) {
  retry_budget budget;
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(budget.take());
  budget.set_in_flight_limit(100);
  EXPECT_EQ(budget.capacity(), 200);
  EXPECT_EQ(budget.tokens(), 170);
  budget.set_in_flight_limit(0);
  EXPECT_EQ(budget.tokens(), 70);
}

}  // namespace
}  // namespace graphbit::policy
