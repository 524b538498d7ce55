#include <graphbit/actors/policy/ready_nodes.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include <graphbit/runtime/random.hpp>

namespace graphbit::policy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using indices = std::vector<node_index>;

ready_nodes run_of(std::size_t nodes, const std::vector<graph_edge>& edges) {
  auto graph = dataflow_graph::make(nodes, edges);
  EXPECT_TRUE(graph.has_value());
  return ready_nodes(graph.value());
}

indices skipped(const progress& p) {
  indices out;
  for (const auto& s : p.skipped) out.push_back(s.node);
  return out;
}

TEST(PolicyDataflowGraph, FindsACycleAndNamesIt) {
  const auto graph = dataflow_graph::make(
      6, std::vector<graph_edge>{{0, 1}, {1, 2}, {2, 3}, {3, 1}, {3, 4}, {4, 5}});
  ASSERT_FALSE(graph.has_value());
  EXPECT_EQ(graph.error().what, graph_fault::fault::cycle);
  auto cycle = graph.error().nodes;
  ASSERT_EQ(cycle.size(), 3u);
  std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
  EXPECT_THAT(cycle, ElementsAre(1, 2, 3));
}

TEST(PolicyDataflowGraph, ANodeThatNeedsItselfIsACycle) {
  const auto graph = dataflow_graph::make(2, std::vector<graph_edge>{{1, 1}});
  ASSERT_FALSE(graph.has_value());
  EXPECT_THAT(graph.error().nodes, ElementsAre(1));
}

TEST(PolicyDataflowGraph, RefusesEdgesOfUnknownNodes) {
  const auto graph = dataflow_graph::make(2, std::vector<graph_edge>{{0, 2}});
  ASSERT_FALSE(graph.has_value());
  EXPECT_EQ(graph.error().what, graph_fault::fault::unknown_node);
  EXPECT_THAT(graph.error().nodes, ElementsAre(0, 2));
}

TEST(PolicyDataflowGraph, OrdersParentsFirst) {
  const auto graph =
      dataflow_graph::make(4, std::vector<graph_edge>{{3, 2}, {2, 0}, {3, 0}, {0, 1}});
  ASSERT_TRUE(graph.has_value());
  EXPECT_THAT((*graph)->order(), ElementsAre(3, 2, 0, 1));
}

TEST(PolicyReadyNodes, AnEmptyGraphIsDone) {
  auto run = run_of(0, {});
  EXPECT_THAT(run.begin().ready, IsEmpty());
  EXPECT_TRUE(run.done());
}

TEST(PolicyReadyNodes, ANodeIsReadyWhenItsOwnInputsAreThere) {
  // 0 -> 2, 1 -> 3, {2, 3} -> 4: node 2 does not wait for node 1.
  auto run = run_of(5, {{0, 2}, {1, 3}, {2, 4}, {3, 4}});
  EXPECT_THAT(run.begin().ready, ElementsAre(0, 1));
  EXPECT_THAT(run.completed(0).ready, ElementsAre(2));
  EXPECT_THAT(run.completed(2).ready, IsEmpty());
  EXPECT_THAT(run.completed(1).ready, ElementsAre(3));
  EXPECT_THAT(run.completed(3).ready, ElementsAre(4));
  EXPECT_FALSE(run.done());
  EXPECT_THAT(run.completed(4).ready, IsEmpty());
  EXPECT_TRUE(run.done());
  EXPECT_FALSE(run.run_failed());
}

TEST(PolicyReadyNodes, ADoubledEdgeIsOneInput) {
  auto run = run_of(2, {{0, 1}, {0, 1}});
  EXPECT_THAT(run.begin().ready, ElementsAre(0));
  EXPECT_THAT(run.completed(0).ready, ElementsAre(1));
}

TEST(PolicyReadyNodes, LateAndRepeatedEventsChangeNothing) {
  auto run = run_of(2, {{0, 1}});
  EXPECT_THAT(run.completed(0).ready, IsEmpty());  // not begun
  (void)run.begin();
  EXPECT_THAT(run.begin().ready, IsEmpty());
  EXPECT_THAT(run.completed(1).ready, IsEmpty());  // not ready
  EXPECT_THAT(run.completed(0).ready, ElementsAre(1));
  EXPECT_THAT(run.failed(0, on_failure::fail).skipped, IsEmpty());
  EXPECT_FALSE(run.run_failed());
  EXPECT_THAT(run.completed(99).ready, IsEmpty());
  EXPECT_EQ(run.left(), 1u);
}

