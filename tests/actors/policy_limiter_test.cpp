#include <graphbit/actors/policy/limiter.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <vector>

#include <graphbit/runtime/random.hpp>

namespace graphbit::policy {
namespace {

using namespace std::chrono_literals;

constexpr auto live = priority_class::live;
constexpr auto batch = priority_class::batch;

class PolicyLimiter : public testing::Test {
 protected:
  static limiter_request call(std::uint64_t id, priority_class priority = live) {
    limiter_request request;
    request.id = id;
    request.priority = priority;
    return request;
  }
  /// The ids that may go now, in order.
  std::vector<std::uint64_t> granted(limiter& l) {
    std::vector<std::uint64_t> ids;
    while (const auto next = l.next(now_)) {
      ids.push_back(next->id);
      names_[next->id] = next->name;
    }
    return ids;
  }

  time_point now_ = manual_clock().now();
  std::map<std::uint64_t, ticket> names_;
};

TEST_F(PolicyLimiter, WithoutLimitsEverythingGoesAtOnce) {
  limiter l;
  std::vector<ticket> names;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    names.push_back(l.try_acquire(call(i), now_));
    ASSERT_NE(names.back(), 0u);
  }
  EXPECT_EQ(l.in_flight(), 1000u);
  for (const ticket name : names) l.release(name, now_);
  EXPECT_EQ(l.in_flight(), 0u);
}

TEST_F(PolicyLimiter, TicketsThatAreNoLongerKnownAreIgnored) {
  limiter l({.in_flight_max = 1});
  const ticket first = l.try_acquire(call(1), now_);
  l.cancel(first);  // not waiting
  EXPECT_EQ(l.in_flight(), 1u);
  l.release(first, now_);
  const ticket second = l.try_acquire(call(2), now_);  // the same slot
  l.release(first, now_);
  l.give_back(first, now_);
  l.release(0, now_);
  l.release(~0ull, now_);
  EXPECT_EQ(l.in_flight(), 1u);
  l.release(second, now_);
  EXPECT_EQ(l.in_flight(), 0u);
}

TEST_F(PolicyLimiter, BoundsWhatIsInFlightAndKeepsOrder) {
  limiter l({.in_flight_max = 2});
  for (std::uint64_t i = 1; i <= 2; ++i) names_[i] = l.try_acquire(call(i), now_);
  EXPECT_EQ(l.try_acquire(call(3), now_), 0u);
  for (std::uint64_t i = 3; i <= 5; ++i) names_[i] = l.enqueue(call(i), now_);
  EXPECT_TRUE(granted(l).empty());
  EXPECT_EQ(l.next_wakeup(now_), never);
  l.release(names_[1], now_);
  EXPECT_EQ(l.try_acquire(call(6), now_), 0u) << "nobody overtakes those who wait";
  EXPECT_EQ(granted(l), (std::vector<std::uint64_t>{3}));
  l.cancel(names_[4]);
  l.release(names_[2], now_);
  EXPECT_EQ(granted(l), (std::vector<std::uint64_t>{5}));
  EXPECT_EQ(l.waiting(), 0u);
}

TEST_F(PolicyLimiter, RaisingTheBoundLetsMoreGo) {
  limiter l({.in_flight_max = 1});
  names_[1] = l.try_acquire(call(1), now_);
  for (std::uint64_t i = 2; i <= 5; ++i) names_[i] = l.enqueue(call(i), now_);
  l.set_in_flight_max(3);
  EXPECT_EQ(granted(l), (std::vector<std::uint64_t>{2, 3}));
  l.set_in_flight_max(0);
  EXPECT_EQ(granted(l), (std::vector<std::uint64_t>{4, 5}));
}

TEST_F(PolicyLimiter, ExpiredCallsAreHandedBackUngranted) {
  limiter l({.in_flight_max = 1});
  names_[1] = l.try_acquire(call(1), now_);
  auto late = call(2);
  late.deadline_at = now_ + 1s;
  names_[2] = l.enqueue(late, now_);
  names_[3] = l.enqueue(call(3), now_);
  now_ += 1s;
  l.release(names_[1], now_);
  const auto expired = l.next(now_);
  ASSERT_TRUE(expired);
  EXPECT_TRUE(expired->expired);
  EXPECT_EQ(expired->id, 2u);
  const auto next = l.next(now_);
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->expired);
  EXPECT_EQ(next->id, 3u);
  EXPECT_EQ(l.in_flight(), 1u);
}

