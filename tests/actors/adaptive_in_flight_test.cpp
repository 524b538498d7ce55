// How many calls are in flight at once, found by latency and refusals.
#include <algorithm>

#include "provider_fixture.hpp"

namespace graphbit {
namespace {

using testing::outcomes;

class adaptive_in_flight_test : public testing::provider_fixture {
 protected:
  [[nodiscard]] provider_client open_adaptive(std::optional<std::uint32_t> max_in_flight = {}) {
    auto c = config();
    c.adaptive_in_flight = true;
    c.max_in_flight = max_in_flight;
    return open(c);
  }
  static std::size_t failures_of(const provider_client& client, int calls, std::uint32_t retries) {
    outcomes all;
    call_options options;
    options.max_retries = retries;
    for (int i = 0; i < calls; ++i) client.submit(ask("go"), options, all.next());
    EXPECT_TRUE(all.wait_for(static_cast<std::size_t>(calls)));
    std::size_t failures = 0;
    for (const auto& result : all.results()) failures += result ? 0 : 1;
    return failures;
  }
};

TEST_F(adaptive_in_flight_test, grows_while_the_provider_keeps_its_pace) {
  behave(R"({"latency_ms": 10})");
  const auto client = open_adaptive();
  ASSERT_TRUE(client.complete(ask("warm")));
  const auto before = client.stats().in_flight_max;
  EXPECT_GT(before, 0u);
  // A machine that stalls makes the provider look slow: then it grows in a later round.
  auto most = before;
  for (int round = 0; round < 30 && most <= before; ++round) {
    EXPECT_EQ(failures_of(client, 200, 0), 0u);
    most = std::max(most, client.stats().in_flight_max);
  }
  EXPECT_GT(most, before);
}

TEST_F(adaptive_in_flight_test, shrinks_when_the_provider_refuses) {
  const auto client = open_adaptive();
  ASSERT_TRUE(client.complete(ask("warm")));
  behave(R"({"fault_503": 1, "retry_after_s": 0, "latency_ms": 1})");
  const auto before = client.stats().in_flight_max;
  EXPECT_EQ(failures_of(client, 3, 0), 3u);
  EXPECT_LT(client.stats().in_flight_max, before);
  EXPECT_GE(client.stats().in_flight_max, 1u);
}

TEST_F(adaptive_in_flight_test, never_passes_the_bound_that_was_set) {
  behave(R"({"latency_ms": 5})");
  const auto client = open_adaptive(8);
  EXPECT_EQ(failures_of(client, 300, 0), 0u);
  EXPECT_LE(client.stats().in_flight_max, 8u);
}

}  // namespace
}  // namespace graphbit
