// Kills executor, run and node actors while they work: every run gets exactly one answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <graphbit/runtime/random.hpp>

#include "fake_backend.hpp"
#include "src/executor_actor.hpp"

namespace graphbit {
namespace {

using testing::fake_backend;
using ::testing::HasSubstr;
using testing::says;

class RunKillTest : public ::testing::Test {
 protected:
  void SetUp() override {
    backend->hold();
    ASSERT_TRUE(flow.add_node(*node::agent("a", {.prompt = "x"})).has_value());
    environment.backends = std::make_shared<backend_book>(
        [this](const provider_config&) { return backend; }, provider_config{});
    ASSERT_TRUE(environment.backends->open_all(flow).has_value());
    environment.callables = std::make_shared<callable_gate>(rt.blocking(), 2);
    plan = *run_plan::make(std::make_shared<const workflow>(flow));
  }

  void TearDown() override {
    rt.shutdown();
    backend->forget_held();
  }

  [[nodiscard]] run_setup setup(std::string run_id) const {
    run_setup s;
    s.plan = plan;
    s.environment = environment;
    s.run_id = std::move(run_id);
    return s;
  }
  void wait_for(int count) {
    for (int i = 0; i < 10'000 && answers < count; ++i)
      std::this_thread::sleep_for(milliseconds{1});
    EXPECT_EQ(answers, count);
  }

  runtime rt;
  workflow flow{"test"};
  std::shared_ptr<fake_backend> backend =
      std::make_shared<fake_backend>([](const chat_request&) { return says("ok"); });
  run_environment environment;
  std::shared_ptr<const run_plan> plan;
  std::atomic<int> answers{0};
};

TEST_F(RunKillTest, AKilledRunGivesAnErrorThatNamesIt) {
  constexpr int runs = 100;
  std::vector<caf::actor> actors;
  for (int i = 0; i < runs; ++i)
    actors.push_back(start_run(
        rt.next_reactor(), setup("run " + std::to_string(i)), [this, i](const run_result& r) {
          EXPECT_TRUE(r.is_failed());
          EXPECT_THAT(r.raised()->message, HasSubstr("run " + std::to_string(i) + "'"));
          ++answers;
        }));
  for (const auto& actor : actors)
    caf::anon_send_exit(actor, caf::exit_reason::unhandled_exception);
  wait_for(runs);
}

TEST_F(RunKillTest, AKilledNodeFailsAndItsRunGoesOn) {
  std::atomic<int> ended{0};
  auto board = std::make_shared<run_board>(setup("r"), rt.reactor_at(0));
  const auto run = rt.system().spawn([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](const node_ended& n) { ended += n.index == 0 ? 1 : 100; }};
  });
  const auto node = spawn_on(rt.reactor_at(0), run_node, board, 0u, run);
  caf::anon_send_exit(node, caf::exit_reason::unhandled_exception);
  for (int i = 0; i < 10'000 && ended == 0; ++i) std::this_thread::sleep_for(milliseconds{1});
  EXPECT_EQ(ended, 1);
  rt.reactor_at(0).post([this, board] {
    EXPECT_EQ(board->slot(0).status, node_status::failed);
    EXPECT_THAT(board->slot(0).failure->message, HasSubstr("node 'a'"));
    ++answers;
  });
  wait_for(1);
  caf::anon_send_exit(run, caf::exit_reason::user_shutdown);
}

TEST_F(RunKillTest, AKilledExecutorAnswersWhatItHadNotStarted) {
  constexpr int runs = 50, active = 5;
  executor_numbers numbers;
  numbers.runs_active_max = active;
  const auto ledger = std::make_shared<executor_ledger>(numbers, *rt.service<metrics_registry>());
  const auto actor =
      spawn_on(rt.reactor_at(0), supervise_runs, ledger, std::make_shared<active_runs>());
  for (int i = 0; i < runs; ++i) {
    ASSERT_TRUE(ledger->accept());
    auto request = std::make_shared<run_request>(i + 1, setup(std::to_string(i)), rt.reactor_at(0),
                                                 ledger, [this](const run_result& r) {
                                                   EXPECT_FALSE(r.is_success());
                                                   ++answers;
                                                 });
    request->timeout = milliseconds{300};
    request->timeout_operation = "workflow_execution";
    caf::anon_send(actor, accept_run{std::move(request)});
  }
  while (ledger->stats().active < active) std::this_thread::yield();
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  wait_for(runs);  // those at work end on their own, here by their time limit
  EXPECT_EQ(ledger->stats().executions, static_cast<std::uint64_t>(runs));
  EXPECT_EQ(ledger->stats().active + ledger->stats().queued, 0u);
}

// The successor of a killed executor knows the runs that were at work.
TEST_F(RunKillTest, RunsOfAKilledExecutorCanBeCancelled) {
  const auto ledger =
      std::make_shared<executor_ledger>(executor_numbers{}, *rt.service<metrics_registry>());
  const auto active = std::make_shared<active_runs>();
  std::stop_source told, missed;
  const auto start = [&](std::uint64_t number, const std::stop_source& stop, auto on_stop) {
    ASSERT_TRUE(ledger->accept());
    auto request =
        std::make_shared<run_request>(number, setup(std::to_string(number)), rt.reactor_at(0),
                                      ledger, [this](const run_result& r) {
                                        EXPECT_EQ(r.state(), run_state::cancelled);
                                        ++answers;
                                      });
    request->timeout = milliseconds{600'000};
    request->on_stop(stop.get_token(), on_stop);
    const auto actor = spawn_on(rt.reactor_at(0), supervise_runs, ledger, active);
    caf::anon_send(actor, accept_run{std::move(request)});
    while (ledger->stats().active < number) std::this_thread::yield();
    caf::anon_send_exit(actor, caf::exit_reason::kill);
  };
  start(1, missed, [] {});  // its executor is dead when the token is stopped
  start(2, told, [] {});
  missed.request_stop();
  const auto successor = spawn_on(rt.reactor_at(0), supervise_runs, ledger, active);
  wait_for(1);
  caf::anon_send(successor, cancel_run{2, {}});
  wait_for(2);
  caf::anon_send_exit(successor, caf::exit_reason::user_shutdown);
}

TEST_F(RunKillTest, AListenerThatThrowsCostsNoAnswer) {
  run_setup s = setup("r");
  s.listener = [](const run_event&) { throw std::runtime_error("listener"); };
  const auto actor =
      start_run(rt.next_reactor(), std::move(s), [this](const run_result&) { ++answers; });
  caf::anon_send(actor, end_early{std::make_shared<const error>(cancelled_error("test"))});
  wait_for(1);
}

}  // namespace
}  // namespace graphbit
