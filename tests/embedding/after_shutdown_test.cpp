// Handles that outlive their runtime give error values; what is in flight when it ends is answered.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include <gtest/gtest.h>
#include <caf/all.hpp>

#include <graphbit/actors/batch.hpp>
#include <graphbit/actors/executor.hpp>
#include <graphbit/actors/provider_client.hpp>
#include <graphbit/actors/supervision_tree.hpp>
#include <graphbit/net/simulator.hpp>
#include <graphbit/runtime/message_types.hpp>

namespace graphbit {
namespace {

class after_shutdown : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(provider.start()); }

  [[nodiscard]] provider_config config() const {
    provider_config c;
    c.provider = "openai_compatible";
    c.base_url = provider.url() + "/v1";
    c.model = "test-model";
    return c;
  }
  static chat_request ask() {
    chat_request r;
    r.messages.push_back({.role = chat_role::user, .text = "hi"});
    return r;
  }
  static workflow one_step() {
    workflow flow("one step");
    EXPECT_TRUE(flow.add_node(node::agent("only", {.prompt = "hi"}).value()));
    return flow;
  }
  struct collector final : chat_sink {
    explicit collector(std::atomic<int>& n) : failed(n) {}
    void on_done(expected<chat_response> result) override {
      if (!result) ++failed;
    }
    std::atomic<int>& failed;
  };

  sim::simulator provider;
  std::unique_ptr<runtime> rt = std::make_unique<runtime>(runtime_options{.reactors = 2});
};

TEST_F(after_shutdown, every_call_on_a_handle_gives_an_error) {
  auto client = provider_client::open(*rt, config()).value();
  auto flows = executor::open(*rt, config()).value();
  ASSERT_TRUE(client.complete(ask()));
  rt.reset();

  const auto answer = client.complete(ask());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::runtime);
  EXPECT_NE(answer.error().message.find("shut down"), std::string::npos);
  EXPECT_FALSE(client.embed({.inputs = {"a"}}));
  std::atomic<int> failed{0};
  EXPECT_EQ(client.submit(ask(), {}, std::make_unique<collector>(failed)), 0u);
  EXPECT_EQ(failed, 1);
  client.cancel(1);
  client.resume(1);
  client.set_limits(1, 1, 1);
  EXPECT_EQ(client.stats().calls, 1u);
  bool warm = true;
  client.warm_up([&](expected<void> done) { warm = done.has_value(); });
  EXPECT_FALSE(warm);

  EXPECT_FALSE(flows.execute(one_step()));
  EXPECT_FALSE(flows.run(one_step(), {}, [](const run_result&) {}));
  flows.cancel("any");
  EXPECT_EQ(flows.stats().executions, 0u);
}

TEST_F(after_shutdown, nothing_opens_on_a_runtime_that_was_shut_down) {
  auto client = provider_client::open(*rt, config()).value();
  rt->shutdown();
  EXPECT_FALSE(rt->running());
  EXPECT_FALSE(provider_client::open(*rt, config()));
  EXPECT_FALSE(executor::open(*rt, config()));
  EXPECT_FALSE(batch::start(*rt, client, {}, nullptr));
  EXPECT_EQ(supervision_tree(*rt).state, policy::child_state::stopped);
  EXPECT_EQ(rt->stats().actors_alive, 0u);
}

TEST_F(after_shutdown, calls_in_flight_are_answered_with_an_error) {
  ASSERT_TRUE(provider.configure(R"({"latency_ms": 60000})"));
  auto client = provider_client::open(*rt, config()).value();
  auto flows = executor::open(*rt, config()).value();
  std::atomic<int> failed{0};
  for (int i = 0; i < 20; ++i)
    client.submit(ask(), {}, std::make_unique<collector>(failed), i % 2 == 0);
  std::atomic<int> runs{0};
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(flows.run(one_step(), {}, [&](const run_result& r) { runs += !r.is_success(); }));
  rt.reset();
  EXPECT_EQ(failed, 20);
  EXPECT_EQ(runs, 20);
}

TEST_F(after_shutdown, threads_that_wait_come_back) {
  auto client = provider_client::open(*rt, config()).value();
  auto flows = executor::open(*rt, config()).value();
  std::atomic<bool> ended{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      while (!ended) {  // the one in flight at the end and those after it give errors
        if (i % 2 == 0 ? !client.complete(ask()) : !flows.execute(one_step())) return;
      }
    });
  while (client.counters().succeeded < 20) std::this_thread::yield();
  rt->shutdown();
  for (auto& t : threads) t.join();
  rt.reset();
}

TEST_F(after_shutdown, a_second_shutdown_does_nothing) {
  rt->shutdown();
  rt->shutdown();
  rt.reset();
}

TEST_F(after_shutdown, several_runtimes_live_and_end_on_their_own) {
  runtime other{{.reactors = 1}};
  auto here = provider_client::open(*rt, config()).value();
  auto there = provider_client::open(other, config()).value();
  EXPECT_TRUE(here.complete(ask()));
  EXPECT_TRUE(there.complete(ask()));
  rt.reset();
  EXPECT_FALSE(here.complete(ask()));
  EXPECT_TRUE(there.complete(ask()));
}

TEST_F(after_shutdown, a_system_of_the_services_own_that_goes_first_ends_its_runtime) {
  ASSERT_TRUE(provider.configure(R"({"latency_ms": 60000})"));
  caf::actor_system_config settings;
  add_message_types(settings);
  auto system = std::make_unique<caf::actor_system>(settings);
  runtime first{*system, {.reactors = 1}}, second{*system, {.reactors = 1}};
  auto client = provider_client::open(first, config()).value();
  auto flows = executor::open(second, config()).value();
  std::atomic<int> failed{0};
  for (int i = 0; i < 20; ++i) client.submit(ask(), {}, std::make_unique<collector>(failed));
  ASSERT_TRUE(flows.run(one_step(), {}, [&](const run_result& r) { failed += !r.is_success(); }));

  system.reset();
  EXPECT_EQ(failed, 21);
  EXPECT_FALSE(first.running());
  EXPECT_FALSE(second.running());
  EXPECT_FALSE(client.complete(ask()));
  EXPECT_FALSE(flows.execute(one_step()));
}

TEST_F(after_shutdown,
       a_system_of_the_services_own_waits_for_its_actors_with_a_runtime_or_without) {
  caf::actor_system_config settings;
  add_message_types(settings);
  for (const bool goes_first : {true, false}) {
    std::atomic<bool> ended{false};
    std::optional<runtime> around;
    {
      caf::actor_system system(settings);
      around.emplace(system, runtime_options{.reactors = 1});
      const auto stopping = system.spawn([&ended](caf::event_based_actor* self) {
        self->delayed_send(self, milliseconds{20}, caf::atom("end"));
        self->attach_functor([&ended] { ended = true; });
        return caf::behavior{[self](caf::atom_value) { self->quit(); }};
      });
      if (!goes_first) around.reset();
    }
    EXPECT_TRUE(ended);
  }
}

TEST_F(after_shutdown, what_is_gone_is_refused_with_a_sentence) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  rt->shutdown();
  EXPECT_DEATH(static_cast<void>(rt->next_reactor()), "used after its shutdown");
  EXPECT_DEATH(static_cast<void>(rt->system()), "used after its shutdown");
}

}  // namespace
}  // namespace graphbit
