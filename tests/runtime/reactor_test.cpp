#include <graphbit/runtime/reactor.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <graphbit/runtime/pinned_actor.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit {
namespace {

using ask = caf::atom_constant<caf::atom("ask")>;
using fault = caf::atom_constant<caf::atom("fault")>;

struct job {
  reactor::waiter done;
  bool ran_on_reactor = false;
};
struct job_ptr {
  job* operator->() const { return at; }
  job* at;
};

}  // namespace
}  // namespace graphbit
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::job_ptr)
namespace graphbit {
namespace {

struct echo_state {
  int asked = 0;
};
using echo_actor = caf::stateful_actor<echo_state, pinned_actor>;

caf::behavior echo(echo_actor* self) {
  return {
      [=](ask, job_ptr j) {
        ++self->state.asked;
        j->ran_on_reactor = self->home().here();
        reactor::finish(j->done);
      },
      [=](fault) { throw std::runtime_error("planted"); },
      [=](ask) { return self->state.asked; },
  };
}

class reactor_test : public ::testing::Test {
 protected:
  runtime rt{{.worker_threads = 2, .reactors = 1}};
  reactor& home = rt.reactor_at(0);
  caf::actor actor = spawn_on(home, echo);

  void TearDown() override { caf::anon_send_exit(actor, caf::exit_reason::user_shutdown); }

  [[nodiscard]] bool call_once() {
    job j;
    const bool finished = home.drive(
        j.done, [&] { caf::anon_send(actor, ask::value, job_ptr{&j}); }, [] { return false; });
    return finished && j.ran_on_reactor;
  }
};

TEST_F(reactor_test, a_caller_drives_the_loop_until_its_answer_is_there) {
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(call_once());
}

TEST_F(reactor_test, the_reactors_thread_serves_work_nobody_waits_for) {
  job j;
  caf::anon_send(actor, ask::value, job_ptr{&j});
  // drive with nothing to submit: whoever runs the loop, the answer must come.
  EXPECT_TRUE(home.drive(
      j.done, [] {}, [] { return false; }));
}

TEST_F(reactor_test, many_callers_share_one_loop) {
  constexpr int threads = 16, calls = 300;
  std::atomic<int> good{0};
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t)
    all.emplace_back([&] {
      for (int i = 0; i < calls; ++i) good += call_once() ? 1 : 0;
    });
  for (auto& t : all) t.join();
  EXPECT_EQ(good, threads * calls);
}

TEST_F(reactor_test, an_interrupted_caller_leaves_and_the_loop_goes_on) {
  job forgotten;
  int asked = 0;
  EXPECT_FALSE(home.drive(
      forgotten.done, [] {}, [&] { return ++asked == 2; }));
  EXPECT_TRUE(call_once());
}

TEST_F(reactor_test, a_follower_is_interrupted_too) {
  std::atomic<bool> leading{false};
  job first;
  std::thread leader([&] {
    EXPECT_TRUE(home.drive(
        first.done, [&] { leading = true; }, [] { return false; }));
  });
  while (!leading) std::this_thread::yield();
  job second;
  EXPECT_FALSE(home.drive(
      second.done, [] {}, [] { return true; }));
  reactor::finish(first.done);
  leader.join();
  EXPECT_TRUE(call_once());
}

TEST_F(reactor_test, sweeps_run_until_they_decline) {
  std::atomic<int> swept{0};
  job j;
  home.post([&] {
    home.sweep([&](time_point) {
      if (++swept < 3) return true;
      reactor::finish(j.done);
      return false;
    });
  });
  EXPECT_TRUE(home.drive(
      j.done, [] {}, [] { return false; }));
  EXPECT_EQ(swept, 3);
}

TEST_F(reactor_test, an_exception_ends_the_actor_and_nothing_else) {
  caf::scoped_actor self{rt.system()};
  self->monitor(actor);
  caf::anon_send(actor, fault::value);
  self->receive([](const caf::down_msg& down) { EXPECT_EQ(down.reason, caf::sec::runtime_error); },
                caf::after(seconds{5}) >> [] { FAIL() << "no down message came"; });
  actor = spawn_on(home, echo);
  EXPECT_TRUE(call_once());
}

TEST_F(reactor_test, requests_between_the_scheduler_and_a_reactor_are_answered) {
  ASSERT_TRUE(call_once());
  caf::scoped_actor self{rt.system()};
  self->request(actor, seconds{5}, ask::value)
      .receive([](int asked) { EXPECT_EQ(asked, 1); },
               [&](caf::error& e) { FAIL() << rt.system().render(e); });
}

TEST(runtime_test, shutdown_is_idempotent_and_ends_services_in_reverse_order) {
  static std::vector<int> ended;
  struct first_service {
    explicit first_service(runtime&) {}
    ~first_service() { ended.push_back(1); }
  };
  struct second_service {
    explicit second_service(runtime& rt) : first(rt.service<first_service>()) {}
    ~second_service() { ended.push_back(2); }
    std::shared_ptr<first_service> first;
  };
  ended.clear();
  runtime rt{{.worker_threads = 2, .reactors = 2}};
  EXPECT_EQ(rt.service<second_service>(), rt.service<second_service>());
  rt.shutdown();
  rt.shutdown();
  EXPECT_EQ(ended, (std::vector<int>{2, 1}));
  EXPECT_FALSE(rt.running());
  EXPECT_THROW(static_cast<void>(rt.service<first_service>()), std::runtime_error);
}

TEST(runtime_test, threads_have_the_stack_that_was_asked_for) {
  runtime rt{{.worker_threads = 2, .reactors = 1, .thread_stack_bytes = 2 * 1024 * 1024}};
  const auto stats = rt.stats();
  // More where libc gives a thread the stack of one that has ended.
  EXPECT_GE(stats.thread_stack_bytes, 2u * 1024 * 1024);
  EXPECT_EQ(stats.worker_threads, 2u);
}

TEST(runtime_test, a_sleeping_thread_that_once_spawned_does_not_hold_up_the_end) {
  auto rt = std::make_unique<runtime>(runtime_options{.worker_threads = 2, .reactors = 1});
  std::promise<void> spawned, wake;
  std::thread sleeper([&, woken = wake.get_future()]() mutable {
    auto& home = rt->reactor_at(0);
    auto actor = spawn_on(home, echo);
    job j;
    EXPECT_TRUE(home.drive(j.done, [&] { caf::anon_send(actor, ask::value, job_ptr{&j}); }, {}));
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    actor = nullptr;
    spawned.set_value();
    woken.wait();
  });
  spawned.get_future().wait();
  rt.reset();  // must not wait for the sleeper
  wake.set_value();
  sleeper.join();
}

TEST(runtime_test, two_runtimes_live_side_by_side) {
  runtime one{{.worker_threads = 2, .reactors = 1}};
  runtime two{{.worker_threads = 2, .reactors = 1}};
  EXPECT_NE(&one.system(), &two.system());
}

}  // namespace
}  // namespace graphbit
