#include <graphbit/actors/policy/refusal_hold.hpp>

#include <gtest/gtest.h>

#include <graphbit/actors/policy/limiter.hpp>

namespace graphbit::policy {
namespace {

using namespace std::chrono_literals;

class PolicyRefusalHold : public testing::Test {
 protected:
  sending send() {
    hold_.went_out(now_);
    return {now_, ++sent_};
  }
  void answer(int times) {
    for (int i = 0; i < times; ++i) (void)hold_.answered(send(), now_);
  }
  [[nodiscard]] bool may_go() const { return hold_.free_at(now_) <= now_; }

  time_point now_ = manual_clock().now();
  std::uint64_t sent_ = 0;
  refusal_hold hold_;
};

TEST_F(PolicyRefusalHold, LittleKnownTheServersTimeIsKept) {
  answer(5);
  const auto refused = send(), later = send();
  hold_.refused(refused, now_ + 2s, now_);
  EXPECT_FALSE(hold_.answered(later, now_));
  EXPECT_EQ(hold_.free_at(now_), now_ + 2s);
  EXPECT_EQ(hold_.certain_until(), now_ + 2s);
}

TEST_F(PolicyRefusalHold, ALaterAnswerEndsTheHoldOfARefusalByChance) {
  answer(20);
  const auto earlier = send(), refused = send(), later = send();
  hold_.refused(refused, now_ + 60s, now_);
  EXPECT_FALSE(hold_.answered(earlier, now_)) << "it says nothing of what came after";
  EXPECT_TRUE(hold_.answered(later, now_));
  EXPECT_TRUE(may_go());
  EXPECT_FALSE(hold_.answered(send(), now_)) << "there was no hold to end";
}

TEST_F(PolicyRefusalHold, ARefusalThatALaterAnswerHasOvertakenHoldsNobody) {
  answer(20);
  const auto refused = send(), later = send();
  (void)hold_.answered(later, now_);
  hold_.refused(refused, now_ + 60s, now_);
  EXPECT_TRUE(may_go());
}

TEST_F(PolicyRefusalHold, ScoutsGoATenthOfTheHoldApart) {
  answer(20);
  hold_.refused(send(), now_ + 10s, now_);
  EXPECT_EQ(hold_.certain_until(), time_point{}) << "a scout may open it at any time";
  for (int scout = 0; scout < 3; ++scout) {
    ASSERT_TRUE(may_go());
    const auto gone = send();
    EXPECT_EQ(hold_.free_at(now_), now_ + 1s);
    hold_.refused(gone, now_ + 1s, now_);
    now_ += 1s;
  }
  EXPECT_TRUE(hold_.answered(send(), now_));
  EXPECT_TRUE(may_go());
}

TEST_F(PolicyRefusalHold, WhereRefusalsAreTheRuleNothingGoesBeforeItsTime) {
  answer(20);
  const auto last = now_ + 10s;
  for (int i = 0; i < 10; ++i) hold_.refused(send(), last, now_);
  EXPECT_EQ(hold_.free_at(now_), last);
  EXPECT_FALSE(hold_.answered(send(), now_)) << "an answer among so many refusals is the exception";
  for (; now_ < last; now_ += 100ms) EXPECT_FALSE(may_go());
}

TEST_F(PolicyRefusalHold, AfterwardsOneGoesEachFiveMillisecondsUntilOneIsAnswered) {
  answer(10);
  for (int i = 0; i < 20; ++i) hold_.refused(send(), now_ + 10s, now_);
  now_ += 10s;
  const auto first = send();
  EXPECT_EQ(hold_.free_at(now_), now_ + 5ms);
  now_ += 5ms;
  (void)send();
  EXPECT_FALSE(may_go());
  EXPECT_TRUE(hold_.answered(first, now_)) << "whatever the record is: the server's time is over";
  EXPECT_TRUE(may_go());
}

TEST_F(PolicyRefusalHold, AnotherClientsNewsAreHeldByItsTime) {
  const auto refused_at = now_;
  hold_.hold({refused_at, sent_}, now_ + 10s, now_);
  EXPECT_FALSE(may_go());
  EXPECT_FALSE(hold_.lift({refused_at - 1ms, 0}, now_)) << "sent before the one that was refused";
  EXPECT_TRUE(hold_.lift({refused_at + 1ms, 0}, now_));
  EXPECT_TRUE(may_go());
}

// The limiter obeys it: calls in its line, and a deadline within the hold.
TEST_F(PolicyRefusalHold, TheLimiterLetsAScoutOutOfItsLine) {
  limiter l;
  const auto request = [](std::uint64_t id) { return limiter_request{.id = id}; };
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto name = l.try_acquire(request(i), now_);
    (void)l.answered(name, now_);
    l.release(name, now_);
  }
  const auto unlucky = l.try_acquire(request(20), now_);
  l.refused(unlucky, now_ + 10s, now_);
  l.release(unlucky, now_);
  EXPECT_EQ(l.earliest_start(request(21), now_), now_);
  for (std::uint64_t i = 21; i < 24; ++i) (void)l.enqueue(request(i), now_);
  const auto scout = l.next(now_);
  ASSERT_TRUE(scout);
  EXPECT_FALSE(l.next(now_)) << "one is enough";
  EXPECT_EQ(l.next_wakeup(now_), now_ + 1s);
  EXPECT_TRUE(l.answered(scout->name, now_));
  EXPECT_TRUE(l.next(now_));
  EXPECT_TRUE(l.next(now_));
}

}  // namespace
}  // namespace graphbit::policy