TEST(PolicyReadyNodes, FailSkipsDependantsAndLetsOtherBranchesFinish) {
  // 0 -> 1 -> 2 -> 5, 3 -> 4, 4 -> 5
  auto run = run_of(6, {{0, 1}, {1, 2}, {2, 5}, {3, 4}, {4, 5}});
  (void)run.begin();
  const auto after = run.failed(0, on_failure::fail);
  EXPECT_THAT(skipped(after), UnorderedElementsAre(1, 2, 5));
  for (const auto& s : after.skipped) {
    EXPECT_EQ(s.reason, skip_reason::parent_failed);
    EXPECT_EQ(s.cause, 0u);
  }
  EXPECT_TRUE(run.run_failed());
  EXPECT_THAT(run.completed(3).ready, ElementsAre(4));
  EXPECT_THAT(run.completed(4).ready, IsEmpty());
  EXPECT_TRUE(run.done());
  EXPECT_EQ(run.phase(5), node_phase::skipped);
}

TEST(PolicyReadyNodes, SkipCompletesTheRun) {
  auto run = run_of(2, {{0, 1}});
  (void)run.begin();
  EXPECT_THAT(skipped(run.failed(0, on_failure::skip)), ElementsAre(1));
  EXPECT_TRUE(run.done());
  EXPECT_FALSE(run.run_failed());
}

TEST(PolicyReadyNodes, ContinuePassesOnANull) {
  auto run = run_of(2, {{0, 1}});
  (void)run.begin();
  EXPECT_THAT(run.failed(0, on_failure::continue_).ready, ElementsAre(1));
  EXPECT_EQ(run.phase(0), node_phase::failed);
  EXPECT_FALSE(run.run_failed());
}

TEST(PolicyReadyNodes, AConditionSkipsOnlyWhatHangsOnUnchosenBranches) {
  // Condition 0 chooses 1 or 2; 2 -> 3; {1, 3} -> 4 (a join); 3 -> 5.
  auto run = run_of(6, {{0, 1}, {0, 2}, {2, 3}, {1, 4}, {3, 4}, {3, 5}});
  (void)run.begin();
  const auto after = run.chose(0, 1);
  EXPECT_THAT(after.ready, ElementsAre(1));
  EXPECT_THAT(skipped(after), UnorderedElementsAre(2, 3, 5));
  for (const auto& s : after.skipped) {
    EXPECT_EQ(s.reason, skip_reason::not_chosen);
    EXPECT_EQ(s.cause, 0u);
  }
  EXPECT_THAT(run.completed(1).ready, ElementsAre(4));
  (void)run.completed(4);
  EXPECT_TRUE(run.done());
}

TEST(PolicyReadyNodes, AJoinWaitsForItsLiveInputs) {
  // Condition 0 -> {1, 2}; {1, 2, 3} -> 4, where 3 is independent.
  auto run = run_of(5, {{0, 1}, {0, 2}, {1, 4}, {2, 4}, {3, 4}});
  (void)run.begin();
  (void)run.chose(0, 2);
  EXPECT_THAT(run.completed(3).ready, IsEmpty());
  EXPECT_THAT(run.completed(2).ready, ElementsAre(4));
}

TEST(PolicyReadyNodes, ChoosingNothingSkipsAllBranches) {
  auto run = run_of(3, {{0, 1}, {0, 2}});
  (void)run.begin();
  EXPECT_THAT(skipped(run.chose(0, 99)), UnorderedElementsAre(1, 2));
  EXPECT_TRUE(run.done());
}

TEST(PolicyReadyNodes, AFailedParentOutweighsAnUnchosenOne) {
  auto run = run_of(4, {{0, 1}, {0, 2}, {2, 3}, {1, 3}});
  (void)run.begin();
  (void)run.chose(0, 1);
  const auto after = run.failed(1, on_failure::skip);
  ASSERT_EQ(after.skipped.size(), 1u);
  EXPECT_EQ(after.skipped[0].reason, skip_reason::parent_failed);
  EXPECT_EQ(after.skipped[0].cause, 1u);
}

TEST(PolicyReadyNodes, CancellingEndsTheRest) {
  auto run = run_of(4, {{0, 1}, {1, 2}});
  (void)run.begin();
  (void)run.completed(0);
  EXPECT_THAT(run.cancel_rest(), ElementsAre(1, 2, 3));
  EXPECT_TRUE(run.done());
  EXPECT_THAT(run.completed(1).ready, IsEmpty());
  EXPECT_EQ(run.phase(1), node_phase::cancelled);
}

