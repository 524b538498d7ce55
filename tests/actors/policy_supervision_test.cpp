#include <graphbit/actors/policy/supervision.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graphbit::policy {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using kind = supervision_action::kind;

supervision_action stop(child_index child) { return {kind::stop, child, duration{0}}; }
supervision_action restart(child_index child, duration after) {
  return {kind::restart, child, after};
}
supervision_action escalate(child_index child) { return {kind::escalate, child, duration{0}}; }

class PolicySupervision : public testing::Test {
 protected:
  supervision of(restart_rule rule, int children) {
    supervision_settings settings;
    settings.rule = rule;
    supervision s(settings);
    for (int i = 0; i < children; ++i) (void)s.add();
    return s;
  }

  time_point now_ = manual_clock().now();
};

TEST_F(PolicySupervision, OneForOneRestartsTheDeadChildOnly) {
  auto s = of(restart_rule::one_for_one, 3);
  EXPECT_THAT(s.exited(1, true, now_), ElementsAre(restart(1, 50ms)));
  EXPECT_EQ(s.state(1), child_state::restarting);
  EXPECT_EQ(s.state(0), child_state::running);
  (void)s.started(1);
  EXPECT_EQ(s.state(1), child_state::running);
  EXPECT_EQ(s.restarts(1), 1u);
}

TEST_F(PolicySupervision, BackoffDoublesAndTheSixthRestartInTenSecondsEscalates) {
  auto s = of(restart_rule::one_for_one, 1);
  for (const duration wait : {50ms, 100ms, 200ms, 400ms, 800ms}) {
    EXPECT_THAT(s.exited(0, true, now_), ElementsAre(restart(0, wait)));
    (void)s.started(0);
    now_ += 1s;
  }
  EXPECT_THAT(s.exited(0, true, now_), ElementsAre(escalate(0)));
}

TEST_F(PolicySupervision, AFailedRestartIsTriedAgainWithinTheIntensity) {
  auto s = of(restart_rule::one_for_one, 2);
  for (const duration wait : {50ms, 100ms, 200ms, 400ms, 800ms}) {
    EXPECT_THAT(s.exited(0, true, now_), ElementsAre(restart(0, wait)));
  }
  EXPECT_EQ(s.alive(), 1u);
  EXPECT_THAT(s.exited(0, true, now_), ElementsAre(escalate(0)));
  EXPECT_THAT(s.exited(0, true, now_), IsEmpty()) << "stopped for good";
}

TEST_F(PolicySupervision, BackoffIsCapped) {
  supervision_settings settings;
  settings.restarts_max = 100;
  supervision s(settings);
  (void)s.add();
  duration last{0};
  for (int i = 0; i < 50; ++i) {
    last = s.exited(0, true, now_).at(0).after;
    (void)s.started(0);
  }
  EXPECT_EQ(last, 2s);
}

TEST_F(PolicySupervision, OldRestartsAreForgotten) {
  auto s = of(restart_rule::one_for_one, 1);
  for (int i = 0; i < 100; ++i) {
    now_ += 2100ms;  // four in any ten seconds
    const auto actions = s.exited(0, true, now_);
    ASSERT_EQ(actions.size(), 1u);
    ASSERT_EQ(actions[0].what, kind::restart) << i;
    (void)s.started(0);
  }
}

TEST_F(PolicySupervision, ManyChildrenDoNotBringDownEachOther) {
  auto s = of(restart_rule::one_for_one, 100);
  for (child_index i = 0; i < 100; ++i) {
    EXPECT_THAT(s.exited(i, true, now_), ElementsAre(restart(i, 50ms)));
  }
}

