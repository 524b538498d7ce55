// Nodes that wait for signals and for times, in runs without a store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include <graphbit/actors/executor.hpp>

#include "actors/fake_backend.hpp"

namespace graphbit {
namespace {

using testing::fake_backend;
using testing::says;
using testing::user_text;

class WaitTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { rt = std::make_unique<runtime>(); }
  static void TearDownTestSuite() { rt.reset(); }
  static inline std::unique_ptr<runtime> rt;

  void SetUp() override {
    auto made = executor::open(*rt, {}, {}, [](const provider_config&) {
      return std::make_shared<fake_backend>(
          [](const chat_request& r) { return says("<" + user_text(r) + ">"); });
    });
    ASSERT_TRUE(made.has_value());
    runner = *made;
  }

  void add(expected<node> n) {
    ASSERT_TRUE(n.has_value()) << n.error().message;
    ASSERT_TRUE(flow.add_node(*n).has_value());
  }
  void chain(const char* from, const char* to) { ASSERT_TRUE(flow.connect(from, to).has_value()); }

  workflow flow{"test"};
  executor runner;
};

TEST_F(WaitTest, ASignalsValueIsTheOutput) {
  add(node::wait("approval", {.signal = "approved", .length = {}}));
  add(node::agent("after", {.prompt = "go"}));
  chain("approval", "after");
  run_options options;
  options.run_id = "r";
  options.on_event = [this](const run_event& e) {
    if (e.kind == run_event_kind::node_started && e.node_name == "approval") {
      EXPECT_TRUE(runner.signal("r", "approved", "yes").has_value());
    }
  };
  const auto result = runner.execute(flow, options);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->output_of("after"), "<yes\n\ngo>");
}

TEST_F(WaitTest, ASignalThatCameBeforeTheWaitIsKeptAndTheFirstCounts) {
  add(node::agent("before", {.prompt = "x"}));
  add(node::wait("approval", {.signal = "approved", .length = {}}));
  chain("before", "approval");
  run_options options;
  options.run_id = "early";
  options.on_event = [this](const run_event& e) {
    if (e.kind != run_event_kind::workflow_started) return;
    ASSERT_TRUE(runner.signal("early", "approved", 1).has_value());
    ASSERT_TRUE(runner.signal("early", "approved", 2).has_value());
  };
  const auto result = runner.execute(flow, options);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->output_of("approval"), "1");
}

TEST_F(WaitTest, ATimerPassesItsInputOn) {
  add(node::agent("a", {.prompt = "x"}));
  add(node::wait("pause", {.signal = {}, .length = milliseconds{20}}));
  chain("a", "pause");
  const auto result = runner.execute(flow);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->output_of("pause"), "<x>");
}

TEST_F(WaitTest, ASignalThatDoesNotComeInTimeFailsTheNode) {
  add(node::wait("approval", {.signal = "approved", .length = milliseconds{1}}));
  const auto result = runner.execute(flow);
  ASSERT_TRUE(result.has_value());
  const auto& failed = result->node_named("approval")->failure;
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->kind, error_kind::timeout);
  EXPECT_EQ(failed->operation, "approved");
}

TEST_F(WaitTest, ACancelledRunDoesNotWait) {
  add(node::wait("approval", {.signal = "never", .length = {}}));
  std::stop_source stop;
  run_options options;
  options.stop = stop.get_token();
  options.on_event = [&](const run_event& e) {
    if (e.kind == run_event_kind::node_started) stop.request_stop();
  };
  const auto result = runner.execute(flow, options);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->state(), run_state::cancelled);
}

TEST_F(WaitTest, SignalsReachSubWorkflows) {
  workflow inner{"inner"};
  ASSERT_TRUE(
      inner.add_node(*node::wait("approval", {.signal = "approved", .length = {}})).has_value());
  sub_workflow_spec sub;
  sub.flow = std::make_shared<const workflow>(inner);
  add(node::sub_workflow("sub", sub));
  run_options options;
  options.run_id = "outer";
  options.on_event = [this](const run_event& e) {
    if (e.kind == run_event_kind::node_started) {
      EXPECT_TRUE(runner.signal("outer", "approved", "yes").has_value());
    }
  };
  const auto result = runner.execute(flow, options);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->output_of("sub"), "yes");
}

TEST_F(WaitTest, AWaitNeedsASignalOrATime) {
  EXPECT_EQ(node::wait("w", {}).error().field, "signal");
  EXPECT_EQ(node::wait("w", {.signal = {}, .length = milliseconds{-1}}).error().field, "length");
}

TEST_F(WaitTest, ReadsBackFromAFile) {
  add(node::wait("approval", {.signal = "approved", .length = milliseconds{5'000}}));
  const auto again = workflow::from_json(flow.to_json());
  ASSERT_TRUE(again.has_value()) << again.error().message;
  const auto& spec = std::get<wait_spec>(again->nodes()[0]->spec);
  EXPECT_EQ(spec.signal, "approved");
  EXPECT_EQ(spec.length, milliseconds{5'000});
}

}  // namespace
}  // namespace graphbit