TEST(PolicyReadyNodes, AHundredThousandNodesInAChain) {
  constexpr node_index count = 100'000;
  std::vector<graph_edge> edges;
  for (node_index n = 0; n + 1 < count; ++n) edges.push_back({n, n + 1});
  auto run = run_of(count, edges);
  auto other = run;
  auto ready = run.begin().ready;
  for (node_index n = 0; n < count; ++n) {
    ASSERT_THAT(ready, ElementsAre(n));
    ready = run.completed(n).ready;
  }
  EXPECT_TRUE(run.done());
  (void)other.begin();
  EXPECT_EQ(other.failed(0, on_failure::fail).skipped.size(), count - 1);
  EXPECT_TRUE(other.done());
}

/// Against a plain reference: a node runs when no input is broken and some input is live.
TEST(PolicyReadyNodes, RandomGraphsEndAsTheRulesSay) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    random_source random(seed);
    const auto count = static_cast<node_index>(1 + random.below(30));
    std::vector<graph_edge> edges;
    for (node_index to = 1; to < count; ++to) {
      for (node_index from = 0; from < to; ++from) {
        if (random.uniform() < 0.12) edges.push_back({from, to});
      }
    }
    // What will become of each node, should it run: 0-6 completes, 7 fails, 8 continues, 9 chooses.
    std::vector<std::uint64_t> fate(count);
    for (auto& f : fate) f = random.below(10);
    auto run = run_of(count, edges);
    std::deque<node_index> ready;
    const auto take = [&](const progress& p) {
      for (const node_index n : p.ready) ready.push_back(n);
    };
    take(run.begin());
    while (!ready.empty()) {
      const auto pick = ready.begin() + static_cast<std::ptrdiff_t>(random.below(ready.size()));
      const node_index n = *pick;
      ready.erase(pick);
      const auto next = run.graph().successors(n);
      if (fate[n] == 7) take(run.failed(n, on_failure::skip));
      if (fate[n] == 8) take(run.failed(n, on_failure::continue_));
      if (fate[n] == 9) take(run.chose(n, next.empty() ? n : next.front()));
      if (fate[n] < 7) take(run.completed(n));
    }
    ASSERT_TRUE(run.done()) << "seed " << seed;

    enum class way { live, dead, broken };
    std::vector<way> out(count, way::live);
    for (node_index n = 0; n < count; ++n) {
      bool broken = false, live = run.graph().inputs(n) == 0;
      for (const auto& [from, to, weak] : edges) {
        if (to != n) continue;
        const bool unchosen = fate[from] == 9 && run.graph().successors(from).front() != n;
        broken = broken || out[from] == way::broken;
        live = live || (out[from] == way::live && !unchosen);
      }
      const bool runs = !broken && live;
      ASSERT_EQ(run.phase(n) == node_phase::skipped, !runs) << "seed " << seed << " node " << n;
      if (broken || (runs && fate[n] == 7)) {
        out[n] = way::broken;
      } else {
        out[n] = runs ? way::live : way::dead;
      }
    }
  }
}

TEST(ReadyNodesTest, WeakEdgesDelayButDoNotBringABranchToLife) {
  // 0 is a condition before 1 and 2; 1 refers to 3, which is a root like 0; 4 only refers to 1.
  auto run = run_of(5, {{0, 1}, {0, 2}, {3, 1, true}, {1, 4, true}});
  EXPECT_THAT(run.begin().ready, ElementsAre(0, 3));
  auto p = run.chose(0, 2);
  EXPECT_THAT(p.ready, ElementsAre(2));
  EXPECT_THAT(p.skipped, IsEmpty()) << "1 still waits for what it refers to";
  p = run.completed(3);
  ASSERT_THAT(skipped(p), ElementsAre(1));
  EXPECT_EQ(p.skipped[0].reason, skip_reason::not_chosen);
  EXPECT_EQ(p.skipped[0].cause, 0u);
  EXPECT_THAT(p.ready, ElementsAre(4)) << "a root that refers to a skipped node runs";
}

TEST(ReadyNodesTest, AWeakEdgeFromAFailedNodeSkips) {
  auto run = run_of(3, {{0, 1}, {2, 1, true}});
  static_cast<void>(run.begin());
  static_cast<void>(run.completed(0));
  EXPECT_THAT(skipped(run.failed(2, on_failure::skip)), ElementsAre(1));
}

}  // namespace
}  // namespace graphbit::policy
