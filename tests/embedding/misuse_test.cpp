// What a service may do wrong: it gets an error value or a sentence, never undefined behaviour.
#include <future>
#include <stdexcept>

#include <caf/all.hpp>

#include <graphbit/actors/batch.hpp>
#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/message_types.hpp>

#include "service_fixture.hpp"

namespace graphbit {
namespace {

using misuse = testing::service_fixture;

bool says_it_is_empty(const error& e) {
  return e.kind == error_kind::configuration && e.message.find("never opened") != std::string::npos;
}

TEST_F(misuse, a_client_that_was_never_opened_gives_errors) {
  const provider_client none;
  EXPECT_FALSE(none);
  EXPECT_TRUE(says_it_is_empty(none.complete(ask("hi")).error()));
  EXPECT_TRUE(says_it_is_empty(none.embed({.inputs = {"a"}}).error()));
  EXPECT_TRUE(says_it_is_empty(completion_future(none, ask("hi")).get().error()));
  EXPECT_TRUE(says_it_is_empty(embedding_future(none, {.inputs = {"a"}}).get().error()));
  auto stream = completion_stream::open(none, ask("hi"));
  EXPECT_FALSE(stream.next());
  EXPECT_TRUE(says_it_is_empty(stream.result().error()));
  bool told = false;
  none.warm_up([&](const expected<void>& done) { told = says_it_is_empty(done.error()); });
  EXPECT_TRUE(told);
  none.cancel(1);
  none.resume(1);
  none.set_limits(1, 1, 1);
  EXPECT_EQ(none.stats().calls, 0u);
  EXPECT_TRUE(says_it_is_empty(batch::start(rt, none, {}, nullptr).error()));
}

TEST_F(misuse, an_executor_that_was_never_opened_gives_errors) {
  const executor none;
  EXPECT_FALSE(none);
  EXPECT_TRUE(says_it_is_empty(none.execute(one_step()).error()));
  EXPECT_TRUE(says_it_is_empty(none.run(one_step(), {}, {}).error()));
  EXPECT_TRUE(says_it_is_empty(run_future(none, one_step()).get().error()));
  EXPECT_TRUE(says_it_is_empty(none.signal("run", "name").error()));
  EXPECT_TRUE(says_it_is_empty(none.resume("run").error()));
  EXPECT_TRUE(says_it_is_empty(none.cancel_stored("run").error()));
  EXPECT_TRUE(says_it_is_empty(none.configure({}).error()));
  none.cancel("run");
  none.reset_stats();
  EXPECT_EQ(none.stats().executions, 0u);
  EXPECT_EQ(none.store(), nullptr);
}

TEST_F(misuse, what_can_give_no_error_ends_with_a_sentence) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(static_cast<void>(provider_client().config()), "provider_client is empty");
  EXPECT_DEATH(static_cast<void>(executor().config()), "executor is empty");
  EXPECT_DEATH(static_cast<void>(batch().home()), "batch is empty");
}

TEST_F(misuse, a_stream_that_was_moved_from_is_at_its_end) {
  auto stream = completion_stream::open(open(), ask("hi"));
  auto other = std::move(stream);
  std::string text;
  bool ready = false;
  EXPECT_FALSE(stream.next());
  EXPECT_EQ(stream.try_next(text), completion_stream::state::ended);
  stream.when_ready([&] { ready = true; });
  EXPECT_TRUE(ready);
  EXPECT_TRUE(says_it_is_empty(stream.result().error()));
  stream.cancel();
  EXPECT_TRUE(other.next());
}

TEST_F(misuse, a_blocking_call_in_a_callback_is_refused) {
  runtime single{{.reactors = 1}};
  const auto client = provider_client::open(single, config()).value();
  const auto flows = executor::open(single, config()).value();
  std::promise<std::pair<bool, bool>> refused;
  start_completion(client, ask("hi"), {}, [&](const expected<completion>&) {
    refused.set_value({!client.complete(ask("again")), !flows.execute(one_step())});
  });
  EXPECT_EQ(refused.get_future().get(), std::pair(true, true));
}

TEST_F(misuse, a_run_needs_nobody_who_hears_of_its_end) {
  const auto flows = executor::open(rt, config()).value();
  ASSERT_TRUE(flows.run(one_step(), {}, {}));
  while (flows.stats().succeeded == 0) std::this_thread::yield();
}

TEST_F(misuse, a_receiver_of_text_that_throws_costs_no_answer) {
  behave(R"({"chunk_count": 8})");
  class thrower final : public chat_sink {
   public:
    explicit thrower(std::promise<bool>& got) : got_(got) {}
    bool on_text(std::vector<std::string>&) override { throw std::runtime_error("no"); }
    void on_done(expected<chat_response> result) override { got_.set_value(result.has_value()); }

   private:
    std::promise<bool>& got_;
  };
  std::promise<bool> got;
  const auto client = open();
  client.submit(ask("hi"), {}, std::make_unique<thrower>(got), true);
  EXPECT_TRUE(got.get_future().get());
}

TEST_F(misuse, what_a_listener_throws_is_the_error_of_the_node_it_was_told_of) {
  behave(R"({"chunk_count": 8})");
  const auto flows = executor::open(rt, config()).value();
  for (const auto told : {run_event_kind::node_started, run_event_kind::token,
                          run_event_kind::node_completed, run_event_kind::workflow_completed}) {
    run_options options;
    options.stream_tokens = true;
    options.on_event = [told](const run_event& event) {
      if (event.kind == told) throw std::runtime_error("cannot hear");
    };
    const auto result = flows.execute(one_step(), options).value();
    const bool of_the_node = told != run_event_kind::workflow_completed;
    EXPECT_EQ(result.is_success(), !of_the_node);
    const auto& failed = result.node_named("only")->failure;
    EXPECT_EQ(failed && failed->message.find("cannot hear") != std::string::npos, of_the_node);
  }
}

TEST_F(misuse, a_listener_throws_at_a_node_of_a_sub_workflow_too) {
  workflow flow("outer");
  const auto inner = std::make_shared<const workflow>(one_step());
  ASSERT_TRUE(flow.add_node(node::sub_workflow("inner", {.flow = inner}).value()));
  run_options options;
  options.stream_tokens = true;
  options.on_event = [](const run_event& event) {
    if (event.kind == run_event_kind::token) throw std::runtime_error("cannot hear");
  };
  const auto flows = executor::open(rt, config()).value();
  const auto result = flows.execute(flow, options).value();
  EXPECT_FALSE(result.is_success());
  EXPECT_NE(result.state_text().find("cannot hear"), std::string::npos) << result.state_text();
}

TEST_F(misuse, an_actor_system_that_does_not_know_our_messages_is_refused_with_a_sentence) {
  caf::actor_system_config settings;
  caf::actor_system system{settings};
  try {
    const runtime refused{system, {}};
    FAIL() << "it was taken";
  } catch (const std::exception& e) {
    EXPECT_NE(std::string(e.what()).find("add_message_types"), std::string::npos) << e.what();
  }
}

TEST_F(misuse, a_runtime_with_calls_in_flight_ends_within_the_patience_it_was_given) {
  behave(R"({"latency_ms": 60000})");
  const auto client = open();
  const auto flows = executor::open(rt, config()).value();
  auto call = completion_future(client, ask("hi"));
  auto run = run_future(flows, one_step());
  auto stream = completion_stream::open(client, ask("hi"));
  rt.shutdown(milliseconds{5'000});
  EXPECT_FALSE(call.get());
  const auto ended = run.get();
  EXPECT_FALSE(ended && ended->is_success());
  EXPECT_FALSE(stream.next());
  EXPECT_FALSE(stream.result());
}

}  // namespace
}  // namespace graphbit
