#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <graphbit/cluster/open_limit_authority.hpp>

#include "store_place.hpp"
#include "value_of.hpp"

namespace graphbit {
namespace {

using namespace std::chrono_literals;

TEST(memory_limit_authority_test, divides_a_limit_among_its_holders) {
  manual_clock clock;
  const auto authority = make_memory_limit_authority(clock);
  const auto first = value_of(authority->join());
  const auto second = value_of(authority->join());
  EXPECT_NE(first, second);
  const policy::limiter_settings limits{.requests_per_minute = 60};
  const auto share = value_of(authority->lease("limit", {first, 0, limits, {}, 1}));
  EXPECT_EQ(share.amount.requests_per_minute, 60u);
  EXPECT_EQ(value_of(authority->lease("limit", {second, 0, limits, {}, 1})).token, 0u);
  EXPECT_NE(value_of(authority->lease("another", {second, 0, limits, {}, 1})).token, 0u);
  ASSERT_TRUE(authority->give_back("limit", {first, share.token, 0s, {}}));
  clock.advance(61s);
  EXPECT_EQ(
      value_of(authority->lease("limit", {second, 0, limits, {}, 1})).amount.requests_per_minute,
      60u);
}

/// What every authority does, whatever keeps its shares. Their division and their ends are tested
/// in `policy::limit_shares`, on a clock that the test moves.
class limit_authority_conformance : public ::testing::TestWithParam<store_kind> {
 protected:
  void SetUp() override {
    if (const auto why = GetParam().missing(); !why.empty()) GTEST_SKIP() << why;
    place = GetParam().make();
    one = place->open_authority();
    other = place->open_authority();
    ASSERT_TRUE(one && other);
  }

  static constexpr policy::limiter_settings limits{.in_flight_max = 8, .requests_per_minute = 60};
  std::unique_ptr<store_place> place;
  std::shared_ptr<limit_authority> one, other;
};

TEST_P(limit_authority_conformance, holders_have_names_of_their_own) {
  const auto a = value_of(one->join()), b = value_of(other->join()), c = value_of(one->join());
  EXPECT_NE(a, 0u);
  EXPECT_LT(a, b);
  EXPECT_LT(b, c);
}

TEST_P(limit_authority_conformance, what_one_process_holds_another_does_not_get) {
  const auto a = value_of(one->join()), b = value_of(other->join());
  const auto share = value_of(one->lease("limit", {a, 0, limits, {}, 1}));
  EXPECT_NE(share.token, 0u);
  EXPECT_EQ(share.amount.requests_per_minute, 60u);
  EXPECT_EQ(share.amount.in_flight_max, 8u);
  EXPECT_EQ(share.ends_in, limit_share_lasts);
  const auto refused = value_of(other->lease("limit", {b, 0, limits, {}, 1}));
  EXPECT_EQ(refused.token, 0u);
  EXPECT_GT(refused.ask_after, 0ms);
  EXPECT_NE(value_of(other->lease("another", {b, 0, limits, {}, 1})).token, 0u);

  const auto renewed = value_of(one->lease("limit", {a, share.token, limits, {}, 1}));
  EXPECT_EQ(renewed.token, share.token);
  EXPECT_EQ(renewed.amount.requests_per_minute, 30u) << "another waits for its half";
}

TEST_P(limit_authority_conformance, what_was_long_unused_is_free_at_once) {
  const auto a = value_of(one->join()), b = value_of(other->join());
  const auto share = value_of(one->lease("limit", {a, 0, limits, {}, 1}));
  ASSERT_TRUE(other->give_back("limit", {a, share.token + 1, 60s, {}}))
      << "no such token: no effect";
  EXPECT_EQ(value_of(other->lease("limit", {b, 0, limits, {}, 1})).token, 0u);
  ASSERT_TRUE(one->give_back("limit", {a, share.token, 60s, {}}));
  const auto next = value_of(other->lease("limit", {b, 0, limits, {}, 1}));
  EXPECT_GT(next.token, share.token);
  EXPECT_EQ(next.amount.requests_per_minute, 60u);
}

TEST_P(limit_authority_conformance, all_processes_know_the_same_hash_key) {
  const auto key = value_of(one->hash_key());
  EXPECT_EQ(key.size(), 32u);
  EXPECT_EQ(value_of(other->hash_key()), key);
  EXPECT_EQ(value_of(place->open_authority()->hash_key()), key);
}

TEST_P(limit_authority_conformance, many_threads_never_lease_more_than_there_is) {
  constexpr int threads_count = 4;
  std::atomic<std::uint64_t> leased = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < threads_count; ++t)
      threads.emplace_back([&, t] {
        const auto& authority = t % 2 == 0 ? one : other;
        const auto holder = value_of(authority->join());
        const auto share =
            value_of(authority->lease("limit", {holder, 0, limits, {.in_flight_max = 2}, 1}));
        leased += share.amount.in_flight_max;
      });
  }
  EXPECT_LE(leased, limits.in_flight_max);
  EXPECT_GT(leased, 0u);
}

INSTANTIATE_TEST_SUITE_P(stores, limit_authority_conformance, ::testing::ValuesIn(store_kinds()),
                         [](const auto& param) { return param.param.name; });

TEST(limit_name_test, tells_nothing_of_the_key_and_differs_by_all_that_matters) {
  const auto authority = make_memory_limit_authority();
  const auto hash_key = value_of(authority->hash_key());
  EXPECT_EQ(hash_key.size(), 32u);
  EXPECT_EQ(value_of(authority->hash_key()), hash_key);
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