TEST_F(PolicyLimiter, AFlowAtItsBoundLetsOthersPass) {
  limiter l({.in_flight_max = 10});
  const auto of_flow = [&](std::uint64_t id, std::uint64_t flow, std::uint32_t bound) {
    auto request = call(id);
    request.flow = flow;
    request.flow_in_flight_max = bound;
    return request;
  };
  EXPECT_NE(names_[1] = l.try_acquire(of_flow(1, 7, 1), now_), 0u);
  EXPECT_EQ(l.try_acquire(of_flow(2, 7, 1), now_), 0u);
  names_[2] = l.enqueue(of_flow(2, 7, 1), now_);
  EXPECT_NE(l.try_acquire(of_flow(3, 8, 1), now_), 0u);
  EXPECT_NE(l.try_acquire(call(4), now_), 0u);
  EXPECT_TRUE(granted(l).empty());
  l.release(names_[1], now_);
  EXPECT_EQ(granted(l), (std::vector<std::uint64_t>{2}));
  names_[5] = l.enqueue(of_flow(5, 7, 1), now_);
  EXPECT_TRUE(granted(l).empty());
  names_[6] = l.enqueue(of_flow(6, 7, 3), now_);  // the latest bound counts
  EXPECT_EQ(granted(l), (std::vector<std::uint64_t>{5, 6}));
}

/// Both classes wait at all times; every grant is held for its class's time.
struct contention {
  limiter_settings settings;
  duration live_takes, batch_takes;
  std::size_t grants[2] = {0, 0};
  duration held[2] = {};

  void run(time_point now, duration length) {
    limiter l(settings);
    std::multimap<time_point, ticket> ends;
    const auto wish = [&](priority_class c) {
      limiter_request request;
      request.id = c == live ? 0 : 1;
      request.priority = c;
      (void)l.enqueue(request, now);
    };
    for (int i = 0; i < 50; ++i) {
      wish(live);
      wish(batch);
    }
    for (const time_point end = now + length; now < end;) {
      while (!ends.empty() && ends.begin()->first <= now) {
        l.release(ends.begin()->second, now);
        ends.erase(ends.begin());
      }
      while (const auto next = l.next(now)) {
        const duration takes = next->id == 0 ? live_takes : batch_takes;
        ++grants[next->id];
        held[next->id] += takes;
        ends.emplace(now + takes, next->name);
        wish(next->id == 0 ? live : batch);
      }
      now = l.next_wakeup(now);
      if (!ends.empty()) now = std::min(now, ends.begin()->first);
    }
  }
  [[nodiscard]] double batch_slots() const {
    return static_cast<double>(held[1].count()) /
           static_cast<double>(held[0].count() + held[1].count());
  }
  [[nodiscard]] double batch_grants() const {
    return static_cast<double>(grants[1]) / static_cast<double>(grants[0] + grants[1]);
  }
};

TEST_F(PolicyLimiter, BatchKeepsATenthOfTheSlots) {
  for (const auto& [live_takes, batch_takes] :
       {std::pair{1000ms, 1000ms}, std::pair{1000ms, 10ms}, std::pair{10ms, 1000ms}}) {
    contention c{{.in_flight_max = 20}, live_takes, batch_takes};
    c.run(now_, 600s);
    EXPECT_GE(c.batch_slots(), 0.095) << live_takes.count();
    EXPECT_LE(c.batch_slots(), 0.25) << live_takes.count();
  }
}

TEST_F(PolicyLimiter, BatchKeepsATenthOfTheGrantsWhereARateIsShort) {
  for (const auto& [live_takes, batch_takes] :
       {std::pair{1000ms, 1000ms}, std::pair{10'000ms, 10ms}, std::pair{10ms, 10'000ms}}) {
    contention c{{.in_flight_max = 1000, .requests_per_minute = 600}, live_takes, batch_takes};
    c.run(now_, 600s);
    EXPECT_NEAR(c.batch_grants(), 0.1, 0.005);
  }
}

TEST_F(PolicyLimiter, NeitherClassStarvesOnASingleSlot) {
  contention c{{.in_flight_max = 1}, 10ms, 10ms};
  c.run(now_, 60s);
  EXPECT_NEAR(c.batch_grants(), 0.1, 0.01);
}

/// Grants under a backlog; checks every sliding minute as it goes.
std::size_t run_at_full_demand(limiter& l, time_point& now, duration length, std::size_t per_minute,
                               std::uint64_t tokens_each, random_source& random,
                               duration lateness_max) {
  std::deque<time_point> minute;
  std::size_t total = 0;
  const auto wish = [&] {
    limiter_request request;
    request.tokens = tokens_each;
    (void)l.enqueue(request, now);
  };
  for (int i = 0; i < 3; ++i) wish();
  for (const time_point end = now + length; now < end;) {
    while (const auto next = l.next(now)) {
      l.release(next->name, now, tokens_each);
      wish();
      minute.push_back(now);
      ++total;
      while (now - minute.front() > 60s) minute.pop_front();
      EXPECT_LE(minute.size(), per_minute);
    }
    const auto lateness = static_cast<std::uint64_t>(lateness_max.count());
    now = l.next_wakeup(now) + duration(random.below(lateness + 1));
  }
  return total;
}

