#include <gtest/gtest.h>

#include <graphbit/runtime/error.hpp>

namespace graphbit {
namespace {

using std::chrono::milliseconds;

TEST(error, kinds_go_to_names_and_back) {
  for (int i = 1; i <= 9; ++i) {
    const auto kind = static_cast<error_kind>(i);
    EXPECT_EQ(error_kind_from(to_string(kind)), kind) << to_string(kind);
  }
  EXPECT_EQ(error_kind_from("Nonsense"), std::nullopt);
}

TEST(error, describes_each_kind_with_its_prefix) {
  EXPECT_EQ(describe(core_error("m")), "Core error: m");
  EXPECT_EQ(describe(runtime_error("op", "m")), "Core error: m");
  EXPECT_EQ(describe(configuration_error("f", "m")), "Configuration error in field 'f': m");
  EXPECT_EQ(describe(configuration_error("", "m")), "Configuration error: m");
  EXPECT_EQ(describe(authentication_error("openai", "m")), "Authentication error with openai: m");
  EXPECT_EQ(describe(authentication_error("", "m")), "Authentication error: m");
  EXPECT_EQ(describe(validation_error("f", "m", "v")),
            "Validation error for field 'f' with value 'v': m");
  EXPECT_EQ(describe(validation_error("f", "m")), "Validation error for field 'f': m");
  EXPECT_EQ(describe(rate_limit_error("m")), "Rate limit exceeded: m");
  EXPECT_EQ(describe(timeout_error("connect", milliseconds{250}, "m")),
            "Timeout in 'connect' after 250ms: m");
  EXPECT_EQ(describe(resource_error("prompt", "m")), "Resource exhausted (prompt): m");
}

TEST(error, counts_attempts_of_network_errors) {
  error e = network_error("refused");
  EXPECT_EQ(describe(e), "Network error: refused");
  e.attempts = 4;
  EXPECT_EQ(describe(e), "Network error (attempt 4): refused");
}

TEST(error, rounds_the_wait_up_to_seconds) {
  EXPECT_EQ(describe(rate_limit_error("m", milliseconds{1001})),
            "Rate limit exceeded (retry after 2s): m");
}

TEST(error, description_is_one_line) {
  EXPECT_EQ(describe(core_error("a\r\nb")), "Core error: a  b");
}

TEST(error, only_network_errors_are_transient_from_the_start) {
  EXPECT_EQ(network_error("m").retry, retry_rule::transient);
  EXPECT_EQ(network_error("m").breaker, breaker_rule::counts);
  EXPECT_EQ(validation_error("f", "m").retry, retry_rule::never);
  EXPECT_EQ(validation_error("f", "m").breaker, breaker_rule::ignored);
}

TEST(error, cancelling_is_marked_and_named) {
  const error e = cancelled_error("complete");
  EXPECT_TRUE(e.cancelled);
  EXPECT_EQ(e.kind, error_kind::runtime);
  EXPECT_EQ(e.message, "complete was cancelled");
}

}  // namespace
}  // namespace graphbit
