// Durable runs on every store of one machine: what is recorded is never asked again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <graphbit/actors/executor.hpp>

#include "cluster/durable_fixture.hpp"

namespace graphbit {
namespace {

using testing::fake_backend;
using ::testing::HasSubstr;
using testing::says;

using DurableRunTest = testing::durable_fixture;

TEST_P(DurableRunTest, ARecordedRunIsNotAskedAgain) {
  agent("a", "one");
  agent("b", "two");
  connect("a", "b");
  const auto first = open().execute(flow, named("r"));
  ASSERT_TRUE(first.has_value()) << first.error().message;
  EXPECT_EQ(first->output_of("b"), "<<one>\n\ntwo>");
  EXPECT_EQ(stored("r").state, stored_state::completed);

  const auto second = open().execute(flow, named("r"));
  ASSERT_TRUE(second.has_value()) << second.error().message;
  EXPECT_TRUE(second->is_success());
  EXPECT_EQ(second->output_of("b"), first->output_of("b"));
  EXPECT_EQ(second->total_usage(), first->total_usage());
  EXPECT_EQ(to_json(*second->node_metadata("b").find("executions")->as_array()[0].find("input")),
            to_json(*first->node_metadata("b").find("executions")->as_array()[0].find("input")));
  EXPECT_EQ(model.asked_in_all(), 2);
}

TEST_P(DurableRunTest, GoesOnAfterTheProvidersOutageFromWhatIsRecorded) {
  agent("a", "one");
  agent("b", "two");
  connect("a", "b");
  model.fail_with("<one>\n\ntwo", network_error("connection refused"));
  const auto broken = open().execute(flow, named("r"));
  ASSERT_TRUE(broken.has_value());
  EXPECT_TRUE(broken->is_failed());
  EXPECT_EQ(stored("r").state, stored_state::failed);
  model.heal();
  const auto whole = open().execute(flow, named("r"));
  ASSERT_TRUE(whole.has_value()) << whole.error().message;
  EXPECT_TRUE(whole->is_success()) << whole->state_text();
  EXPECT_EQ(model.asked("one"), 1);
  EXPECT_EQ(stored("r").state, stored_state::completed);
}

TEST_P(DurableRunTest, ARefusedRequestIsNotAskedAgainUnlessItIsWanted) {
  agent("a", "one");
  model.fail_with("one", validation_error("request", "no such model"));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(open().execute(flow, named("r"))->is_failed());
  EXPECT_EQ(model.asked("one"), 1);
  model.heal();
  const auto retried = open().retry_failed("r");
  ASSERT_TRUE(retried.has_value()) << retried.error().message;
  EXPECT_TRUE(retried->is_success());
  EXPECT_EQ(model.asked("one"), 2);
}

TEST_P(DurableRunTest, AnExecutorThatClosesHandsItsRunsOver) {
  agent("a", "one");
  add(node::wait("gate", {.signal = "go", .length = {}}));
  connect("a", "gate");
  {
    const auto runner = open({.adopt = false});
    ASSERT_TRUE(runner.run(flow, named("r"), [](const run_result&) {}).has_value());
    wait_until("r", stored_state::parked);
  }
  ASSERT_TRUE(store->send_signal("r", "go", "\"now\"").has_value());
  const auto result = open({.adopt = false}).execute(flow, named("r"));
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->output_of("gate"), "now");
  EXPECT_EQ(model.asked("one"), 1);
}

TEST_P(DurableRunTest, AParkedRunIsARowAndGoesOnWithItsSignal) {
  agent("a", "one");
  add(node::wait("gate", {.signal = "go", .length = {}}));
  connect("a", "gate");
  const auto runner = open();
  std::atomic<bool> ended{false};
  ASSERT_TRUE(runner
                  .run(flow, named("r"),
                       [&](const run_result& r) {
                         EXPECT_EQ(r.output_of("gate"), "yes");
                         ended = true;
                       })
                  .has_value());
  wait_until("r", stored_state::parked);
  EXPECT_EQ(runner.stats().active, 0u);
  ASSERT_TRUE(runner.signal("r", "go", "yes").has_value());
  for (int i = 0; i < 20'000 && !ended; ++i) std::this_thread::sleep_for(milliseconds{1});
  EXPECT_TRUE(ended);
  EXPECT_EQ(stored("r").state, stored_state::completed);
}

TEST_P(DurableRunTest, ATimerOutlivesItsExecutor) {
  add(node::wait("pause", {.signal = {}, .length = milliseconds{1'500}}));
  agent("after", "go");
  connect("pause", "after");
  {
    const auto runner = open();
    ASSERT_TRUE(runner.run(flow, named("r"), [](const run_result&) {}).has_value());
    wait_until("r", stored_state::parked);
  }
  const auto adopter = open();
  wait_until("r", stored_state::completed);
  EXPECT_EQ(model.asked("go"), 1);
}

TEST_P(DurableRunTest, AParkedRunIsCancelledInItsStore) {
  add(node::wait("gate", {.signal = "go", .length = {}}));
  const auto runner = open();
  std::atomic<bool> ended{false};
  ASSERT_TRUE(runner
                  .run(flow, named("r"),
                       [&](const run_result& r) {
                         EXPECT_EQ(r.state(), run_state::cancelled);
                         ended = true;
                       })
                  .has_value());
  wait_until("r", stored_state::parked);
  EXPECT_EQ(runner.cancel_stored("r"), stored_state::cancelled);
  for (int i = 0; i < 20'000 && !ended; ++i) std::this_thread::sleep_for(milliseconds{1});
  EXPECT_TRUE(ended);
  const auto again = runner.execute(flow, named("r"));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->state(), run_state::cancelled);
}

TEST_P(DurableRunTest, AChangedWorkflowIsRefusedWithTheDifference) {
  agent("a", "one");
  add(node::wait("gate", {.signal = "go", .length = {}}));
  connect("a", "gate");
  std::stop_source stop;
  run_options options = named("r");
  options.stop = stop.get_token();
  {
    const auto runner = open({.adopt = false});
    ASSERT_TRUE(runner.run(flow, options, [](const run_result&) {}).has_value());
    wait_until("r", stored_state::parked);
  }
  workflow changed("test");
  ASSERT_TRUE(changed.add_node(*node::agent("a", {.prompt = "another"})).has_value());
  ASSERT_TRUE(changed.add_node(*node::agent("b", {.prompt = "new"})).has_value());
  ASSERT_TRUE(changed.connect("a", "b").has_value());
  const auto runner = open({.adopt = false});
  const auto refused = runner.execute(changed, named("r"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().field, "workflow");
  EXPECT_THAT(refused.error().message, HasSubstr("node 'a' changed (prompt)"));
  EXPECT_THAT(refused.error().message, HasSubstr("node 'gate' is gone"));
  EXPECT_THAT(refused.error().message, HasSubstr("node 'b' is new"));
  EXPECT_EQ(stored("r").state, stored_state::parked);

  run_options map = named("r");
  map.on_change = change_rule::map;
  const auto mapped = runner.execute(changed, map);
  ASSERT_TRUE(mapped.has_value()) << mapped.error().message;
  EXPECT_EQ(mapped->output_of("b"), "<<one>\n\nnew>");
  EXPECT_EQ(model.asked("another"), 0);
  EXPECT_TRUE(runner.execute(changed, named("r")).has_value()) << "it is the run's workflow now";
}

TEST_P(DurableRunTest, OtherInputsAreRefused) {
  agent("a", "about {topic}");
  run_options options = named("r");
  options.inputs.set("topic", "cats");
  const auto runner = open();
  ASSERT_TRUE(runner.execute(flow, options).has_value());
  model.fail_with("about cats", network_error("down"));
  workflow second = flow;
  run_options failing = named("s");
  failing.inputs = options.inputs;
  EXPECT_FALSE(runner.execute(flow, failing).has_value());
  failing.inputs.set("topic", "dogs");
  const auto refused = runner.execute(flow, failing);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().field, "inputs");
}

TEST_P(DurableRunTest, AForkRunsFromOneNodeOn) {
  agent("a", "one");
  agent("b", "two {x}");
  agent("c", "three");
  connect("a", "b");
  connect("b", "c");
  run_options options = named("r");
  options.inputs.set("x", 1);
  const auto runner = open();
  ASSERT_TRUE(runner.execute(flow, options).has_value());
  json_value inputs;
  inputs.set("x", 2);
  const auto forked = runner.fork("r", {.from_node = "b", .inputs = inputs, .run_id = "r-again"});
  ASSERT_TRUE(forked.has_value()) << forked.error().message;
  EXPECT_EQ(forked->record().run_id, "r-again");
  EXPECT_EQ(forked->output_of("b"), "<<one>\n\ntwo 2>");
  EXPECT_EQ(model.asked("one"), 1);
  EXPECT_EQ(stored("r-again").forked_from, "r");
  EXPECT_EQ(runner.fork("r", {.from_node = "nowhere", .inputs = {}, .run_id = {}}).error().field,
            "from_node");
}

TEST_P(DurableRunTest, EveryAnswerInsideANodeIsKeptAndToolsHaveAKey) {
  std::atomic<int> calls{0};
  std::vector<std::string> keys;
  tool look_up;
  look_up.spec.name = "look_up";
  look_up.function = {"look_up", [&](const json_value&) -> expected<json_value> {
                        ++calls;
                        EXPECT_TRUE(current_callable_call().recorded);
                        keys.push_back(current_callable_call().key);
                        return json_value("found");
                      }};
  agent_spec spec;
  spec.prompt = "find";
  spec.tools = {look_up};
  add(node::agent("finder", spec));
  std::atomic<bool> down{true};
  std::atomic<int> asked{0};
  auto backend =
      std::make_shared<fake_backend>([&](const chat_request& r) -> expected<chat_response> {
        ++asked;
        if (r.messages.back().role != chat_role::tool) {
          auto wants = says("");
          wants.tool_calls = {{"1", "look_up", "{}"}};
          return wants;
        }
        if (down) {
          error e = network_error("Circuit breaker is open");
          e.retry_after = milliseconds{1'500};
          return fail(e);
        }
        return says("done");
      });
  executor_options options;
  options.store = store;
  const auto factory = [backend](const provider_config&) { return backend; };
  {
    const auto runner = *executor::open(rt, {}, options, factory);
    ASSERT_TRUE(runner.run(flow, named("r"), [](const run_result&) {}).has_value());
    wait_until("r", stored_state::parked);
  }
  EXPECT_EQ(count("r", journal_kind::node_parked), 1u);
  down = false;
  const auto result = executor::open(rt, {}, options, factory)->execute(flow, named("r"));
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->output_of("finder"), "done");
  EXPECT_EQ(asked, 3) << "the first answer was recorded";
  EXPECT_EQ(calls, 1) << "so was the tool's";
  EXPECT_EQ(keys.at(0).size(), 36u);
}

TEST_P(DurableRunTest, RecordedItemsOfAMapAreNotAskedAgain) {
  add(node::transform("items", {.transformation = "split", .argument = ",", .function = {}}));
  map_spec spec;
  spec.prompt = "item {item}";
  spec.join = "|";
  add(node::map("each", spec));
  connect("items", "each");
  run_options options = named("r");
  options.inputs.set("input", "a,b,c");
  model.fail_with("item b", network_error("down"));
  const auto runner = open();
  EXPECT_FALSE(runner.execute(flow, options).has_value());
  model.heal();
  const auto result = runner.execute(flow, options);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->output_of("each"), "<item a>|<item b>|<item c>");
  EXPECT_EQ(model.asked("item a"), 1);
  EXPECT_EQ(model.asked("item b"), 2);
}

TEST_P(DurableRunTest, SubWorkflowsAreRecordedToo) {
  workflow inner{"inner"};
  ASSERT_TRUE(inner.add_node(*node::agent("deep", {.prompt = "one"})).has_value());
  ASSERT_TRUE(inner.add_node(*node::wait("gate", {.signal = "go", .length = {}})).has_value());
  ASSERT_TRUE(inner.connect("deep", "gate").has_value());
  sub_workflow_spec sub;
  sub.flow = std::make_shared<const workflow>(inner);
  add(node::sub_workflow("sub", sub));
  const auto runner = open();
  std::atomic<bool> ended{false};
  ASSERT_TRUE(runner
                  .run(flow, named("r"),
                       [&](const run_result& r) {
                         EXPECT_EQ(r.output_of("sub"), "in");
                         ended = true;
                       })
                  .has_value());
  wait_until("r", stored_state::parked);
  ASSERT_TRUE(runner.signal("r", "go", "in").has_value());
  for (int i = 0; i < 20'000 && !ended; ++i) std::this_thread::sleep_for(milliseconds{1});
  EXPECT_TRUE(ended);
  EXPECT_EQ(model.asked("one"), 1);
}

TEST_P(DurableRunTest, AStoppedCallerPausesItsRun) {
  add(node::wait("gate", {.signal = "go", .length = milliseconds{900}}));
  std::stop_source stop;
  run_options options = named("r");
  options.stop = stop.get_token();
  options.on_event = [&](const run_event& e) {
    if (e.kind == run_event_kind::node_started) stop.request_stop();
  };
  const auto runner = open();
  const auto stopped = runner.execute(flow, options);
  ASSERT_TRUE(stopped.has_value());
  EXPECT_EQ(stopped->state(), run_state::cancelled);
  EXPECT_EQ(stored("r").state, stored_state::paused);
  ASSERT_TRUE(store->send_signal("r", "go", "1").has_value());
  EXPECT_EQ(runner.resume("r")->output_of("gate"), "1");
}

TEST_P(DurableRunTest, OnlyOneExecutorWorksOnARun) {
  agent("a", "one");
  run_to_begin other;
  other.run_id = "r";
  other.graph_hash = "x";
  other.workflow_json = to_json(flow.to_json());
  other.inputs_json = "{}";
  ASSERT_TRUE(
      store->begin(other, {.owner = "another machine", .length = seconds{3600}}).has_value());
  const auto refused = open().resume("r");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().field, "run_id");
  EXPECT_THAT(refused.error().message, HasSubstr("another machine"));
}

TEST_P(DurableRunTest, AStaleOwnerIsFencedAndStops) {
  add(node::wait("gate", {.signal = "go", .length = milliseconds{900}}));
  agent("after", "one");
  connect("gate", "after");
  std::atomic<bool> taken{false};
  run_options options = named("r");
  options.on_event = [&](const run_event& e) {
    if (e.kind != run_event_kind::node_started || taken.exchange(true)) return;
    std::thread([this] {
      wait_until("r", stored_state::running);
      // The store says that the owner is gone: another takes the run.
      EXPECT_TRUE(store
                      ->claim("r", {.owner = "thief", .length = seconds{3600}}, claim_rule::open,
                              stored("r").owner)
                      .has_value());
    }).join();
  };
  const auto result = open({.adopt = false}).execute(flow, options);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("taken over"));
  EXPECT_EQ(stored("r").owner, "thief");
}

TEST_P(DurableRunTest, AnExecutorThatHasEndedLetsGoOfItsStore) {
  agent("a", "one");
  const auto before = store.use_count();
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(open().execute(flow, named("r" + std::to_string(i))).has_value());
  for (int i = 0; i < 20'000 && store.use_count() != before; ++i)
    std::this_thread::sleep_for(milliseconds{1});
  EXPECT_EQ(store.use_count(), before);
}

TEST_P(DurableRunTest, WithoutAStoreThereIsNothingToResume) {
  auto backend =
      std::make_shared<fake_backend>([this](const chat_request& r) { return model.answer(r); });
  const auto runner =
      *executor::open(rt, {}, {}, [backend](const provider_config&) { return backend; });
  EXPECT_EQ(runner.resume("r").error().field, "store");
  EXPECT_EQ(open().resume("nowhere").error().field, "run_id");
}

INSTANTIATE_TEST_SUITE_P(stores, DurableRunTest, ::testing::ValuesIn(store_kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace graphbit
