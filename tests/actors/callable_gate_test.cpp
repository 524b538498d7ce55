// Callables that do not end in their time: the run goes on, what comes late is dropped and counted.
#include "src/callable_gate.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <graphbit/runtime/limits.hpp>

namespace graphbit {
namespace {

class callable_gate_test : public ::testing::Test {
 protected:
  void TearDown() override {
    if (!let_go_) let_go();
    EXPECT_TRUE(pool.stop(seconds{10}));
    while (pool.stats().threads > 0) std::this_thread::yield();
  }
  [[nodiscard]] std::shared_ptr<callable_gate> gate(std::size_t running_max) {
    return std::make_shared<callable_gate>(pool, running_max);
  }
  [[nodiscard]] callable_gate::work_function stuck() {
    return [this] {
      ++begun;
      opened_.wait();
      return expected<json_value>(json_value("late"));
    };
  }
  [[nodiscard]] callable_gate::answer_function count(std::atomic<int>& heard) {
    return [&heard](const expected<json_value>&) { ++heard; };
  }
  void wait_for_begun(int wanted) const {
    while (begun < wanted) std::this_thread::yield();
  }
  void let_go() {
    let_go_ = true;
    door_.set_value();
  }

  std::atomic<int> begun{0};
  blocking_pool pool{{.threads_max = 2, .abandoned_max = 2}};

 private:
  std::promise<void> door_;
  std::shared_future<void> opened_ = door_.get_future().share();
  bool let_go_ = false;
};

TEST_F(callable_gate_test, an_abandoned_callable_frees_its_place_and_is_not_heard) {
  const auto one = gate(1);
  std::atomic<int> heard{0};
  const auto ticket = one->submit(stuck(), count(heard));
  wait_for_begun(1);
  std::promise<void> next;
  const auto waiting = one->submit([] { return json_value(1); }, [&](auto) { next.set_value(); });
  EXPECT_EQ(one->stats().waiting, 1u);
  one->abandon(ticket);
  one->abandon(ticket);  // as often as one likes
  next.get_future().wait();
  EXPECT_EQ(one->stats().abandoned, 1u);
  EXPECT_EQ(one->stats().late, 0u);
  let_go();
  while (one->stats().late == 0) std::this_thread::yield();
  EXPECT_EQ(heard, 0);
}

TEST_F(callable_gate_test, past_its_queue_it_refuses_and_says_so) {
  const auto one = gate(1);
  std::atomic<int> answered{0};
  std::vector<std::shared_ptr<callable_gate::ticket>> tickets{
      one->submit(stuck(), count(answered))};
  wait_for_begun(1);
  const auto nothing = [] { return expected<json_value>(json_value()); };
  while (one->stats().waiting < limits::callables_queued_max)
    tickets.push_back(one->submit(nothing, count(answered)));
  EXPECT_EQ(answered, 0);
  std::optional<error> refusal;
  const auto refused =
      one->submit(nothing, [&](expected<json_value> result) { refusal = result.error(); });
  ASSERT_TRUE(refusal) << "at once, on this thread";
  EXPECT_EQ(refusal->kind, error_kind::resource_exhausted);
  EXPECT_EQ(refusal->resource_type, "callables");
  // The first one last, so that no other gets its place.
  for (; !tickets.empty(); tickets.pop_back()) one->abandon(tickets.back());
  let_go();
  EXPECT_EQ(answered, 0);
}

TEST_F(callable_gate_test, the_limit_counts_from_the_callables_own_begin) {
  const auto one = gate(1);
  std::atomic<int> heard{0};
  const auto running = one->submit(stuck(), count(heard));
  const auto waiting = one->submit(stuck(), count(heard));
  wait_for_begun(1);
  const auto later = steady_clock::now() + seconds{5};
  EXPECT_TRUE(one->is_overdue(*running, seconds{4}, later));
  EXPECT_FALSE(one->is_overdue(*running, seconds{60}, later));
  EXPECT_FALSE(one->is_overdue(*waiting, seconds{4}, later)) << "it has not begun";
  one->abandon(waiting);
  let_go();
  while (heard == 0) std::this_thread::yield();
  EXPECT_FALSE(one->is_overdue(*running, seconds{4}, later)) << "it has ended";
  EXPECT_EQ(begun, 1);
}

TEST_F(callable_gate_test, when_all_threads_are_stuck_those_that_wait_are_told) {
  const auto one = gate(1), other = gate(4);
  std::atomic<int> heard{0};
  for (int i = 0; i < 3; ++i) {
    const auto ticket = one->submit(stuck(), count(heard));
    wait_for_begun(i + 1);
    one->abandon(ticket);
  }
  const auto last = one->submit(stuck(), count(heard));
  wait_for_begun(4);
  std::atomic<int> told{0};
  const auto tell = [&](const expected<json_value>& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().resource_type, "blocking_threads");
    ++told;
  };
  std::vector<std::shared_ptr<callable_gate::ticket>> waiting;
  for (int i = 0; i < 100; ++i) {
    waiting.push_back(one->submit(stuck(), tell));    // wait for a place
    waiting.push_back(other->submit(stuck(), tell));  // wait for a thread, or for a place
  }
  EXPECT_EQ(told, 0);
  one->abandon(last);
  EXPECT_EQ(told, 200);
  EXPECT_EQ(begun, 4);
  EXPECT_EQ(heard, 0);
}

TEST_F(callable_gate_test, each_callable_is_heard_once_or_abandoned_whatever_the_order) {
  const auto few = gate(2);
  std::atomic<int> heard{0}, ran{0};
  constexpr int all = 2000;
  for (int i = 0; i < all; ++i) {
    const auto ticket = few->submit(
        [&ran] {
          ++ran;
          return expected<json_value>(json_value(1));
        },
        count(heard));
    if (i % 3 == 0) few->abandon(ticket);
  }
  while (few->stats().running + few->stats().waiting > 0) std::this_thread::yield();
  EXPECT_TRUE(pool.stop(seconds{10}));
  EXPECT_LE(heard, ran);
  EXPECT_GE(heard, all - (all + 2) / 3);
  EXPECT_EQ(few->stats().abandoned, few->stats().late);
}

}  // namespace
}  // namespace graphbit