TEST_F(PolicySupervision, LifetimesDecideWhoComesBack) {
  supervision s;
  const auto transient = s.add(child_lifetime::transient);
  const auto temporary = s.add(child_lifetime::temporary);
  const auto permanent = s.add(child_lifetime::permanent);
  EXPECT_THAT(s.exited(temporary, true, now_), IsEmpty());
  EXPECT_THAT(s.exited(transient, true, now_), ElementsAre(restart(transient, 50ms)));
  (void)s.started(transient);
  EXPECT_THAT(s.exited(transient, false, now_), IsEmpty());
  EXPECT_THAT(s.exited(permanent, false, now_), ElementsAre(restart(permanent, 50ms)));
  EXPECT_EQ(s.state(transient), child_state::stopped);
}

TEST_F(PolicySupervision, OneForAllStopsAllThenStartsAllInOrder) {
  auto s = of(restart_rule::one_for_all, 3);
  EXPECT_THAT(s.exited(1, true, now_), ElementsAre(stop(2), stop(0)));
  EXPECT_THAT(s.exited(0, false, now_), IsEmpty());
  EXPECT_EQ(s.state(0), child_state::restarting) << "waits for the others";
  EXPECT_THAT(s.exited(2, false, now_), ElementsAre(restart(0, 50ms)));
  EXPECT_THAT(s.started(0), ElementsAre(restart(1, 0ms)));
  EXPECT_THAT(s.started(1), ElementsAre(restart(2, 0ms)));
  EXPECT_THAT(s.started(2), IsEmpty());

  EXPECT_EQ(s.alive(), 3u);
}

TEST_F(PolicySupervision, RestForOneTakesThoseStartedLater) {
  auto s = of(restart_rule::rest_for_one, 4);
  EXPECT_THAT(s.exited(1, true, now_), ElementsAre(stop(3), stop(2)));
  EXPECT_THAT(s.exited(0, true, now_), IsEmpty()) << "an earlier child dies meanwhile";
  EXPECT_THAT(s.exited(3, false, now_), IsEmpty());
  EXPECT_THAT(s.exited(2, true, now_), ElementsAre(restart(0, 100ms)));
  EXPECT_THAT(s.started(0), ElementsAre(restart(1, 0ms)));
  EXPECT_THAT(s.started(1), ElementsAre(restart(2, 0ms)));
  EXPECT_THAT(s.started(2), ElementsAre(restart(3, 0ms)));
  EXPECT_THAT(s.started(3), IsEmpty());
}

TEST_F(PolicySupervision, AnElderThatFailsDuringAGroupRestartGoesFirst) {
  auto s = of(restart_rule::rest_for_one, 4);
  EXPECT_THAT(s.exited(2, true, now_), ElementsAre(stop(3)));
  EXPECT_THAT(s.exited(3, false, now_), ElementsAre(restart(2, 50ms)));
  EXPECT_THAT(s.exited(0, true, now_), ElementsAre(stop(1)));
  EXPECT_FALSE(s.is_due(2)) << "its restart is overtaken";
  EXPECT_THAT(s.exited(1, false, now_), ElementsAre(restart(0, 100ms)));
  EXPECT_FALSE(s.is_due(2));
  EXPECT_TRUE(s.is_due(0));
  for (child_index i = 0; i < 3; ++i) EXPECT_THAT(s.started(i), ElementsAre(restart(i + 1, 0ms)));
  EXPECT_THAT(s.started(3), IsEmpty());
  EXPECT_FALSE(s.is_due(2)) << "a late message must not start it twice";
}

TEST_F(PolicySupervision, ARestartThatFailsHoldsBackThoseAfterIt) {
  auto s = of(restart_rule::rest_for_one, 3);
  EXPECT_THAT(s.exited(1, true, now_), ElementsAre(stop(2)));
  EXPECT_THAT(s.exited(2, false, now_), ElementsAre(restart(1, 50ms)));
  EXPECT_THAT(s.exited(1, true, now_), ElementsAre(restart(1, 100ms)));
  EXPECT_FALSE(s.is_due(2));
  EXPECT_THAT(s.started(1), ElementsAre(restart(2, 0ms)));
  EXPECT_THAT(s.started(2), IsEmpty());
  EXPECT_EQ(s.restarts(1), 1u);
}

