#include <graphbit/actors/policy/limit_shares.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include <graphbit/actors/policy/pacer.hpp>
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
  shares_.give_back(1, first.token, 50s, now_);
  EXPECT_EQ(requests(2), 0u);
  now_ += 9s;
  EXPECT_EQ(requests(2), 0u);
  now_ += 2s;
  EXPECT_EQ(requests(2), 600u);
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
  shares_.give_back(1, first.token, 60s, now_);
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

/// One process in the simulation: paces its share, and does what a holder owes.
struct holder_model {
  pacer pace{0};
  std::uint64_t epoch = 0, token = 0;
  time_point ends_at{}, ask_at{}, asked_at{}, last_used{};
  std::optional<limit_share> answer_on_its_way;
  time_point answer_at{};
  bool cut_off = false;
};

/// The promise: whatever is lost, late or cut off, no sliding minute sees more than the limit.
TEST(PolicyLimitSharesSimulation, NoMinutePassesTheLimitInAThousandSeeds) {
  std::uint64_t limits_in_all = 0;
  std::uint64_t sent_in_all = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    random_source random(seed);
    limit_shares authority;
    const auto limit = 2 + random.below(60);  // small ones: each hand-over sends one at once
    limits_in_all += limit;
    std::vector<holder_model> holders(2 + random.below(4));
    std::uint64_t epochs = 0;
    for (auto& h : holders) h.epoch = ++epochs;
    std::deque<time_point> sent;
    auto now = manual_clock().now();
    for (int step = 0; step < 2000; ++step, now += 150ms) {
      for (auto& h : holders) {
        if (random.below(400) == 0) h.cut_off = !h.cut_off;
        if (random.below(900) == 0) {  // killed, and started anew under a new epoch
          h = holder_model{};
          h.epoch = ++epochs;
        }
        if (h.token != 0 && !h.answer_on_its_way && !h.cut_off && random.below(700) == 0) {
          authority.give_back(h.epoch, h.token, now - h.last_used, now);
          h.token = 0;
        }
        if (h.answer_on_its_way && h.answer_at <= now) {
          const auto share = *std::exchange(h.answer_on_its_way, std::nullopt);
          h.token = share.token;
          h.ends_at = h.asked_at + share.ends_in;
          h.ask_at = now + share.ask_after;
          if (share.token != 0) h.pace.set_per_minute(share.amount.requests_per_minute);
        } else if (!h.answer_on_its_way && h.ask_at <= now) {
          h.asked_at = now;
          h.ask_at = now + 1s;
          if (!h.cut_off) {
            const share_request wish{h.epoch,
                                     h.token,
                                     {.requests_per_minute = static_cast<std::uint32_t>(limit)},
                                     {},
                                     1};
            const auto share = authority.lease(wish, lasts, now);
            if (random.below(10) != 0) {  // else it is lost
              h.answer_on_its_way = share;
              h.answer_at = now + milliseconds(random.below(2000));
            }
          }
        }
        if (h.token == 0 || h.ends_at <= now || !h.pace.limited()) continue;
        while (h.ends_at > now && h.pace.free_at(1, now) <= now) {
          h.pace.spend(1, now);
          h.last_used = now;
          sent.push_back(now);
          ++sent_in_all;
        }
      }
      while (!sent.empty() && sent.front() <= now - 60s) sent.pop_front();
      ASSERT_LE(sent.size(), limit) << "seed " << seed << " step " << step;
    }
  }
  // 5 minutes each, in which every holder is cut off half of the time. A limit that nobody may use
  // would hold as well.
  EXPECT_GT(sent_in_all, limits_in_all);
}

}  // namespace
}  // namespace graphbit::policy
