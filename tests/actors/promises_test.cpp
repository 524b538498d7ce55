// Promises of the pipeline as a caller sees them, which no test of a single policy can show.
#include <thread>

#include "provider_fixture.hpp"

namespace graphbit {
namespace {

using testing::outcomes;

class promises_test : public testing::provider_fixture {
 protected:
  [[nodiscard]] std::int64_t counted(const std::string& group, const std::string& name) {
    const auto counters = parse_json(provider.counters());
    return static_cast<std::int64_t>(counters->find(group)->find(name)->as_double());
  }
};

TEST_F(promises_test, all_attempts_of_a_call_carry_one_idempotency_key_and_no_two_calls_the_same) {
  behave(R"({"fault_500": 1})");
  auto c = config();
  c.provider = "openai";
  c.api_key = secret("sk-0123456789abcdef0123456789");
  c.max_retries = 2;
  const auto client = open(c);
  for (int i = 0; i < 2; ++i) {
    const auto answer = client.complete(ask("x"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().attempts, 3u);
  }
  EXPECT_EQ(requests(), 6u);
  EXPECT_EQ(counted("idempotency_keys", "unique"), 2);
}

TEST_F(promises_test, a_body_that_cannot_be_read_is_asked_for_once_more_and_then_shown) {
  ASSERT_TRUE(provider.load_script(
      R"({"rules": [{"raw": "<html>an intruder's page</html>", "status": 200, "content_type": "text/html"}]})"));
  const auto answer = open(config()).complete(ask("x"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::core);
  EXPECT_EQ(answer.error().attempts, 2u);
  EXPECT_NE(answer.error().message.find("an intruder's page"), std::string::npos);
  EXPECT_EQ(requests(), 2u);
}

TEST_F(promises_test, waiting_in_our_own_queue_does_not_use_a_calls_time_up) {
  behave(R"({"latency_ms": 20})");
  auto c = config();
  c.max_in_flight = 1;
  c.call_timeout = milliseconds{1000};
  const auto client = open(c);
  outcomes all;
  constexpr std::size_t calls = 60;  // the last one waits longer than a second
  for (std::size_t i = 0; i < calls; ++i) client.submit(ask(std::to_string(i)), {}, all.next());
  ASSERT_TRUE(all.wait_for(calls));
  for (const auto& result : all.results()) EXPECT_TRUE(result) << result.error().message;
}

TEST_F(promises_test, errors_that_are_the_callers_are_never_repeated) {
  struct one {
    int status;
    error_kind kind;
  };
  for (const one expect :
       {one{400, error_kind::validation}, one{401, error_kind::authentication},
        one{402, error_kind::rate_limit}, one{403, error_kind::authentication},
        one{404, error_kind::validation}, one{413, error_kind::resource_exhausted},
        one{422, error_kind::validation}, one{301, error_kind::validation}}) {
    const auto before = requests();
    ASSERT_TRUE(provider.load_script(R"({"rules": [{"status": )" + std::to_string(expect.status) +
                                     R"(, "error": {"message": "as asked"}}]})"));
    const auto answer = open(config()).complete(ask("x"));
    ASSERT_FALSE(answer) << expect.status;
    EXPECT_EQ(answer.error().kind, expect.kind) << expect.status;
    EXPECT_EQ(answer.error().status, expect.status);
    EXPECT_EQ(requests() - before, 1u) << expect.status;
  }
  const auto stats = open(config()).stats();
  EXPECT_EQ(stats.breaker, breaker_state::closed);
  EXPECT_EQ(stats.breaker_failures, 0u);
}

TEST_F(promises_test, a_deadline_closes_the_socket) {
  behave(R"({"latency_ms": 60000})");
  call_options options;
  options.deadline_at = steady_clock::now() + milliseconds{50};
  const auto answer = open(config()).complete(ask("x"), options);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::timeout);
  const auto in_flight = [&] {
    return parse_json(provider.counters())->find("in_flight")->as_double();
  };
  const auto patience = steady_clock::now() + seconds{20};
  while (in_flight() > 0 && steady_clock::now() < patience)
    std::this_thread::sleep_for(milliseconds{1});
  EXPECT_EQ(in_flight(), 0) << "the provider was never told that nobody waits any more";
}

// With a redirect the key would go to whom the answer names.
TEST_F(promises_test, a_redirect_is_not_followed) {
  sim::simulator elsewhere;
  ASSERT_TRUE(elsewhere.start());
  for (const int status : {301, 302, 303, 307, 308}) {
    ASSERT_TRUE(provider.load_script(R"({"rules": [{"status": )" + std::to_string(status) +
                                     R"(, "headers": {"location": ")" + elsewhere.url() +
                                     R"(/v1/chat/completions"}, "text": "there"}]})"));
    const auto answer = open(config()).complete(ask("x"));
    ASSERT_FALSE(answer) << status;
    EXPECT_EQ(answer.error().kind, error_kind::validation) << status;
    EXPECT_EQ(answer.error().status, status);
  }
  EXPECT_EQ(parse_json(elsewhere.counters())->find("requests")->as_double(), 0);
  elsewhere.stop();
}

TEST_F(promises_test, each_transient_status_is_repeated) {
  auto c = config();
  c.max_retries = 1;
  for (const int status : {408, 429, 500, 502, 503, 504, 529}) {
    const auto before = requests();
    ASSERT_TRUE(provider.load_script(R"({"rules": [{"times": 1, "status": )" +
                                     std::to_string(status) +
                                     R"(, "error": {"message": "soon"}}, {"text": "well"}]})"));
    const auto answer = open(c).complete(ask("x"));
    ASSERT_TRUE(answer) << status << ": " << answer.error().message;
    EXPECT_EQ(answer->content, "well");
    EXPECT_EQ(answer->attempts, 2u) << status;
    EXPECT_EQ(requests() - before, 2u) << status;
  }
}

TEST_F(promises_test, an_exhausted_quota_is_no_rate_to_wait_for) {
  ASSERT_TRUE(provider.load_script(
      R"({"rules": [{"status": 429, "headers": {"retry-after": 30},
          "error": {"message": "no money", "code": "insufficient_quota"}}]})"));
  const auto answer = open(config()).complete(ask("x"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::rate_limit);
  EXPECT_EQ(answer.error().attempts, 1u);
}

}  // namespace
}  // namespace graphbit
