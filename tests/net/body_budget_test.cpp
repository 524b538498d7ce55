#include <gtest/gtest.h>

#include <src/body_budget.hpp>

namespace graphbit {
namespace {

constexpr auto free_bytes = body_share::free_bytes;

TEST(body_budget, bounds_what_all_shares_hold) {
  body_budget budget(10 * free_bytes);
  body_share first, second;
  EXPECT_TRUE(first.grow_to(6 * free_bytes, budget));
  EXPECT_FALSE(second.grow_to(5 * free_bytes, budget));
  EXPECT_EQ(budget.held(), 6 * free_bytes);
  EXPECT_TRUE(second.grow_to(4 * free_bytes, budget));
  EXPECT_FALSE(first.grow_to(7 * free_bytes, budget));
  second.reset();
  EXPECT_TRUE(first.grow_to(7 * free_bytes, budget));
  first.reset();
  EXPECT_EQ(budget.held(), 0u);
}

TEST(body_budget, small_bodies_are_free_and_growth_is_counted_once) {
  body_budget budget(10 * free_bytes);
  body_share share;
  EXPECT_TRUE(share.grow_to(free_bytes, budget));
  EXPECT_EQ(budget.held(), 0u);
  EXPECT_TRUE(share.grow_to(2 * free_bytes, budget));
  EXPECT_TRUE(share.grow_to(free_bytes, budget));
  EXPECT_EQ(budget.held(), 2 * free_bytes);
}

TEST(body_budget, a_single_body_larger_than_the_budget_does_not_wait_for_itself) {
  body_budget budget(free_bytes);
  body_share share;
  EXPECT_TRUE(share.grow_to(5 * free_bytes, budget));
}

}  // namespace
}  // namespace graphbit
