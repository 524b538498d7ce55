// The seeded simulation of owners, members, links and views together. A failing seed prints itself;
// `graphbit_simulate_cluster SEED` reproduces it.

#include <gtest/gtest.h>

#include <simulation/cluster_world.hpp>

namespace graphbit::sim {
namespace {

TEST(ClusterSimulation, AThousandSeedsKeepEveryPromise) {
  cluster_report sum;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    try {
      const auto r = run_cluster(seed);
      sum.answered += r.answered;
      sum.repeats += r.repeats;
      sum.stale_answers += r.stale_answers;
      sum.limited_calls += r.limited_calls;
      sum.links_lost += r.links_lost;
      sum.crashes += r.crashes;
      sum.partitions += r.partitions;
      sum.drains += r.drains;
    } catch (const broken_promise& broken) {
      ADD_FAILURE() << "seed " << seed << ": " << broken.what();
    }
  }
  // The scenarios must reach what they are meant to try.
  EXPECT_GT(sum.answered, 50'000u);
  EXPECT_GT(sum.repeats, 300u);
  EXPECT_GT(sum.stale_answers, 500u);
  EXPECT_GT(sum.limited_calls, 2'000u);
  EXPECT_GT(sum.links_lost, 1'000u);
  EXPECT_GT(sum.crashes, 500u);
  EXPECT_GT(sum.partitions, 1'000u);
  EXPECT_GT(sum.drains, 500u);
}

TEST(ClusterSimulation, ASeedAlwaysGivesTheSameRun) {
  for (const std::uint64_t seed : {1u, 7u, 4242u}) EXPECT_EQ(run_cluster(seed), run_cluster(seed));
}

}  // namespace
}  // namespace graphbit::sim
