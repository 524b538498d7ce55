#include <graphbit/runtime/blocking_pool.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace graphbit {
namespace {

TEST(blocking_pool_test, runs_all_work_within_its_thread_bound) {
  blocking_pool pool({.threads_max = 3});
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.submit([&] { ++ran; }));
  EXPECT_LE(pool.stats().threads, 3u);
  EXPECT_TRUE(pool.stop(seconds{5}));
  EXPECT_EQ(ran, 100);
}

TEST(blocking_pool_test, refuses_work_past_its_queue_bound_and_after_stop) {
  blocking_pool pool({.threads_max = 1, .queue_max = 1});
  std::promise<void> gate;
  std::promise<void> started;
  auto opened = gate.get_future().share();
  ASSERT_TRUE(pool.submit([&started, opened] {
    started.set_value();
    opened.wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_FALSE(pool.submit([] {}));
  gate.set_value();
  EXPECT_TRUE(pool.stop(seconds{5}));
  EXPECT_FALSE(pool.submit([] {}));
}

TEST(blocking_pool_test, outlives_work_that_throws) {
  blocking_pool pool({.threads_max = 1});
  std::promise<int> answer;
  ASSERT_TRUE(pool.submit([] { throw std::runtime_error("planted"); }));
  ASSERT_TRUE(pool.submit([&] { answer.set_value(7); }));
  EXPECT_EQ(answer.get_future().get(), 7);
}

/// Work that waits until the test says so, and tells that it has begun.
class stuck_work {
 public:
  [[nodiscard]] std::function<void()> operator()() {
    return [this, opened = opened_] {
      ++begun;
      opened.wait();
      ++ended;
    };
  }
  void wait_for_begun(int count) const {
    while (begun < count) std::this_thread::yield();
  }
  void let_go() { gate_.set_value(); }
  std::atomic<int> begun{0}, ended{0};

 private:
  std::promise<void> gate_;
  std::shared_future<void> opened_ = gate_.get_future().share();
};

TEST(blocking_pool_test, a_thread_in_abandoned_work_is_replaced) {
  stuck_work stuck;
  blocking_pool pool({.threads_max = 1});
  const auto job = pool.submit(stuck());
  ASSERT_TRUE(job);
  stuck.wait_for_begun(1);
  std::promise<int> answer;
  ASSERT_TRUE(pool.submit([&] { answer.set_value(7); }));
  pool.abandon(*job);
  EXPECT_EQ(answer.get_future().get(), 7);
  EXPECT_EQ(pool.stats().abandoned, 1u);
  EXPECT_EQ(pool.stats().threads, 2u);
  EXPECT_TRUE(pool.stop(seconds{10})) << "abandoned work is not waited for";
  stuck.let_go();
  while (pool.stats().threads > 0) std::this_thread::yield();
  EXPECT_EQ(pool.stats().abandoned, 0u);
}

TEST(blocking_pool_test, abandoned_work_that_has_not_begun_is_not_run) {
  stuck_work stuck, never;
  blocking_pool pool({.threads_max = 1});
  ASSERT_TRUE(pool.submit(stuck()));
  stuck.wait_for_begun(1);
  const auto job = pool.submit(never());
  ASSERT_TRUE(job);
  pool.abandon(*job);
  EXPECT_EQ(pool.stats().queued, 0u);
  stuck.let_go();
  EXPECT_TRUE(pool.stop(seconds{10}));
  EXPECT_EQ(never.begun, 0);
}

TEST(blocking_pool_test, past_its_bound_of_stuck_threads_it_refuses_and_says_so) {
  stuck_work stuck;
  blocking_pool pool({.threads_max = 2, .abandoned_max = 1});
  std::vector<blocking_pool::job> jobs;
  for (int i = 0; i < 3; ++i) {
    const auto job = pool.submit(stuck());
    ASSERT_TRUE(job);
    jobs.push_back(*job);
    if (i == 0) {
      stuck.wait_for_begun(1);
      pool.abandon(jobs[0]);  // replaced
    }
  }
  stuck.wait_for_begun(3);
  std::promise<error> refused;
  ASSERT_TRUE(pool.submit([] {}, [&](const error& why) { refused.set_value(why); }));
  pool.abandon(jobs[1]);
  EXPECT_TRUE(pool.stats().queued == 1u) << "one thread is left";
  pool.abandon(jobs[2]);
  EXPECT_EQ(refused.get_future().get().resource_type, "blocking_threads");
  const auto more = pool.submit([] {});
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().kind, error_kind::resource_exhausted);
  EXPECT_NE(more.error().message.find("all 3 threads"), std::string::npos) << more.error().message;

  stuck.let_go();
  while (pool.stats().abandoned > 0) std::this_thread::yield();
  std::promise<int> answer;
  ASSERT_TRUE(pool.submit([&] { answer.set_value(7); })) << "those that came back serve again";
  EXPECT_EQ(answer.get_future().get(), 7);
  EXPECT_LE(pool.stats().threads, 2u);
  EXPECT_TRUE(pool.stop(seconds{10}));
}

TEST(blocking_pool_test, abandoning_what_has_ended_changes_nothing) {
  blocking_pool pool({.threads_max = 1});
  std::promise<void> ran;
  const auto job = pool.submit([&] { ran.set_value(); });
  ASSERT_TRUE(job);
  ran.get_future().wait();
  while (pool.stats().busy > 0) std::this_thread::yield();
  pool.abandon(*job);
  pool.abandon(12345);
  EXPECT_EQ(pool.stats().abandoned, 0u);
}

TEST(blocking_pool_test, says_when_a_thread_is_stuck) {
  blocking_pool pool({.threads_max = 1});
  std::promise<void> gate;
  ASSERT_TRUE(pool.submit([opened = gate.get_future().share()] { opened.wait(); }));
  EXPECT_FALSE(pool.stop(milliseconds{20}));
  gate.set_value();
  EXPECT_TRUE(pool.stop(seconds{5}));
}

}  // namespace
}  // namespace graphbit
