// The seeded simulation of breaker, limiter, retries, budget, hedging and supervision together.
// A failing seed prints itself; `graphbit_simulate SEED` reproduces it.

#include <gtest/gtest.h>

#include <simulation/reach.hpp>
#include <simulation/scenario.hpp>

namespace graphbit::sim {
namespace {

TEST(Simulation, AThousandSeedsKeepEveryPromise) {
  std::uint64_t succeeded = 0, openings = 0, retries = 0, hedges = 0, restarts = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    try {
      const auto report = run_seed(seed);
      succeeded += report.count(call_end::succeeded);
      openings += report.openings;
      retries += report.retries;
      hedges += report.hedges;
      restarts += report.restarts;
    } catch (const violation& broken) {
      ADD_FAILURE() << broken.what();
    }
  }
  // The scenarios must reach what they are meant to try.
  EXPECT_GT(succeeded, 100'000u);
  EXPECT_GT(openings, 500u);
  EXPECT_GT(retries, 20'000u);
  EXPECT_GT(hedges, 200u);
  EXPECT_GT(restarts, 500u);
}

TEST(Simulation, ASeedAlwaysGivesTheSameRun) {
  for (const std::uint64_t seed : {1u, 7u, 4242u}) {
    const auto once = run_seed(seed), again = run_seed(seed);
    EXPECT_EQ(once.ends, again.ends);
    EXPECT_EQ(once.attempts, again.attempts);
    EXPECT_EQ(once.events, again.events);
    EXPECT_EQ(once.length, again.length);
  }
}

TEST(Simulation, TheRefereeSeesWhatIsWrong) {
  const time_point now = manual_clock().now();
  referee limits({.in_flight_max = 1, .requests_per_minute = 2}, 100, now);
  for (std::uint32_t call = 0; call < 4; ++call) limits.call_arrived(call, now + seconds(10));
  attempt_facts facts;
  limits.attempt_sent(facts, now);
  EXPECT_THROW(limits.attempt_sent(facts, now), violation) << "two in flight";
  limits.call_ended(0, now);
  EXPECT_THROW(limits.call_ended(0, now), violation) << "two outcomes";
  EXPECT_THROW(limits.call_ended(1, now + seconds(11)), violation) << "past its deadline";
  EXPECT_THROW(limits.finished(now), violation) << "calls without an outcome";
  facts.call = 2;
  facts.breaker = breaker_state::open;
  EXPECT_THROW(limits.attempt_sent(facts, now), violation) << "through an open breaker";
  EXPECT_THROW(limits.breaker_opened(false, now), violation) << "opened without failures";
}

TEST(Simulation, ReachesTheNumbersOfTheDocuments) {
  for (const auto& row : measure_reach()) {
    EXPECT_TRUE(row.kept) << row.what << ": promised " << row.promised << "; measured "
                          << row.measured;
  }
}

}  // namespace
}  // namespace graphbit::sim
