#include <gtest/gtest.h>

#include <graphbit/runtime/clock.hpp>

namespace graphbit {
namespace {

TEST(clock, system_clock_never_runs_backwards) {
  const time_point before = system_clock().now();
  EXPECT_LE(before, system_clock().now());
}

TEST(clock, manual_clock_moves_only_when_told) {
  manual_clock clock;
  const time_point start = clock.now();
  EXPECT_EQ(clock.now(), start);
  clock.advance(seconds{3});
  EXPECT_EQ(clock.now() - start, seconds{3});
}

TEST(clock, remaining_rounds_up_and_never_goes_negative) {
  const time_point now = manual_clock{}.now();
  EXPECT_EQ(remaining(now + std::chrono::microseconds{1500}, now), milliseconds{2});
  EXPECT_EQ(remaining(now - seconds{1}, now), milliseconds{0});
  EXPECT_EQ(remaining(never, now), milliseconds::max());
}

}  // namespace
}  // namespace graphbit
