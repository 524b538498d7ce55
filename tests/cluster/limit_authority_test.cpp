#include <gtest/gtest.h>

#include <graphbit/cluster/open_limit_authority.hpp>

namespace graphbit {
namespace {

using namespace std::chrono_literals;

TEST(memory_limit_authority_test, divides_a_limit_among_its_holders) {
  manual_clock clock;
  const auto authority = make_memory_limit_authority(clock);
  const auto first = *authority->join();
  const auto second = *authority->join();
  EXPECT_NE(first, second);
  const policy::limiter_settings limits{.requests_per_minute = 60};
  const auto share = *authority->lease("limit", {first, 0, limits, {}, 1});
  EXPECT_EQ(share.amount.requests_per_minute, 60u);
  EXPECT_EQ(authority->lease("limit", {second, 0, limits, {}, 1})->token, 0u);
  EXPECT_NE(authority->lease("another", {second, 0, limits, {}, 1})->token, 0u);
  ASSERT_TRUE(authority->give_back("limit", first, share.token, 0s));
  clock.advance(61s);
  EXPECT_EQ(authority->lease("limit", {second, 0, limits, {}, 1})->amount.requests_per_minute, 60u);
}

TEST(limit_name_test, tells_nothing_of_the_key_and_differs_by_all_that_matters) {
  const auto authority = make_memory_limit_authority();
  const auto hash_key = *authority->hash_key();
  EXPECT_EQ(hash_key.size(), 32u);
  EXPECT_EQ(*authority->hash_key(), hash_key);
  const secret key("sk-very-secret-1234");
  const auto name = limit_name(hash_key, "https://api", "m", key);
  EXPECT_EQ(name.size(), 64u);
  EXPECT_EQ(name, limit_name(hash_key, "https://api", "m", key));
  EXPECT_NE(name, limit_name(hash_key, "https://api", "n", key));
  EXPECT_NE(name, limit_name(hash_key, "https://other", "m", key));
  EXPECT_NE(name, limit_name(hash_key, "https://api", "m", secret("sk-other")));
  EXPECT_NE(name, limit_name("another hash key", "https://api", "m", key));
}

TEST(limit_name_test, is_hmac_sha256) {
  // Computed by Python's hmac module.
  EXPECT_EQ(limit_name("Jefe", "what do ya want", " for ", secret("nothing?")),
            "3f140ef77f7591a1d806e105fd629ffb01c190b9e152751092f4c5af08d35ccb");
}

}  // namespace
}  // namespace graphbit