TEST_F(PolicyLimiter, RequestsPerMinuteHoldInEverySlidingMinute) {
  random_source random(5);
  for (const std::uint32_t rpm : {1u, 7u, 60u, 600u, 10'000u}) {
    for (const duration lateness : {duration(0), duration(7ms)}) {
      limiter l({.requests_per_minute = rpm});
      time_point now = now_;
      const auto sent = run_at_full_demand(l, now, 3600s, rpm, 0, random, lateness);
      EXPECT_GE(static_cast<double>(sent), 0.97 * rpm * 60) << rpm;
    }
  }
}

TEST_F(PolicyLimiter, TokensPerMinuteHoldInEverySlidingMinute) {
  random_source random(5);
  for (const std::uint64_t each : {10u, 1000u, 7000u}) {
    limiter l({.tokens_per_minute = 30'000});
    time_point now = now_;
    const std::size_t per_minute = 30'000 / each;
    const auto sent = run_at_full_demand(l, now, 3600s, per_minute, each, random, 0ms);
    EXPECT_GE(static_cast<double>(sent), 0.95 * static_cast<double>(per_minute) * 60) << each;
  }
}

TEST_F(PolicyLimiter, ALowerRateCountsWhatWentBefore) {
  limiter l({.requests_per_minute = 600});
  random_source random(1);
  (void)run_at_full_demand(l, now_, 50s, 600, 0, random, 0ms);
  l.configure({.requests_per_minute = 60});
  for (int i = 0; i < 5; ++i) (void)l.enqueue(call(1), now_);
  EXPECT_FALSE(l.next(now_));
  EXPECT_GE(l.next_wakeup(now_) - now_, 50s);
}

TEST_F(PolicyLimiter, ACallLargerThanAMinuteGoesAlone) {
  limiter l({.tokens_per_minute = 1000});
  auto huge = call(1);
  huge.tokens = 50'000;
  EXPECT_NE(l.try_acquire(huge, now_), 0u);
  auto tiny = call(2);
  tiny.tokens = 1;
  EXPECT_EQ(l.try_acquire(tiny, now_), 0u);
  EXPECT_NE(l.try_acquire(tiny, now_ + 62s), 0u);
}

TEST_F(PolicyLimiter, TrueUsageTakesTheEstimatesPlace) {
  limiter l({.tokens_per_minute = 1000});
  auto request = call(1);
  request.tokens = 900;
  const ticket name = l.try_acquire(request, now_);
  EXPECT_EQ(l.try_acquire(request, now_), 0u);
  l.release(name, now_, 100);
  EXPECT_NE(l.try_acquire(request, now_), 0u);

  limiter more({.tokens_per_minute = 1000});
  request.tokens = 10;
  more.release(more.try_acquire(request, now_), now_, 995);
  EXPECT_EQ(more.try_acquire(request, now_), 0u);
}

TEST_F(PolicyLimiter, WhatIsGivenBackCanBeUsedAgain) {
  limiter l({.requests_per_minute = 1});
  for (int i = 0; i < 20; ++i) {
    const ticket name = l.try_acquire(call(1), now_);
    ASSERT_NE(name, 0u);
    l.give_back(name, now_);
  }
  EXPECT_EQ(l.in_flight(), 0u);
}

TEST_F(PolicyLimiter, HoldsWhileTheServerSaysSoButNotForEver) {
  limiter l;
  l.hold_until(now_ + 5s, now_, now_);
  EXPECT_EQ(l.try_acquire(call(1), now_ + 4999ms), 0u);
  EXPECT_NE(l.try_acquire(call(1), now_ + 5s), 0u);
  l.hold_until(now_ + std::chrono::hours(24), now_ + 5s, now_);
  EXPECT_EQ(l.earliest_start(call(1), now_), now_ + 60s);
}

TEST_F(PolicyLimiter, LearntLimitsOnlyNarrowTheUsers) {
  limiter l({.requests_per_minute = 100});
  rate_limit_headers headers;
  headers.requests.limit = 500;
  headers.tokens.limit = 40'000;
  l.learn(headers, now_);
  EXPECT_EQ(l.limits().requests_per_minute, 100u);
  EXPECT_EQ(l.limits().tokens_per_minute, 40'000u);
  headers.requests.limit = 50;
  l.learn(headers, now_);
  EXPECT_EQ(l.limits().requests_per_minute, 50u);
  headers.requests.limit = 0;  // a lie: nobody answers with a limit of nothing
  l.learn(headers, now_);
  EXPECT_EQ(l.limits().requests_per_minute, 50u);
}

TEST_F(PolicyLimiter, FollowsWhatOthersUseOfTheSameKey) {
  limiter l;
  rate_limit_headers headers;
  headers.requests = {100, 0, seconds(60)};
  l.learn(headers, now_);
  EXPECT_EQ(l.try_acquire(call(1), now_ + 59s), 0u);
  EXPECT_NE(l.try_acquire(call(1), now_ + 61s), 0u);

  limiter old_news;  // the minute that the headers describe is long over
  old_news.learn(headers, now_, 90s);
  EXPECT_NE(old_news.try_acquire(call(1), now_), 0u);
}

TEST_F(PolicyLimiter, AnExhaustedDayHoldsForAMinuteAtMost) {
  limiter l;
  rate_limit_headers headers;
  headers.requests = {14'400, 0, std::chrono::hours(3)};
  l.learn(headers, now_);
  EXPECT_EQ(l.limits().requests_per_minute, 0u);
  EXPECT_EQ(l.earliest_start(call(1), now_), now_ + 60s);
}

}  // namespace
}  // namespace graphbit::policy
