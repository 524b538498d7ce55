#include <graphbit/runtime/blocking_pool.hpp>

#include <atomic>
#include <future>
#include <stdexcept>

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
