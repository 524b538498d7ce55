#include <graphbit/runtime/trace_context.hpp>

#include <gtest/gtest.h>

#include <graphbit/runtime/random.hpp>

namespace graphbit {
namespace {

constexpr auto example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(trace_context_test, reads_and_writes_a_traceparent) {
  const auto read = trace_context::from_traceparent(example);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->trace_high, 0x4bf92f3577b34da6u);
  EXPECT_EQ(read->trace_low, 0xa3ce929d0e0e4736u);
  EXPECT_EQ(read->span, 0x00f067aa0ba902b7u);
  EXPECT_TRUE(read->sampled);
  EXPECT_EQ(read->traceparent(), example);
  auto quiet = *read;
  quiet.sampled = false;
  EXPECT_EQ(trace_context::from_traceparent(quiet.traceparent()), quiet);
}

TEST(trace_context_test, reads_later_versions_and_refuses_what_is_invalid) {
  EXPECT_TRUE(trace_context::from_traceparent(
      "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
  for (const auto* bad : {
           "",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
           "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
           "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
       })
    EXPECT_FALSE(trace_context::from_traceparent(bad)) << bad;
}

TEST(trace_context_test, children_stay_in_their_trace) {
  random_source random(1);
  const auto root = trace_context{}.child(random);
  ASSERT_TRUE(root.valid());
  const auto child = root.child(random);
  EXPECT_EQ(child.trace_high, root.trace_high);
  EXPECT_EQ(child.trace_low, root.trace_low);
  EXPECT_NE(child.span, root.span);
  EXPECT_EQ(root.numbered_child(3), root.numbered_child(3));
  EXPECT_NE(root.numbered_child(3).span, root.numbered_child(4).span);
  EXPECT_NE(child.numbered_child(3).span, root.numbered_child(3).span);
  EXPECT_FALSE(trace_context{}.numbered_child(1).valid());
}

}  // namespace
}  // namespace graphbit
