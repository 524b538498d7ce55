#include <graphbit/actors/policy/limit_shares.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include <graphbit/actors/policy/share_holder.hpp>
#include <graphbit/runtime/random.hpp>

namespace graphbit::policy {
namespace {

using namespace std::chrono_literals;

constexpr auto lasts = 10s;

class PolicyLimitShares : public testing::Test {
 protected:
  limit_share ask(std::uint64_t holder, limiter_settings limits = {.requests_per_minute = 600},
                  limiter_settings wanted = {}, std::uint32_t weight = 1) {
    auto& token = tokens_[holder];
    const auto share = shares_.lease({holder, token, limits, wanted, weight}, lasts, now_);
    token = share.token;
    return share;
  }
  /// As `ask`, from a holder that has kept to its share for a while and used so much of it.
  limit_share ask_with_use(std::uint64_t holder, const limiter_settings& limits,
                           const limiter_settings& keeps_to, const limiter_settings& used) {
    const share_request request{.holder = holder,
                                .token = tokens_[holder],
                                .limits = limits,
                                .use = share_use{keeps_to, used}};
    return shares_.lease(request, lasts, now_);
  }
  std::uint32_t requests(std::uint64_t holder) { return ask(holder).amount.requests_per_minute; }

  limit_shares shares_;
  std::map<std::uint64_t, std::uint64_t> tokens_;
  time_point now_ = manual_clock().now();
};

TEST_F(PolicyLimitShares, OneHolderGetsAll) {
  const auto share = ask(1, {.in_flight_max = 8, .requests_per_minute = 600});
  EXPECT_NE(share.token, 0u);
  EXPECT_EQ(share.amount.requests_per_minute, 600u);
  EXPECT_EQ(share.amount.in_flight_max, 8u);
  EXPECT_EQ(share.amount.tokens_per_minute, 0u) << "there is no such limit";
  EXPECT_EQ(share.ends_in, lasts);
}

TEST_F(PolicyLimitShares, AShareThatShrinksIsFreeAMinuteAfterItsOldEnd) {
  EXPECT_EQ(requests(1), 600u);
  EXPECT_EQ(requests(2), 0u) << "all is held";
  now_ += 3s;
  EXPECT_EQ(requests(1), 300u) << "shrinks for the one who waits";
  // The old share of 600 would have ended at 10 s: its half is free at 70 s.
  for (int at = 6; at < 70; at += 3, now_ += 3s) {
    EXPECT_EQ(requests(1), 300u);
    EXPECT_EQ(requests(2), 0u) << at;
  }
  now_ += 5s;
  EXPECT_EQ(requests(1), 300u);
  EXPECT_EQ(requests(2), 300u);
}

TEST_F(PolicyLimitShares, AShareGivenBackIsFreeAMinuteAfterItsLastUse) {
  const auto first = ask(1);
  shares_.give_back({1, first.token, 50s, {}}, now_);
  EXPECT_EQ(requests(2), 0u);
  now_ += 9s;
  EXPECT_EQ(requests(2), 0u);
  now_ += 2s;
  EXPECT_EQ(requests(2), 600u);
}

TEST_F(PolicyLimitShares, WhatAHolderDidNotUseIsFreeOnceItKeepsToLess) {
  constexpr limiter_settings limits{.requests_per_minute = 600};
  constexpr limiter_settings half{.requests_per_minute = 300};
  EXPECT_EQ(requests(1), 600u);
  EXPECT_EQ(requests(2), 0u);
  now_ += 3s;
  const auto shrunk = ask(1);
  EXPECT_EQ(shrunk.amount.requests_per_minute, 300u);
  EXPECT_LT(shrunk.ask_after, 2s) << "others wait for its word";
  EXPECT_EQ(requests(2), 0u) << "the answer may have been lost";
  now_ += 1s;
  static_cast<void>(ask_with_use(1, limits, limits, {.requests_per_minute = 40}));
  EXPECT_EQ(requests(2), 0u) << "it was lost: the larger share is still in use";
  static_cast<void>(ask_with_use(1, limits, half, {.requests_per_minute = 40}));
  EXPECT_EQ(requests(2), 260u);
  for (int i = 0; i < 20; ++i, now_ += 3s) {
    static_cast<void>(ask_with_use(1, limits, half, {.requests_per_minute = 300}));
    EXPECT_EQ(requests(2), 260u) << "what it had used counts for a minute";
  }
  now_ += 1s;
  static_cast<void>(ask_with_use(1, limits, half, {.requests_per_minute = 300}));
  EXPECT_EQ(requests(2), 300u);
}

TEST_F(PolicyLimitShares, CallsInFlightCountUntilTheyEnd) {
  constexpr limiter_settings limits{.in_flight_max = 8}, half{.in_flight_max = 4};
  EXPECT_EQ(ask(1, limits).amount.in_flight_max, 8u);
  EXPECT_EQ(ask(2, limits).token, 0u);
  EXPECT_EQ(ask(1, limits).amount.in_flight_max, 4u);
  static_cast<void>(ask_with_use(1, limits, half, {.in_flight_max = 7}));
  EXPECT_EQ(ask(2, limits).amount.in_flight_max, 1u);
  static_cast<void>(ask_with_use(1, limits, half, {.in_flight_max = 5}));
  EXPECT_EQ(ask(2, limits).amount.in_flight_max, 3u);
  static_cast<void>(ask_with_use(1, limits, half, {.in_flight_max = 0}));
  EXPECT_EQ(ask(2, limits).amount.in_flight_max, 4u);
  EXPECT_EQ(shares_.committed(now_).in_flight_max, 8u);
}

TEST_F(PolicyLimitShares, AShareGivenBackFreesAtOnceWhatWasNotUsed) {
  const auto first = ask(1);
  shares_.give_back({1, first.token, 0s, limiter_settings{.requests_per_minute = 100}}, now_);
  EXPECT_EQ(requests(2), 500u);
  now_ += 61s;
  EXPECT_EQ(requests(2), 100u) << "the rest was not renewed, and cools";
}

TEST_F(PolicyLimitShares, AShareThatEndsUnrenewedIsFreeAMinuteLater) {
  EXPECT_EQ(requests(1), 600u);
  now_ += 69s;
  EXPECT_EQ(requests(2), 0u);
  now_ += 2s;
  EXPECT_EQ(requests(2), 600u);
}

TEST_F(PolicyLimitShares, AnOldTokenGivesNothingBack) {
  const auto first = ask(1);
  now_ += 11s;
  EXPECT_EQ(requests(1), 0u) << "its own old share cools";
  now_ += 60s;
  const auto second = ask(1);
  EXPECT_GT(second.token, first.token);
  shares_.give_back({1, first.token, 60s, {}}, now_);
  EXPECT_EQ(shares_.holders(now_), 1u);
}

TEST_F(PolicyLimitShares, WhoWantsLessLeavesTheRest) {
  EXPECT_EQ(ask(1, {.in_flight_max = 10}, {.in_flight_max = 2}).amount.in_flight_max, 2u);
  EXPECT_EQ(ask(2, {.in_flight_max = 10}).amount.in_flight_max, 8u);
}

TEST_F(PolicyLimitShares, WeightsDivideAndTheRemainderGoesToTheFirst) {
  const limiter_settings eight{.in_flight_max = 8};
  const limiter_settings one{.in_flight_max = 1};
  // All three are known before anybody may take much.
  static_cast<void>(ask(1, eight, one));
  static_cast<void>(ask(2, eight, one));
  static_cast<void>(ask(3, eight, one));
  EXPECT_EQ(ask(1, eight).amount.in_flight_max, 6u) << "the others still want one each";
  now_ += 3s;
  EXPECT_EQ(ask(2, eight).amount.in_flight_max, 1u) << "no more is free";
  EXPECT_EQ(ask(3, eight, {}, 2).amount.in_flight_max, 1u);
  EXPECT_EQ(ask(1, eight).amount.in_flight_max, 2u) << "a quarter each, a half for weight 2";
  EXPECT_EQ(shares_.committed(now_).in_flight_max, 8u);
}

TEST_F(PolicyLimitShares, TheLeastLimitAnybodyKnowsRules) {
  EXPECT_EQ(
      ask(1, {.requests_per_minute = 100}, {.requests_per_minute = 10}).amount.requests_per_minute,
      10u);
  EXPECT_EQ(ask(2, {.requests_per_minute = 5'000}).amount.requests_per_minute, 90u);
}

TEST_F(PolicyLimitShares, ManyHoldersAreBounded) {
  for (std::uint64_t holder = 1; holder <= limit_shares::holders_max; ++holder)
    ask(holder, {.requests_per_minute = 1'000'000}, {.requests_per_minute = 1});
  EXPECT_EQ(shares_.holders(now_), limit_shares::holders_max);
  EXPECT_EQ(ask(limit_shares::holders_max + 1, {.requests_per_minute = 1'000'000}).token, 0u);
}

TEST_F(PolicyLimitShares, StateTravelsAsText) {
  static_cast<void>(ask(1));
  static_cast<void>(ask(2));
  now_ += 3s;
  static_cast<void>(ask(1));
  auto copy = limit_shares::from_text(shares_.to_text());
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->to_text(), shares_.to_text());
  EXPECT_EQ(copy->committed(now_).requests_per_minute, 600u);
  EXPECT_FALSE(limit_shares::from_text("nonsense"));
  EXPECT_FALSE(limit_shares::from_text(shares_.to_text().substr(0, 30)));
}

/// One process in the simulation: the real holder and the real limiter.
struct holder_model {
  std::optional<share_holder> me;
  limiter calls;
  std::optional<limit_share> answer_on_its_way;
  time_point answer_at = never, gives_up_at = never;
  bool cut_off = false, idle = false;

  void restart(std::uint64_t epoch, limiter_settings limits, time_point now) {
    *this = holder_model();
    me.emplace(epoch, limits, now);
    calls.configure_share(limits, now);  // nothing goes before there is a share
  }
};

/// A limit, its authority and those who share it, with a network that is slow, loses and cuts off.
class sharing_world {
 public:
  explicit sharing_world(std::uint64_t seed) : random_(seed) {
    limits_.requests_per_minute = static_cast<std::uint32_t>(2 + random_.below(60));
    holders_.resize(2 + random_.below(4));
    for (auto& h : holders_) h.restart(++epochs_, limits_, now_);
  }

  void step() {
    now_ += 150ms;
    for (auto& h : holders_) {
      if (random_.below(400) == 0) h.cut_off = !h.cut_off;
      if (random_.below(300) == 0) h.idle = !h.idle;
      if (random_.below(900) == 0) h.restart(++epochs_, limits_, now_);
      if (!h.idle) h.me->used(now_, h.calls.used(now_));
      hear(h);
      do_duties(h);
      while (!h.idle && send_one(h)) sent_.push_back(now_);
    }
    while (!sent_.empty() && sent_.front() <= now_ - 60s) sent_.pop_front();
  }

  [[nodiscard]] std::size_t sent_in_the_last_minute() const { return sent_.size(); }
  [[nodiscard]] std::uint32_t limit() const { return limits_.requests_per_minute; }
  std::uint64_t sent = 0, given_back = 0;

 private:
  void hear(holder_model& h) {
    if (h.answer_on_its_way && h.answer_at <= now_ && h.gives_up_at != never) {
      h.gives_up_at = never;
      h.me->answered(*h.answer_on_its_way, now_);
      h.calls.configure_share(h.me->share().amount, h.me->share().ends_at);
      h.answer_on_its_way.reset();
    } else if (h.gives_up_at <= now_) {  // an answer that comes now is not waited for any more
      h.gives_up_at = never;
      h.answer_on_its_way.reset();
      h.me->failed(now_);
    }
  }

  void do_duties(holder_model& h) {
    for (;;) {
      const auto duty = h.me->next(now_);
      if (duty == share_holder::duty::none) return;
      if (duty == share_holder::duty::ask) {
        const auto request = h.me->request(now_);
        h.gives_up_at = now_ + 2s;
        if (h.cut_off) continue;
        const auto share = authority_.lease(request, lasts, now_);
        if (random_.below(10) == 0) continue;  // the answer is lost
        h.answer_on_its_way = share;
        h.answer_at = now_ + milliseconds(random_.below(2500));
      } else if (duty == share_holder::duty::give_back) {
        if (!h.cut_off) authority_.give_back(h.me->to_return(now_), now_);
        h.me->given_back(now_);
        h.calls.configure_share(h.me->share().amount, h.me->share().ends_at);
        ++given_back;
      }
    }
  }

  [[nodiscard]] bool send_one(holder_model& h) {
    const auto ticket = h.calls.try_acquire({.id = 1}, now_);
    if (ticket == 0) return false;
    h.calls.release(ticket, now_);
    ++sent;
    return true;
  }

  random_source random_;
  limiter_settings limits_;
  limit_shares authority_;
  std::vector<holder_model> holders_;
  std::uint64_t epochs_ = 0;
  std::deque<time_point> sent_;
  time_point now_ = manual_clock().now();
};

/// The promise: whatever is lost, late or cut off, no sliding minute sees more than the limit.
TEST(PolicyLimitSharesSimulation, NoMinutePassesTheLimitInAThousandSeeds) {
  std::uint64_t limits_in_all = 0, sent_in_all = 0, given_back_in_all = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    sharing_world world(seed);
    for (int step = 0; step < 2000; ++step) {
      world.step();
      ASSERT_LE(world.sent_in_the_last_minute(), world.limit())
          << "seed " << seed << " step " << step;
    }
    limits_in_all += world.limit();
    sent_in_all += world.sent;
    given_back_in_all += world.given_back;
  }
  // 5 minutes each, in which every holder is cut off half of the time. A limit that nobody may use
  // would hold as well.
  EXPECT_GT(sent_in_all, limits_in_all);
  EXPECT_GT(given_back_in_all, 100u);
}

class PolicyShareHolder : public testing::Test {
 protected:
  using duty = share_holder::duty;
  limit_share share(std::uint64_t token, std::uint32_t in_flight) {
    return {
        .token = token, .amount = {.in_flight_max = in_flight}, .ends_in = 10s, .ask_after = 3s};
  }
  time_point now_ = manual_clock().now();
  share_holder me_{1, {.in_flight_max = 8}, now_};
};

TEST_F(PolicyShareHolder, CountsItsTimeFromWhenItAsked) {
  EXPECT_EQ(me_.next(now_), duty::ask);
  static_cast<void>(me_.request(now_));
  EXPECT_EQ(me_.next(now_), duty::none) << "one request at a time";
  me_.answered(share(5, 8), now_ + 4s);
  EXPECT_EQ(me_.share().ends_at, now_ + 10s);
  EXPECT_EQ(me_.due_at(), now_ + 7s);
  EXPECT_EQ(me_.in_flight_allowed(now_ + 9s), 8u);
  EXPECT_EQ(me_.in_flight_allowed(now_ + 10s), 0u);
}

TEST_F(PolicyShareHolder, CutsWhatIsInFlightAMinuteAfterTheEnd) {
  static_cast<void>(me_.request(now_));
  me_.answered(share(5, 8), now_);
  auto at = now_;
  for (; at < now_ + 69s; at += 1s) {
    me_.used(at);
    const auto what = me_.next(at);
    EXPECT_NE(what, duty::cut);
    if (what != duty::ask) continue;
    static_cast<void>(me_.request(at));
    me_.failed(at);
  }
  EXPECT_EQ(me_.next(now_ + 70s), duty::cut);
}

TEST_F(PolicyShareHolder, CutsWhatIsTooMuchAMinuteAfterALargerShareWouldHaveEnded) {
  static_cast<void>(me_.request(now_));
  me_.answered(share(5, 8), now_);
  static_cast<void>(me_.request(now_ + 3s));
  me_.answered(share(5, 4), now_ + 3s);
  EXPECT_EQ(me_.in_flight_allowed(now_ + 3s), 4u);
  for (auto at = now_ + 6s; at < now_ + 70s; at += 3s) {
    me_.used(at);
    ASSERT_EQ(me_.next(at), duty::ask);
    static_cast<void>(me_.request(at));
    me_.answered(share(5, 4), at);
  }
  EXPECT_EQ(me_.next(now_ + 70s), duty::cut);
}

TEST_F(PolicyShareHolder, SaysWhatItUsesOnceItHasKeptToItsShareForAWhile) {
  EXPECT_FALSE(me_.request(now_).use) << "it has none yet";
  me_.answered(share(5, 8), now_);
  me_.used(now_, {.in_flight_max = 3});
  EXPECT_FALSE(me_.request(now_ + 900ms).use) << "who sends may not know of it";
  me_.failed(now_ + 900ms);
  const auto use = me_.request(now_ + 2s).use;
  ASSERT_TRUE(use);
  EXPECT_EQ(use->keeps_to.in_flight_max, 8u);
  EXPECT_EQ(use->used.in_flight_max, 3u);
}

TEST_F(PolicyShareHolder, GivesBackWhatItDoesNotUse) {
  static_cast<void>(me_.request(now_));
  me_.answered(share(5, 8), now_);
  EXPECT_EQ(me_.next(now_ + 60s), duty::give_back);
  EXPECT_EQ(me_.to_return(now_ + 60s).unused_for, 60s);
  me_.given_back(now_ + 60s);
  EXPECT_EQ(me_.next(now_ + 61s), duty::none);
  me_.used(now_ + 90s);
  EXPECT_EQ(me_.next(now_ + 90s), duty::ask);
}

}  // namespace
}  // namespace graphbit::policy
