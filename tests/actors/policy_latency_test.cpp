// Percentiles and what is built on them: hedging and the adaptive limit; and the token estimate.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <graphbit/actors/policy/adaptive_limit.hpp>
#include <graphbit/actors/policy/hedge.hpp>
#include <graphbit/actors/policy/percentiles.hpp>
#include <graphbit/actors/policy/token_estimate.hpp>
#include <graphbit/runtime/random.hpp>

namespace graphbit::policy {
namespace {

using namespace std::chrono_literals;

TEST(PolicyPercentiles, AreEmptyAtFirst) {
  percentiles p;
  EXPECT_EQ(p.at(0.5), 0s);
  EXPECT_EQ(p.largest(), 0s);
  EXPECT_EQ(p.count(), 0u);
}

TEST(PolicyPercentiles, AreWithinABucketOfTheTruth) {
  random_source random(11);
  percentiles p;
  std::vector<std::int64_t> truth;
  for (int i = 0; i < 20'000; ++i) {
    const auto us = static_cast<std::int64_t>(std::exp(random.uniform() * 20));
    truth.push_back(us);
    p.record(std::chrono::microseconds(us));
  }
  std::sort(truth.begin(), truth.end());
  for (const double share : {0.01, 0.5, 0.9, 0.95, 0.99, 1.0}) {
    const auto exact = static_cast<double>(
        truth[static_cast<std::size_t>(std::ceil(share * static_cast<double>(truth.size()))) - 1]);
    const auto got = static_cast<double>(
        std::chrono::duration_cast<std::chrono::microseconds>(p.at(share)).count());
    EXPECT_GE(got, exact) << share;
    EXPECT_LE(got, exact * 1.033) << share;
  }
}

TEST(PolicyPercentiles, TakeAnyValue) {
  percentiles p;
  p.record(-5s);
  p.record(0s);
  p.record(std::chrono::hours(10'000));
  EXPECT_EQ(p.at(0.5), 0s);
  EXPECT_GT(p.at(1.0), std::chrono::hours(37));
  EXPECT_LT(p.at(1.0), std::chrono::hours(40));
}

TEST(PolicyPercentiles, CountWhatLiesBeyondMeasure) {
  percentiles p;
  for (int i = 0; i < 94; ++i) p.record(1ms);
  for (int i = 0; i < 6; ++i) p.record_beyond();
  EXPECT_LT(p.at(0.94), 2ms);
  EXPECT_EQ(p.at(0.95), duration::max());
  EXPECT_LT(p.largest(), 2ms);
  percentiles sum;
  sum.add(p);
  sum.add(p);
  EXPECT_EQ(sum.count(), 200u);
  EXPECT_EQ(sum.at(0.95), duration::max());
  sum.clear();
  EXPECT_EQ(sum.count(), 0u);
}

hedge_settings hedging_on() {
  hedge_settings settings;
  settings.enabled = true;
  return settings;
}

TEST(PolicyHedge, IsOffByDefault) {
  hedge h;
  for (int i = 0; i < 1000; ++i) h.first_answered(10ms);
  retry_budget budget;
  EXPECT_EQ(h.delay(), std::nullopt);
  EXPECT_FALSE(h.may_hedge(budget));
}

TEST(PolicyHedge, WaitsForEnoughAnswersThenForTheirPercentile) {
  hedge h(hedging_on());
  for (int i = 1; i < 50; ++i) h.first_answered(milliseconds(i));
  EXPECT_EQ(h.delay(), std::nullopt);
  h.first_answered(50ms);
  ASSERT_TRUE(h.delay());
  EXPECT_GE(*h.delay(), 48ms);
  EXPECT_LE(*h.delay(), 50ms);
}

TEST(PolicyHedge, TakesFromTheRetryBudget) {
  hedge h(hedging_on());
  for (int i = 0; i < 2000; ++i) h.first_answered(10ms);
  retry_budget budget;
  ASSERT_TRUE(h.may_hedge(budget));
  EXPECT_EQ(budget.tokens(), 99);
  while (budget.take()) {
  }
  EXPECT_FALSE(h.may_hedge(budget));
  EXPECT_EQ(h.hedges(), 1u);
}

TEST(PolicyHedge, NeverSendsMoreThanItsShare) {
  hedge h(hedging_on());
  retry_budget budget;
  std::size_t hedges = 0;
  for (int i = 0; i < 20'000; ++i) {
    hedges += h.delay() && h.may_hedge(budget) ? 1 : 0;  // every call is slow
    budget.succeeded();
    h.first_answered(10ms);
  }
  EXPECT_GT(hedges, 1000u);
  EXPECT_LE(hedges, 1300u);
}

TEST(PolicyHedge, LostFirstAttemptsKeepThePercentileUp) {
  hedge h(hedging_on());
  retry_budget budget;
  random_source random(4);
  const auto latency = [&] { return milliseconds(random.uniform() < 0.06 ? 1000 : 10); };
  for (int i = 0; i < 50; ++i) h.first_answered(latency());
  for (int i = 0; i < 20'000; ++i) {
    const auto first = latency();
    budget.succeeded();
    if (!h.delay() || first <= *h.delay() || !h.may_hedge(budget)) {
      h.first_answered(first);
    } else if (*h.delay() + 10ms < first) {
      h.first_lost();
    } else {
      h.first_answered(first);
    }
  }
  ASSERT_TRUE(h.delay());
  EXPECT_GE(*h.delay(), 10ms);
  EXPECT_LE(static_cast<double>(h.hedges()), 0.065 * 20'000);
}

TEST(PolicyAdaptiveLimit, IsTheMaximumWhileOff) {
  adaptive_limit_settings settings;
  settings.max = 77;
  adaptive_limit limit(settings);
  limit.finished(limit_signal::overloaded, 1s, 77, manual_clock().now());
  EXPECT_EQ(limit.limit(), 77u);
}

/// A provider that serves `capacity` calls at once, each in `serve`; more calls queue up.
std::uint32_t settle(adaptive_limit& limit, std::uint32_t capacity, duration serve, int rounds,
                     bool refuses) {
  time_point now = manual_clock().now();
  for (int r = 0; r < rounds; ++r) {
    const std::uint32_t in_flight = limit.limit();
    const double queue = std::max(1.0, static_cast<double>(in_flight) / capacity);
    const auto latency = std::chrono::duration_cast<duration>(serve * queue);
    now += latency;
    const bool refused = refuses && in_flight > capacity;
    for (std::uint32_t i = 0; i < in_flight; ++i) {
      const bool this_one = refused && i >= capacity;
      limit.finished(this_one ? limit_signal::overloaded : limit_signal::answered,
                     refuses ? serve : latency, in_flight, now + duration(i));
    }
  }
  return limit.limit();
}

TEST(PolicyAdaptiveLimit, FindsAQueueingProvidersCapacity) {
  adaptive_limit_settings settings;
  settings.enabled = true;
  settings.initial = 4;
  adaptive_limit limit(settings);
  const auto found = settle(limit, 100, 500ms, 300, false);
  EXPECT_GE(found, 90u);
  EXPECT_LE(found, 350u);
}

TEST(PolicyAdaptiveLimit, StaysNearARefusingProvidersCapacity) {
  adaptive_limit_settings settings;
  settings.enabled = true;
  settings.initial = 500;
  adaptive_limit limit(settings);
  const auto found = settle(limit, 50, 500ms, 300, true);
  EXPECT_GE(found, 30u);
  EXPECT_LE(found, 60u);
}

TEST(PolicyAdaptiveLimit, OneBurstOfRefusalsShrinksItOnce) {
  adaptive_limit_settings settings;
  settings.enabled = true;
  settings.initial = 100;
  adaptive_limit limit(settings);
  const time_point now = manual_clock().now();
  for (int i = 0; i < 50; ++i) limit.finished(limit_signal::overloaded, 1ms, 100, now);
  EXPECT_EQ(limit.limit(), 70u);
  for (int i = 0; i < 1000; ++i) limit.finished(limit_signal::overloaded, 1ms, 1, now + i * 1s);
  EXPECT_EQ(limit.limit(), 1u);
}

TEST(PolicyAdaptiveLimit, DoesNotGrowWhatNobodyUses) {
  adaptive_limit_settings settings;
  settings.enabled = true;
  adaptive_limit limit(settings);
  time_point now = manual_clock().now();
  for (int i = 0; i < 1000; ++i) {
    now += 100ms;
    limit.finished(limit_signal::answered, 100ms, 2, now);
    limit.finished(limit_signal::ignored, 9s, 2, now);
  }
  EXPECT_EQ(limit.limit(), 16u);
}

TEST(PolicyTokenEstimate, StartsAtFourBytesPerToken) {
  token_estimate estimate;
  EXPECT_EQ(estimate.estimate(4000, 100), 1100u);
  EXPECT_EQ(estimate.estimate(4000), 1256u);
  EXPECT_EQ(estimate.estimate(0, 0), 0u);
}

TEST(PolicyTokenEstimate, FollowsReportedUsage) {
  token_estimate estimate;
  for (int i = 0; i < 50; ++i) estimate.observed(3000, 1500, 40);
  EXPECT_NEAR(estimate.bytes_per_token(), 2.0, 0.01);
  EXPECT_EQ(estimate.estimate(2000, 1000), 1040u);
  EXPECT_EQ(estimate.estimate(2000, 10), 1010u);
}

TEST(PolicyTokenEstimate, DoesNotBelieveNonsense) {
  token_estimate estimate;
  estimate.observed(4000, 0, 10);
  estimate.observed(0, 100, 10);
  estimate.observed(1'000'000, 1, 10);
  estimate.observed(1, 1'000'000, 10);
  EXPECT_EQ(estimate.bytes_per_token(), 4.0);
}

}  // namespace
}  // namespace graphbit::policy