TEST_F(PolicySupervision, ChildrenAddedLaterGoDownWithTheirElders) {
  auto s = of(restart_rule::rest_for_one, 2);
  EXPECT_THAT(s.exited(1, true, now_), ElementsAre(restart(1, 50ms)));
  const auto late = s.add();  // while its elder is down: it stays up
  EXPECT_THAT(s.started(1), IsEmpty());
  EXPECT_THAT(s.exited(1, true, now_), ElementsAre(stop(late)));
  EXPECT_THAT(s.exited(late, false, now_), ElementsAre(restart(1, 100ms)));
  EXPECT_THAT(s.started(1), ElementsAre(restart(late, 0ms)));
}

TEST_F(PolicySupervision, ATemporaryChildGoesDownWithItsGroupAndStaysDown) {
  supervision s({.rule = restart_rule::one_for_all});
  const auto first = s.add(), temporary = s.add(child_lifetime::temporary), last = s.add();
  EXPECT_THAT(s.exited(first, true, now_), ElementsAre(stop(last), stop(temporary)));
  EXPECT_THAT(s.exited(last, false, now_), IsEmpty());
  EXPECT_THAT(s.exited(temporary, false, now_), ElementsAre(restart(first, 50ms)));
  s.remove(temporary);
  EXPECT_THAT(s.started(first), ElementsAre(restart(last, 0ms)));
  EXPECT_THAT(s.started(last), IsEmpty());
}

TEST_F(PolicySupervision, TheLastOfRestForOneRestartsAtOnce) {
  auto s = of(restart_rule::rest_for_one, 3);
  EXPECT_THAT(s.exited(2, true, now_), ElementsAre(restart(2, 50ms)));
}

TEST_F(PolicySupervision, GroupsEscalateTogether) {
  auto s = of(restart_rule::one_for_all, 2);
  for (int i = 0; i < 5; ++i) {
    (void)s.exited(i % 2, true, now_);
    EXPECT_EQ(s.exited((i + 1) % 2, false, now_).size(), 1u);
    (void)s.started(0);
    (void)s.started(1);
  }
  EXPECT_THAT(s.exited(0, true, now_), ElementsAre(escalate(0)));
}

TEST_F(PolicySupervision, ShutsDownOneAfterTheOtherLastStartedFirst) {
  auto s = of(restart_rule::one_for_one, 4);
  (void)s.exited(1, true, now_);  // its restart is given up
  EXPECT_THAT(s.shut_down(), ElementsAre(stop(3)));
  EXPECT_THAT(s.shut_down(), IsEmpty());
  (void)s.started(1);
  EXPECT_EQ(s.state(1), child_state::stopped);
  EXPECT_THAT(s.exited(3, true, now_), ElementsAre(stop(2)));
  EXPECT_THAT(s.exited(0, true, now_), IsEmpty());  // died by itself
  EXPECT_FALSE(s.down());
  EXPECT_THAT(s.exited(2, false, now_), IsEmpty());
  EXPECT_TRUE(s.down());
}

TEST_F(PolicySupervision, ShutDownInTheMiddleOfAGroupRestart) {
  auto s = of(restart_rule::one_for_all, 3);
  (void)s.exited(0, true, now_);
  EXPECT_THAT(s.shut_down(), IsEmpty());  // both others are stopping already
  EXPECT_THAT(s.exited(1, false, now_), IsEmpty());
  EXPECT_THAT(s.exited(2, false, now_), IsEmpty());
  EXPECT_TRUE(s.down());
}

TEST_F(PolicySupervision, RemovedChildrensPlacesAreUsedAgainInStartOrder) {
  auto s = of(restart_rule::one_for_one, 3);
  s.remove(1);  // alive: stays
  EXPECT_EQ(s.alive(), 3u);
  (void)s.exited(0, true, now_);
  s.remove(0);
  EXPECT_EQ(s.add(), 0u);
  EXPECT_EQ(s.restarts(0), 0u);
  EXPECT_THAT(s.shut_down(), ElementsAre(stop(0))) << "started last";
}

}  // namespace
}  // namespace graphbit::policy
