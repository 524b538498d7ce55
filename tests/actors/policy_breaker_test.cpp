#include <graphbit/actors/policy/breaker.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <vector>

namespace graphbit::policy {
namespace {

using namespace std::chrono_literals;

/// A breaker on a clock that the test moves.
class PolicyBreaker : public testing::Test {
 protected:
  void attempt(attempt_outcome outcome, duration takes = 1ms) {
    const bool probe = breaker_.admit(now_).kind == admission_kind::probe;
    const auto id = breaker_.started(now_, probe);
    now_ += takes;
    breaker_.finished(id, outcome, now_, random_);
  }
  void attempts(int count, attempt_outcome outcome) {
    for (int i = 0; i < count; ++i) attempt(outcome);
  }
  void open_it() {
    attempts(10, attempt_outcome::failure);
    ASSERT_EQ(breaker_.state(now_), breaker_state::open);
  }
  /// Moves to the moment when the open period is over.
  void to_half_open() { now_ = breaker_.snapshot(now_).open_until; }
  [[nodiscard]] breaker_state state() const { return breaker_.state(now_); }

  time_point now_ = manual_clock().now();
  random_source random_{1};
  breaker breaker_;
};

TEST_F(PolicyBreaker, OpensAtTenFailuresWithoutASuccess) {
  attempts(9, attempt_outcome::failure);
  EXPECT_EQ(state(), breaker_state::closed);
  attempt(attempt_outcome::failure);
  EXPECT_EQ(state(), breaker_state::open);
  EXPECT_EQ(breaker_.failures(), 10u);
}

TEST_F(PolicyBreaker, OpensAtEightyPercentOfTwenty) {
  attempts(4, attempt_outcome::success);
  attempts(15, attempt_outcome::failure);
  EXPECT_EQ(state(), breaker_state::closed);
  attempt(attempt_outcome::failure);
  EXPECT_EQ(state(), breaker_state::open);
}

TEST_F(PolicyBreaker, StaysClosedJustBelowEightyPercent) {
  for (int i = 0; i < 400; ++i) {
    attempt(i % 4 == 0 ? attempt_outcome::success : attempt_outcome::failure);
    ASSERT_EQ(state(), breaker_state::closed) << i;
  }
}

TEST_F(PolicyBreaker, LooksAtTheLastFiftyAttemptsOnly) {
  attempts(500, attempt_outcome::success);
  attempts(39, attempt_outcome::failure);
  EXPECT_EQ(state(), breaker_state::closed);
  attempt(attempt_outcome::failure);
  EXPECT_EQ(state(), breaker_state::open);
}

TEST_F(PolicyBreaker, ForgetsWhatIsOlderThanThirtySeconds) {
  attempts(9, attempt_outcome::failure);
  now_ += 31s;
  attempt(attempt_outcome::failure);
  EXPECT_EQ(state(), breaker_state::closed);
  EXPECT_EQ(breaker_.failures(), 1u);
}

TEST_F(PolicyBreaker, CallersErrorsAndCancellationsNeverCount) {
  attempts(10'000, attempt_outcome::ignored);
  EXPECT_EQ(state(), breaker_state::closed);
  attempts(9, attempt_outcome::failure);
  attempts(100, attempt_outcome::ignored);
  EXPECT_EQ(state(), breaker_state::closed);
  EXPECT_EQ(breaker_.failures(), 9u);
}

TEST_F(PolicyBreaker, AttemptsInFlightCountAsNotFailed) {
  std::vector<attempt_id> out;
  for (int i = 0; i < 64; ++i) out.push_back(breaker_.started(now_));
  for (int i = 0; i < 40; ++i) {
    breaker_.finished(out[i], attempt_outcome::failure, now_, random_);
    ASSERT_EQ(state(), breaker_state::closed);
  }
  for (int i = 40; i < 64; ++i) {
    breaker_.finished(out[i], attempt_outcome::failure, now_, random_);
  }
  EXPECT_EQ(state(), breaker_state::open);
  EXPECT_EQ(breaker_.in_flight(), 0u);
}

TEST_F(PolicyBreaker, WindowGrowsWithWhatIsInFlight) {
  std::deque<attempt_id> out;
  for (int i = 0; i < 100; ++i) out.push_back(breaker_.started(now_));
  for (int i = 0; i < 100; ++i) {
    breaker_.finished(out.front(), attempt_outcome::success, now_, random_);
    out.pop_front();
    out.push_back(breaker_.started(now_));
  }
  // 200 attempts are looked at, so 100 quick failures are half of them.
  for (int i = 0; i < 100; ++i) {
    breaker_.finished(breaker_.started(now_), attempt_outcome::failure, now_, random_);
    ASSERT_EQ(state(), breaker_state::closed) << i;
  }
}

TEST_F(PolicyBreaker, RejectsUntilTheOpenPeriodEnds) {
  open_it();
  const admission answer = breaker_.admit(now_);
  EXPECT_TRUE(answer.rejected());
  EXPECT_GE(answer.retry_after, 1800ms);
  EXPECT_LE(answer.retry_after, 2200ms);
  now_ += answer.retry_after - 1ns;
  EXPECT_TRUE(breaker_.admit(now_).rejected());
  now_ += 1ns;
  EXPECT_EQ(state(), breaker_state::half_open);
}

TEST_F(PolicyBreaker, HalfOpenAdmitsExactlyOneProbe) {
  open_it();
  to_half_open();
  EXPECT_EQ(breaker_.check(now_).kind, admission_kind::probe);  // asking takes nothing
  EXPECT_EQ(breaker_.admit(now_).kind, admission_kind::probe);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(breaker_.admit(now_).rejected());
}

TEST_F(PolicyBreaker, SuccessfulProbeClosesAndForgets) {
  open_it();
  to_half_open();
  attempt(attempt_outcome::success);
  EXPECT_EQ(state(), breaker_state::closed);
  EXPECT_EQ(breaker_.failures(), 0u);
  attempts(9, attempt_outcome::failure);
  EXPECT_EQ(state(), breaker_state::closed);
}

TEST_F(PolicyBreaker, FailedProbesDoubleTheOpenPeriodUpToItsCap) {
  open_it();
  for (const auto& [shortest, longest] :
       {std::pair{3600ms, 4400ms}, std::pair{4500ms, 5500ms}, std::pair{4500ms, 5500ms}}) {
    to_half_open();
    attempt(attempt_outcome::failure);
    ASSERT_EQ(state(), breaker_state::open);
    const duration period = breaker_.snapshot(now_).open_until - now_;
    EXPECT_GE(period, shortest);
    EXPECT_LE(period, longest);
  }
  to_half_open();
  attempt(attempt_outcome::success);
  open_it();
  EXPECT_LE(breaker_.snapshot(now_).open_until - now_, 2200ms);  // starts over
}

TEST_F(PolicyBreaker, IgnoredProbeFreesItsPlace) {
  open_it();
  to_half_open();
  attempt(attempt_outcome::ignored);
  EXPECT_EQ(state(), breaker_state::half_open);
  EXPECT_EQ(breaker_.admit(now_).kind, admission_kind::probe);
}

TEST_F(PolicyBreaker, ProbeThatNeverStartsIsGivenBack) {
  open_it();
  to_half_open();
  ASSERT_EQ(breaker_.admit(now_).kind, admission_kind::probe);
  breaker_.release_probe();
  EXPECT_EQ(breaker_.admit(now_).kind, admission_kind::probe);
}

TEST_F(PolicyBreaker, LateOutcomesOfOldAttemptsDecideNothing) {
  const auto slow = breaker_.started(now_);
  attempts(10, attempt_outcome::failure);
  ASSERT_EQ(state(), breaker_state::open);
  breaker_.finished(slow, attempt_outcome::success, now_, random_);
  EXPECT_EQ(state(), breaker_state::open);
  to_half_open();
  attempt(attempt_outcome::success);
  const auto other = breaker_.started(now_);
  breaker_.finished(other, attempt_outcome::failure, now_, random_);
  breaker_.finished(other, attempt_outcome::failure, now_, random_);  // reported twice
  EXPECT_EQ(breaker_.failures(), 1u);
  EXPECT_EQ(breaker_.in_flight(), 0u);
}

TEST_F(PolicyBreaker, MemoryStaysBoundedBehindOneAttemptThatNeverEnds) {
  (void)breaker_.started(now_);
  for (int i = 0; i < 100'000; ++i) {
    breaker_.finished(breaker_.started(now_), attempt_outcome::ignored, now_, random_);
  }
  attempts(10, attempt_outcome::failure);
  EXPECT_EQ(state(), breaker_state::open);
}

TEST_F(PolicyBreaker, SettingsCanBeChanged) {
  breaker_settings settings;
  settings.judged_min_no_success = 3;
  settings.open_first = 500ms;
  settings.open_jitter = 0;
  breaker_.configure(settings);
  attempts(3, attempt_outcome::failure);
  EXPECT_EQ(breaker_.admit(now_).retry_after, 500ms);
}

}  // namespace
}  // namespace graphbit::policy
