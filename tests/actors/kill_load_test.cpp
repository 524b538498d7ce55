// Kills actors of every kind at random moments under 10,000 calls of all sorts: each is answered
// once, and afterwards the tree is whole and nothing is left over.
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include <graphbit/actors/batch.hpp>
#include <graphbit/actors/executor.hpp>

#include "provider_fixture.hpp"
#include "src/root_executor.hpp"

namespace graphbit {
namespace {

using testing::outcomes;

class kill_load_test : public testing::provider_fixture,
                       public ::testing::WithParamInterface<unsigned> {
 protected:
  static constexpr int plain_calls = 8000, runs = 500, items = 1000;  // a run makes two calls
  static constexpr int calls_per_ms = 20;

  void SetUp() override {
    provider_fixture::SetUp();
    // So slow that the load outlasts the kills.
    behave(R"({"latency_ms": 20, "fault_500": 0.02, "fault_reset": 0.01})");
    client = open(config());
    own = *executor::open(rt, config());
    for (const auto* name : {"first", "second"}) {
      agent_spec spec;
      spec.prompt = name;
      ASSERT_TRUE(flow.add_node(*node::agent(name, spec)));
    }
    ASSERT_TRUE(flow.connect("first", "second"));
  }
  void TearDown() override {
    own = {};
    client = {};
    provider_fixture::TearDown();
  }

  [[nodiscard]] std::vector<child_report> children_of(const caf::actor& parent) {
    const spawn_scope scope;
    caf::scoped_actor self{rt.system()};
    std::vector<child_report> found;
    self->request(parent, seconds{20}, tree_atom::value)
        .receive([&](child_reports& all) { found = std::move(all.children); }, [](caf::error&) {});
    return found;
  }
  void kill(const child_report& victim) {
    if (!victim.handle) return;  // it is being restarted
    ++killed[victim.kind];
    dead.insert(victim.handle.address());
    caf::anon_send_exit(victim.handle,
                        caf::exit_reason::kill);  // as an exception, past all handlers
  }
  /// One of each kind that is there, from the nodes up: when clients have died, no run is at work.
  void kill_one_of_each() {
    const auto all = children_of((*root_executor::of(rt))->actor());
    for (const auto& child : all)
      if (child.kind == "executor" && child.handle) kill_one_run_and_node(child.handle);
    for (const auto& child : all) {
      kill(child);
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    }
  }
  // Runs come and go: looks until it has found one with a node at work.
  void kill_one_run_and_node(const caf::actor& parent) {
    for (int tries = 0; tries < 100; ++tries) {
      const auto at_work = children_of(parent);
      if (at_work.size() < 2) continue;
      const auto nodes = children_of(at_work[random() % at_work.size()].handle);
      if (nodes.empty()) continue;
      for (const auto& node : nodes) kill(node);
      return kill(at_work[random() % at_work.size()]);
    }
  }

  // Nobody who was killed is still to be noticed.
  [[nodiscard]] bool is_whole() {
    for (const auto& child : children_of((*root_executor::of(rt))->actor())) {
      if (child.state != policy::child_state::running || !child.handle) return false;
      if (dead.contains(child.handle.address())) return false;
      if (child.kind == "executor" && !children_of(child.handle).empty()) return false;
    }
    return true;
  }
  template <class Condition>
  [[nodiscard]] bool soon(Condition holds) {
    for (int i = 0; i < 120'000; ++i, std::this_thread::sleep_for(milliseconds{1}))
      if (holds()) return true;
    return false;
  }

  provider_client client;
  executor own;
  workflow flow{"two"};
  std::minstd_rand random{GetParam()};
  std::map<std::string, int> killed;
  std::set<caf::actor_addr> dead;
};

/// Hands out so many items and counts what comes back.
class counting_listener final : public batch_listener {
 public:
  struct counts {
    std::atomic<int> outcomes{0}, ends{0};
  };
  explicit counting_listener(counts& heard) : heard_(heard) {}
  void on_wanted(std::size_t) override {}
  void on_outcome(batch_outcome) override { ++heard_.outcomes; }
  void on_done(const batch_summary&) override { ++heard_.ends; }

 private:
  counts& heard_;
};

TEST_P(kill_load_test, every_call_is_answered_once_and_the_tree_is_whole_afterwards) {
  const auto actors_before = rt.system().registry().running();
  counting_listener::counts of_batch;
  const auto items_at_once =
      *batch::start(rt, client, {}, std::make_unique<counting_listener>(of_batch));
  std::vector<batch_item> all_items;
  for (int i = 0; i < items; ++i)
    all_items.push_back({static_cast<std::uint64_t>(i), ask("item " + std::to_string(i)), {}});
  items_at_once.add(std::move(all_items));
  items_at_once.close();

  std::atomic<int> ended_runs{0}, refused_runs{0};
  outcomes answers;
  std::thread load([&] {
    for (int i = 0; i < plain_calls; ++i) {
      // While a client is restarted calls fail at once: all of them must not come then.
      if (i % calls_per_ms == 0) std::this_thread::sleep_for(milliseconds{1});
      client.submit(ask("call " + std::to_string(i)), {}, answers.next());
      if (i % (plain_calls / runs) == 0 &&
          !own.run(flow, {}, [&](const run_result&) { ++ended_runs; }))
        ++refused_runs;
    }
  });
  EXPECT_TRUE(soon([&] { return ended_runs > 0; }));
  for (int round = 0; round < 4; ++round) kill_one_of_each();  // a fifth restart would be allowed
  load.join();

  for (int i = 0; i < 6 && !answers.wait_for(plain_calls); ++i) {  // a busy machine takes its time
  }
  EXPECT_TRUE(soon([&] { return ended_runs + refused_runs == runs; })) << ended_runs;
  EXPECT_TRUE(soon([&] { return of_batch.outcomes == items && of_batch.ends == 1; }))
      << of_batch.outcomes;
  EXPECT_TRUE(soon([&] { return is_whole(); }));
  EXPECT_TRUE(soon([&] { return rt.system().registry().running() == actors_before; }))
      << rt.system().registry().running() << " actors, " << actors_before << " before";
  EXPECT_EQ(answers.results().size(), static_cast<std::size_t>(plain_calls));
  EXPECT_EQ(ended_runs + refused_runs, runs);
  EXPECT_EQ(of_batch.outcomes, items);
  EXPECT_EQ(refused_runs, 0);
  EXPECT_EQ(own.stats().active + own.stats().queued, 0u);
  for (const auto* kind :
       {"circuit breaker", "limiter", "provider client", "executor", "run", "node", "batch"})
    EXPECT_GT(killed[kind], 0) << kind;
  behave(R"({"fault_500": 0, "fault_reset": 0})");
  EXPECT_TRUE(client.complete(ask("still there?")));
  EXPECT_TRUE(own.execute(flow));
}

INSTANTIATE_TEST_SUITE_P(seeds, kill_load_test, ::testing::Values(1u, 2u, 3u));

}  // namespace
}  // namespace graphbit
