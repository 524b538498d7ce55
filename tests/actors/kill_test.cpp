// Kills each kind of actor while calls are under way: every call gets exactly one answer, and the
// tree is whole again afterwards.
#include <future>
#include <random>
#include <thread>

#include "provider_fixture.hpp"
#include "src/root_executor.hpp"

namespace graphbit {
namespace {

using testing::outcomes;

class kill_test : public testing::provider_fixture {
 protected:
  void SetUp() override {
    provider_fixture::SetUp();
    behave(R"({"latency_ms": 3, "fault_500": 0.05})");
    parts = *rt.service<root_executor>()->client_for(config());
  }
  void TearDown() override {
    parts.reset();
    provider_fixture::TearDown();
  }
  void kill(const actor_slot& slot) {
    caf::anon_send_exit(slot.get(), caf::exit_reason::unhandled_exception);
  }
  // Waits until the supervisor has started another incarnation.
  [[nodiscard]] bool comes_back(const actor_slot& slot, const caf::actor& before) {
    for (int i = 0; i < 5000 && slot.get() == before; ++i)
      std::this_thread::sleep_for(milliseconds{1});
    return slot.get() != before;
  }
  // 1,000 calls, the victim killed in their midst twice; how many were answered well.
  [[nodiscard]] std::size_t survive(const actor_slot& victim) {
    const auto client = open(config());
    outcomes all;
    for (int i = 0; i < 1000; ++i) {
      client.submit(ask("Say " + std::to_string(i)), {}, all.next());
      if (i == 300 || i == 700) {
        const auto before = victim.get();
        std::this_thread::sleep_for(milliseconds{2});
        kill(victim);
        EXPECT_TRUE(comes_back(victim, before));
      }
    }
    EXPECT_TRUE(all.wait_for(1000));
    std::this_thread::sleep_for(milliseconds{50});  // a second answer to any would come now
    const auto results = all.results();
    EXPECT_EQ(results.size(), 1000u);
    std::size_t good = 0;
    for (const auto& result : results) {
      good += result ? 1 : 0;
      if (!result) {
        EXPECT_FALSE(result.error().message.empty());
      }
    }
    return good;
  }

  std::shared_ptr<provider_pipeline> parts;
};

TEST_F(kill_test, provider_client) {
  EXPECT_GT(survive(*parts->shards[0].slot), 200u);
  EXPECT_TRUE(open(config()).complete(ask("still there?")));
}

TEST_F(kill_test, circuit_breaker) {
  EXPECT_EQ(survive(*parts->breaker), 1000u) << "calls do not depend on the breaker's life";
}

TEST_F(kill_test, limiter) { EXPECT_EQ(survive(*parts->limiter), 1000u); }

TEST_F(kill_test, a_warm_up_is_answered_too) {
  behave(R"({"latency_ms": 60000})");
  auto loading = config();
  loading.provider = "ollama";
  loading.base_url = provider.url();
  const auto shard = (*rt.service<root_executor>()->client_for(loading))->shards[0].slot;
  std::promise<expected<void>> answer;
  open(loading).warm_up([&](expected<void> result) { answer.set_value(std::move(result)); });
  for (int i = 0; i < 5000 && requests() == 0; ++i) std::this_thread::sleep_for(milliseconds{1});
  kill(*shard);
  auto came = answer.get_future();
  ASSERT_EQ(came.wait_for(seconds{20}), std::future_status::ready);
  const auto result = came.get();
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("provider client"), std::string::npos);
}

TEST_F(kill_test, restarts_are_counted_in_the_tree) {
  const auto before = parts->limiter->get();
  kill(*parts->limiter);
  ASSERT_TRUE(comes_back(*parts->limiter, before));
  std::uint32_t restarts = 0;
  for (const auto& child : rt.service<root_executor>()->tree()) {
    EXPECT_EQ(child.state, policy::child_state::running) << child.kind;
    if (child.kind == "limiter") restarts += child.restarts;
  }
  EXPECT_EQ(restarts, 1u);
}

}  // namespace
}  // namespace graphbit
