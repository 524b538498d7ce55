// The state machines of a cluster, each by itself.

#include <gtest/gtest.h>

#include <src/policy/credit_ledger.hpp>
#include <src/policy/failure_detector.hpp>
#include <src/policy/membership.hpp>
#include <src/policy/placement.hpp>

namespace graphbit::cluster {
namespace {

const time_point start = manual_clock().now();

TEST(FailureDetector, SilenceKillsAndARegularBeatDoesNot) {
  failure_detector detector({}, start);
  auto now = start;
  for (int i = 0; i < 100; ++i) {
    now += milliseconds(500);
    EXPECT_FALSE(detector.dead(now));
    detector.heard(now);
  }
  const auto heard_at = now;
  while (!detector.dead(now)) now += milliseconds(500);
  EXPECT_GT(now - heard_at, milliseconds(1000)) << "a pause is forgiven";
  EXPECT_LE(now - heard_at, milliseconds(4000)) << "a cut cable is seen within 5 s";
}

TEST(FailureDetector, AProcessThatWasAsleepItselfBlamesNobody) {
  failure_detector detector({}, start);
  auto now = start;
  for (int i = 0; i < 20; ++i) {
    now += milliseconds(500);
    EXPECT_FALSE(detector.dead(now));
    detector.heard(now);
  }
  now += milliseconds(30'000);  // this process got no CPU
  EXPECT_FALSE(detector.dead(now));
  const auto awake_at = now;
  while (!detector.dead(now)) now += milliseconds(500);
  EXPECT_LE(now - awake_at, milliseconds(4000)) << "from then on silence is silence";
}

TEST(FailureDetector, ALineThatIsAlwaysUnsteadyGetsMorePatience) {
  const auto patience = [](bool unsteady) {
    failure_detector detector({}, start);
    auto now = start;
    for (int i = 0; i < 64; ++i) {
      now += milliseconds(unsteady && i % 2 == 0 ? 1700 : 500);
      detector.heard(now);
    }
    auto at = now;
    while (!detector.dead(at)) at += milliseconds(10);
    return at - now;
  };
  EXPECT_GT(patience(true), patience(false) + milliseconds(300));
}

TEST(FailureDetector, NoLineIsSoUnsteadyThatACutCableGoesUnseen) {
  constexpr failure_detector_settings owners{.pause = milliseconds(1000)};
  failure_detector detector(owners, start);
  auto now = start;
  for (int i = 0; i < 64; ++i) {
    now += milliseconds(i % 2 == 0 ? 3500 : 300);
    detector.heard(now);
  }
  auto at = now;
  while (!detector.dead(at)) at += owners.interval;
  EXPECT_LE(at - now, milliseconds(3500));
}

TEST(Membership, ViewsMergeToTheSameWhateverTheOrder) {
  const std::vector<member_record> a{{.name = "x", .incarnation = 1, .beat = 9},
                                     {.name = "y", .incarnation = 4}};
  const std::vector<member_record> b{{.name = "x", .incarnation = 2, .beat = 1},
                                     {.name = "z", .incarnation = 1}};
  membership one, other;
  for (const auto* view : {&a, &b, &a}) static_cast<void>(one.merge(*view, start));
  for (const auto* view : {&b, &a, &b}) static_cast<void>(other.merge(*view, start));
  EXPECT_EQ(one.view(start), other.view(start));
  EXPECT_EQ(one.view(start).at(0).incarnation, 2u) << "the later life of x";
}

TEST(Membership, WhoStandsStillIsForgottenAndComesBackByBeating) {
  membership m;
  static_cast<void>(m.merge({{.name = "x", .incarnation = 1, .beat = 1}}, start));
  EXPECT_EQ(m.view(start + seconds(29)).size(), 1u);
  EXPECT_TRUE(m.view(start + seconds(31)).empty());
  EXPECT_FALSE(m.merge({{.name = "x", .incarnation = 1, .beat = 1}}, start + seconds(40)))
      << "hearsay";
  EXPECT_TRUE(m.view(start + seconds(40)).empty());
  EXPECT_TRUE(m.merge({{.name = "x", .incarnation = 1, .beat = 2}}, start + seconds(41)));
  EXPECT_EQ(m.view(start + seconds(41)).size(), 1u);
}

TEST(Membership, ARestartedMemberWinsAgainstItsPastEvenWhenItsClockWentBack) {
  membership restarted;
  restarted.join({.name = "x", .address = "h:1", .incarnation = 5}, start);
  EXPECT_TRUE(restarted.merge(
      {{.name = "x", .address = "h:1", .incarnation = 9, .state = member_state::left}}, start));
  EXPECT_EQ(restarted.self()->incarnation, 10u);
  EXPECT_EQ(restarted.self()->state, member_state::up);
  EXPECT_FALSE(restarted.name_taken());
  static_cast<void>(
      restarted.merge({{.name = "x", .address = "other:1", .incarnation = 11}}, start));
  EXPECT_TRUE(restarted.name_taken()) << "two members were started with one name";
}

TEST(CreditLedger, OwnersShareByWeightAndNobodyStarves) {
  credit_ledger ledger(12);
  ledger.add(1, 1);
  static_cast<void>(ledger.changes());
  EXPECT_EQ(ledger.window(1), 12u) << "alone, all of it, before any demand";
  ledger.add(2, 3);
  ledger.set_demand(1, 1000);
  ledger.set_demand(2, 1000);
  static_cast<void>(ledger.changes());
  EXPECT_EQ(ledger.window(1), 3u);
  EXPECT_EQ(ledger.window(2), 9u);
  ledger.set_demand(2, 2);
  static_cast<void>(ledger.changes());
  EXPECT_EQ(ledger.window(1), 10u) << "what one does not want, the other gets";
  EXPECT_EQ(ledger.window(2), 2u);
  ledger.set_demand(2, 0);
  static_cast<void>(ledger.changes());
  EXPECT_GE(ledger.window(2), 1u) << "an idle owner's first item need not wait";
  ledger.close();
  static_cast<void>(ledger.changes());
  EXPECT_EQ(ledger.window(1) + ledger.window(2), 0u);
}

class PlacementTest : public testing::Test {
 protected:
  void connect(link_id link, std::uint32_t window, std::vector<std::string> callables = {},
               std::vector<std::string> labels = {}) {
    p.link_up(link, {.name = "m" + std::to_string(link),
                     .labels = std::move(labels),
                     .callables = std::move(callables)});
    p.set_window(link, window);
  }
  placement p;
};

TEST_F(PlacementTest, ItemsGoWhereThereIsCreditAndWaitWhereThereIsNone) {
  connect(1, 2);
  connect(2, 1);
  for (item_id i = 1; i <= 5; ++i) p.add(i, {});
  EXPECT_EQ(p.dispatch().size(), 3u);
  EXPECT_EQ(p.waiting(), 2u);
  EXPECT_TRUE(p.dispatch().empty());
}

TEST_F(PlacementTest, OnlyTheLatestAttemptsAnswerCounts) {
  connect(1, 1);
  p.add(7, {});
  const auto first = p.dispatch().at(0);
  const auto end = p.link_down(1);
  EXPECT_EQ(end.requeued, std::vector<item_id>{7});
  connect(2, 1);
  const auto second = p.dispatch().at(0);
  EXPECT_GT(second.attempt, first.attempt);
  EXPECT_FALSE(p.finish(7, first.attempt, first.link)) << "the dead member's late answer";
  EXPECT_FALSE(p.finish(7, second.attempt, first.link));
  EXPECT_TRUE(p.finish(7, second.attempt, second.link));
  EXPECT_FALSE(p.finish(7, second.attempt, second.link)) << "once";
}

TEST_F(PlacementTest, AnItemThatKillsMembersIsGivenUp) {
  p = placement({.attempts_max = 3});
  p.add(1, {});
  for (link_id link = 1; link <= 2; ++link) {
    connect(link, 1);
    EXPECT_EQ(p.dispatch().size(), 1u);
    EXPECT_EQ(p.link_down(link).requeued.size(), 1u);
  }
  connect(3, 1);
  EXPECT_EQ(p.dispatch().size(), 1u);
  EXPECT_EQ(p.link_down(3).abandoned, std::vector<item_id>{1});
  EXPECT_EQ(p.waiting() + p.in_flight(), 0u);
}

TEST_F(PlacementTest, LabelsCallablesAndSessionsAreRespected) {
  p = placement({.labels = {"gpu"}});
  connect(1, 10);
  connect(2, 10, {"lib.f"}, {"gpu", "eu"});
  connect(3, 10, {}, {"gpu"});
  p.add(1, {.callable = "lib.f"});
  EXPECT_EQ(p.dispatch().at(0).link, 2u);
  p.add(2, {.callable = "lib.g"});
  EXPECT_TRUE(p.dispatch().empty()) << "no member has it";
  for (item_id i = 10; i < 14; ++i) p.add(i, {.session = "s"});
  const auto same = p.dispatch();
  ASSERT_EQ(same.size(), 4u);
  for (const auto& a : same) {
    EXPECT_EQ(a.link, same[0].link) << "one session, one member";
    EXPECT_NE(a.link, 1u) << "it lacks the label";
  }
}

TEST_F(PlacementTest, RatedItemsGoOnlyToMembersThatHaveAPartOfTheRate) {
  connect(1, 8);
  connect(2, 2);
  p.set_starved(1, true);
  for (item_id i = 1; i <= 3; ++i) p.add(i, {.rated = true});
  const auto placed = p.dispatch();
  ASSERT_EQ(placed.size(), 2u);
  EXPECT_EQ(placed[0].link, 2u);
  EXPECT_EQ(placed[1].link, 2u);
  EXPECT_EQ(p.waiting(), 1u);
  p.set_starved(1, false);
  EXPECT_EQ(p.dispatch().at(0).link, 1u);
}

TEST_F(PlacementTest, ABoundOfCallsInFlightHoldsOverAllMembersAndLetsOthersPass) {
  connect(1, 4);
  connect(2, 4);
  const item_needs bounded{.limit = 7, .in_flight_max = 2};
  for (item_id id = 1; id <= 4; ++id) p.add(id, bounded);
  p.add(5, {});
  const auto first = p.dispatch();
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first[0].item, 1u);
  EXPECT_EQ(first[1].item, 2u);
  EXPECT_EQ(first[2].item, 5u) << "what does not count passes";
  EXPECT_TRUE(p.dispatch().empty());
  ASSERT_TRUE(p.finish(1, first[0].attempt, first[0].link));
  ASSERT_EQ(p.dispatch().size(), 1u) << "3 goes";
  static_cast<void>(p.link_down(p.where(3)->link));  // 2 may have been there, too
  EXPECT_LE(p.in_flight(), 3u);
  static_cast<void>(p.dispatch());
  std::size_t out = 0;
  for (const item_id id : {2u, 3u, 4u}) out += p.where(id) ? 1 : 0;
  EXPECT_EQ(out, 2u);
  for (const item_id id : {2u, 3u, 4u, 5u}) static_cast<void>(p.remove(id));
  p.add(6, bounded);
  EXPECT_EQ(p.dispatch().size(), 1u) << "nothing is left of those that are gone";
}

TEST_F(PlacementTest, LiveItemsGoFirstAndABatchNeverStandsStill) {
  for (item_id i = 1; i <= 100; ++i) p.add(i, {.priority = priority_class::batch});
  for (item_id i = 101; i <= 200; ++i) p.add(i, {.priority = priority_class::live});
  connect(1, 50);
  std::size_t batch = 0;
  for (const auto& a : p.dispatch()) batch += a.item <= 100 ? 1 : 0;
  EXPECT_EQ(batch, 5u);
}

TEST_F(PlacementTest, ADrainingMemberGetsNothingMore) {
  connect(1, 5);
  p.add(1, {});
  const auto sent = p.dispatch().at(0);
  p.link_changed(1, {.name = "m1", .state = member_state::draining});
  p.give_back(1, sent.attempt, 1);
  EXPECT_TRUE(p.dispatch().empty());
  connect(2, 1);
  EXPECT_EQ(p.dispatch().at(0).link, 2u);
}

}  // namespace
}  // namespace graphbit::cluster
