#include <gtest/gtest.h>

#include <graphbit/runtime/chat.hpp>

namespace graphbit {
namespace {

TEST(finish_reason_text, names_each_known_kind) {
  using kind = finish_reason::kind;
  EXPECT_EQ(to_string(finish_reason{kind::stop, {}}), "stop");
  EXPECT_EQ(to_string(finish_reason{kind::length, {}}), "length");
  EXPECT_EQ(to_string(finish_reason{kind::tool_calls, {}}), "tool_calls");
  EXPECT_EQ(to_string(finish_reason{kind::content_filter, {}}), "content_filter");
  EXPECT_EQ(to_string(finish_reason{kind::error, {}}), "error");
}

TEST(finish_reason_text, keeps_a_provider_s_own_word) {
  const finish_reason pause{finish_reason::kind::other, "pause_turn"};
  EXPECT_EQ(to_string(pause), "pause_turn");
}

}  // namespace
}  // namespace graphbit
