#include <graphbit/actors/provider_client.hpp>

#include <thread>

#include "provider_fixture.hpp"

namespace graphbit {
namespace {

using testing::outcomes;

class provider_client_test : public testing::provider_fixture {
 protected:
  /// How a call ends that is refused for 50 s and not tried again; the provider is well afterwards.
  [[nodiscard]] expected<chat_response> refused_once(const provider_client& client) {
    behave(R"({"fault_429": 1, "retry_after_s": 50})");
    call_options options;
    options.max_retries = 0;
    auto answer = client.complete(ask("x"), options);
    behave(R"({"fault_429": 0})");
    return answer;
  }
};

TEST_F(provider_client_test, answers_and_counts) {
  const auto client = open(config());
  const auto answer = client.complete(ask("Name a colour"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_FALSE(answer->content.empty());
  EXPECT_EQ(answer->attempts, 1u);
  EXPECT_GT(answer->usage.total_tokens, 0u);
  EXPECT_EQ(answer->provider, "openai_compatible");
  const auto stats = client.stats();
  EXPECT_EQ(stats.calls, 1u);
  EXPECT_EQ(stats.succeeded, 1u);
  EXPECT_EQ(stats.in_flight, 0u);
  EXPECT_EQ(stats.pool.opened, 1u);
}

TEST_F(provider_client_test, equal_configurations_share_one_client_and_its_connections) {
  ASSERT_TRUE(open(config()).complete(ask("one")));
  const auto second = open(config());
  ASSERT_TRUE(second.complete(ask("two")));
  EXPECT_EQ(second.stats().calls, 2u);
  EXPECT_EQ(second.stats().pool.opened, 1u);
}

TEST_F(provider_client_test, a_faulty_provider_is_retried_and_then_reported) {
  behave(R"({"fault_500": 1})");
  const auto answer = open(config()).complete(ask("x"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::network);
  EXPECT_EQ(answer.error().status, 500);
  EXPECT_EQ(answer.error().attempts, 4u);
  EXPECT_EQ(requests(), 4u);
}

TEST_F(provider_client_test, retries_can_be_bounded_per_call) {
  behave(R"({"fault_500": 1})");
  call_options options;
  options.max_retries = 0;
  EXPECT_EQ(open(config()).complete(ask("x"), options).error().attempts, 1u);
}

TEST_F(provider_client_test, a_wrong_key_is_named_once_and_never_shown) {
  behave(R"({"wrong_keys": ["sk-secret-0123456789abcdef"]})");
  auto c = config();
  c.api_key = secret("sk-secret-0123456789abcdef");
  const auto answer = open(c).complete(ask("x"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::authentication);
  EXPECT_EQ(answer.error().attempts, 1u);
  EXPECT_EQ(describe(answer.error()).find("sk-secret-0123456789abcdef"), std::string::npos);
}

TEST_F(provider_client_test, retry_after_is_never_undercut) {
  behave(R"({"fault_429": 1, "retry_after_s": 1})");
  call_options options;
  options.max_retries = 1;
  const auto before = steady_clock::now();
  const auto answer = open(config()).complete(ask("x"), options);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::rate_limit);
  EXPECT_EQ(answer.error().attempts, 2u);
  EXPECT_GE(steady_clock::now() - before, seconds{1});
}

TEST_F(provider_client_test, a_refusal_by_chance_holds_up_no_other_call) {
  const auto client = open(config());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client.complete(ask("x")));
  const auto refused = refused_once(client);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::rate_limit);
  call_options options;
  options.max_retries = 0;
  options.deadline_at = steady_clock::now() + seconds{30};
  for (int i = 0; i < 5; ++i) {
    const auto answer = client.complete(ask("x"), options);
    EXPECT_TRUE(answer) << answer.error().message;
  }
}

TEST_F(provider_client_test, a_refusal_holds_all_calls_while_nothing_speaks_for_chance) {
  const auto client = open(config());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client.complete(ask("x")));
  const auto refused = refused_once(client);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().attempts, 1u);
  call_options options;
  options.max_retries = 0;
  options.deadline_at = steady_clock::now() + seconds{30};
  const auto held = client.complete(ask("x"), options);
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().kind, error_kind::rate_limit);
  EXPECT_EQ(held.error().attempts, 0u);
}

TEST_F(provider_client_test, a_wait_past_the_deadline_fails_at_once) {
  behave(R"({"fault_429": 1, "retry_after_s": 30})");
  call_options options;
  options.deadline_at = steady_clock::now() + seconds{5};
  const auto before = steady_clock::now();
  const auto answer = open(config()).complete(ask("x"), options);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::rate_limit);
  EXPECT_EQ(answer.error().retry_after, milliseconds{30'000});
  EXPECT_LT(steady_clock::now() - before, seconds{4});
}

TEST_F(provider_client_test, a_hanging_provider_meets_the_callers_deadline) {
  behave(R"({"fault_hang": 1})");
  call_options options;
  options.deadline_at = steady_clock::now() + milliseconds{300};
  const auto answer = open(config()).complete(ask("x"), options);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::timeout);
  EXPECT_FALSE(answer.error().operation.empty());
}

TEST_F(provider_client_test, a_dead_provider_opens_the_breaker_which_rejects_at_once) {
  const auto client = open(config());
  provider.stop();
  call_options options;
  options.max_retries = 0;
  std::optional<error> rejected;
  for (int i = 0; i < 40 && !rejected; ++i) {
    const auto answer = client.complete(ask("x"), options);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, error_kind::network);
    if (answer.error().attempts == 0) rejected = answer.error();
  }
  ASSERT_TRUE(rejected);
  EXPECT_NE(rejected->message.find("Circuit breaker is open, request rejected"), std::string::npos);
  ASSERT_TRUE(rejected->retry_after);
  EXPECT_GT(*rejected->retry_after, milliseconds{0});
  EXPECT_EQ(client.stats().breaker, breaker_state::open);
  EXPECT_EQ(client.stats().rejected, 1u);
}

TEST_F(provider_client_test, callers_errors_never_open_the_breaker) {
  behave(R"({"models": ["another-model"]})");
  const auto client = open(config());
  for (int i = 0; i < 30; ++i) {
    const auto answer = client.complete(ask("x"));
    ASSERT_FALSE(answer);
    ASSERT_EQ(answer.error().kind, error_kind::validation) << answer.error().message;
    ASSERT_EQ(answer.error().attempts, 1u);
  }
  EXPECT_EQ(client.stats().breaker, breaker_state::closed);
}

TEST_F(provider_client_test, a_parking_call_waits_an_outage_out) {
  const auto client = open(config());
  ASSERT_TRUE(client.complete(ask("warm")));
  behave(R"({"down": true})");
  std::thread back([&] {
    std::this_thread::sleep_for(milliseconds{1200});
    behave(R"({"down": false})");
  });
  call_options options;
  options.pause_max = seconds{60};
  const auto answer = client.complete(ask("patient"), options);
  back.join();
  EXPECT_TRUE(answer) << answer.error().message;
}

TEST_F(provider_client_test, streams_text_as_it_comes) {
  outcomes all;
  open(config()).submit(ask("Tell me a story"), {}, all.next(), true);
  ASSERT_TRUE(all.wait_for(1));
  const auto answer = all.results().front();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(all.text(), answer->content);
  EXPECT_GT(answer->usage.completion_tokens, 0u);
}

TEST_F(provider_client_test, a_stream_that_breaks_is_not_retried) {
  behave(R"({"fault_reset_mid": 1, "chunk_count": 20, "chunk_interval_ms": 5})");
  outcomes all;
  open(config()).submit(ask("Tell me a story"), {}, all.next(), true);
  ASSERT_TRUE(all.wait_for(1));
  const auto answer = all.results().front();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::network);
  EXPECT_FALSE(all.text().empty());
  EXPECT_EQ(answer.error().partial_text, all.text());
  EXPECT_EQ(requests(), 1u);
}

TEST_F(provider_client_test, a_paused_stream_goes_on_when_it_is_resumed) {
  behave(R"({"chunk_count": 50, "reply_bytes": 5000, "chunk_interval_ms": 1})");
  outcomes all;
  const auto client = open(config());
  const auto id = client.submit(ask("long"), {}, all.next(true), true);
  ASSERT_TRUE(all.wait_for_text());
  while (all.results().empty()) {
    client.resume(id);
    std::this_thread::sleep_for(milliseconds{2});
  }
  EXPECT_EQ(all.text(), all.results().front()->content);
}

TEST_F(provider_client_test, cancelling_closes_the_socket_and_answers_once) {
  behave(R"({"fault_hang": 1})");
  const auto client = open(config());
  outcomes all;
  std::stop_source stop;
  call_options options;
  options.stop = stop.get_token();
  client.submit(ask("never"), options, all.next());
  const auto other = client.submit(ask("never either"), {}, all.next());
  while (requests() < 2) std::this_thread::sleep_for(milliseconds{1});
  stop.request_stop();
  client.cancel(other);
  ASSERT_TRUE(all.wait_for(2));
  for (const auto& result : all.results()) EXPECT_TRUE(result.error().cancelled);
  EXPECT_EQ(client.stats().cancelled, 2u);
}

TEST_F(provider_client_test, an_interrupted_wait_cancels_its_call) {
  behave(R"({"fault_hang": 1})");
  const auto answer = open(config()).complete(ask("x"), {}, [] { return true; });
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().cancelled);
}

TEST_F(provider_client_test, a_flow_never_passes_its_bound) {
  behave(R"({"latency_ms": 5})");
  const auto client = open(config());
  outcomes all;
  call_options options;
  options.flow = 77;
  options.flow_in_flight_max = 3;
  for (int i = 0; i < 60; ++i) client.submit(ask("x"), options, all.next());
  ASSERT_TRUE(all.wait_for(60));
  const auto counters = parse_json(provider.counters());
  EXPECT_EQ(counters->find("in_flight_peak")->as_double(), 3);
}

TEST_F(provider_client_test, a_rate_limit_refuses_what_cannot_be_in_time) {
  auto c = config();
  c.rpm = 20;
  const auto client = open(c);
  ASSERT_TRUE(client.complete(ask("x")));
  std::uint64_t refused = 0;
  for (int i = 0; i < 20; ++i) {
    call_options options;
    options.deadline_at = steady_clock::now() + milliseconds{20};
    const auto answer = client.complete(ask("x"), options);
    refused += !answer && answer.error().kind == error_kind::rate_limit ? 1 : 0;
  }
  EXPECT_GE(refused, 1u);
  EXPECT_LE(requests(), 21 - refused) << "what was refused was not sent";
}

TEST_F(provider_client_test, shutting_down_answers_what_is_in_flight) {
  behave(R"({"fault_hang": 1})");
  outcomes all;
  const auto client = open(config());
  for (int i = 0; i < 10; ++i) client.submit(ask("x"), {}, all.next());
  while (requests() < 10) std::this_thread::sleep_for(milliseconds{1});
  rt.shutdown();
  EXPECT_EQ(all.results().size(), 10u);
  for (const auto& result : all.results()) EXPECT_FALSE(result);
}

TEST_F(provider_client_test, many_threads_share_the_reactor) {
  const auto client = open(config());
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) good += client.complete(ask("x")) ? 1 : 0;
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(good, 16 * 50);
}

// --- rate limits learnt from answers
// ---------------------------------------------------------------

// Calls that ended here without asking the provider, out of 40 at once.
std::size_t kept_at_home(const provider_client& client, const chat_request& request) {
  outcomes all;
  call_options options;
  options.max_retries = 0;
  options.deadline_at = steady_clock::now() + milliseconds{300};
  for (int i = 0; i < 40; ++i) client.submit(request, options, all.next());
  EXPECT_TRUE(all.wait_for(40));
  std::size_t kept = 0;
  for (const auto& result : all.results()) kept += !result && result.error().attempts == 0 ? 1 : 0;
  return kept;
}

TEST_F(provider_client_test, limits_are_learnt_from_every_family) {
  behave(R"({"rate_limit_requests": 60})");
  for (const auto* family : {"openai_compatible", "anthropic", "mistralai"}) {
    provider.reset();
    auto c = config();
    c.provider = family;
    c.api_key = secret("sk-test-0123456789abcdef");
    if (c.provider == "anthropic") c.base_url = provider.url();
    if (c.provider == "mistralai") c.base_url = provider.url() + "/mistral/v1";
    c.extra_headers = {{"x-test", family}};
    const auto client = open(c);
    const auto first = client.complete(ask("teach me"));
    ASSERT_TRUE(first) << family << ": " << first.error().message;
    EXPECT_GT(kept_at_home(client, ask("again")), 20u) << family;
    EXPECT_LT(requests(), 20u) << family;
  }
}

TEST_F(provider_client_test, limits_are_learnt_from_refusals_too) {
  behave(R"({"rate_limit_requests": 60, "fault_429": 1, "retry_after_s": 0})");
  const auto client = open(config());
  call_options once;
  once.max_retries = 0;
  ASSERT_FALSE(client.complete(ask("teach me"), once));
  EXPECT_GT(kept_at_home(client, ask("again")), 20u);
}

TEST_F(provider_client_test, retry_after_holds_back_all_calls_of_the_key) {
  behave(R"({"fault_429": 1, "retry_after_s": 30})");
  const auto client = open(config());
  call_options options;
  options.max_retries = 0;
  ASSERT_FALSE(client.complete(ask("one"), options));
  options.deadline_at = steady_clock::now() + seconds{10};
  const auto second = client.complete(ask("two"), options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, error_kind::rate_limit);
  EXPECT_EQ(second.error().attempts, 0u);
  EXPECT_EQ(requests(), 1u);
}

TEST_F(provider_client_test, warming_up_sends_no_request) {
  outcomes all;
  std::atomic<bool> warm{false};
  const auto client = open(config());
  client.warm_up([&](expected<void> done) { warm = done.has_value(); });
  for (int i = 0; i < 2000 && !warm; ++i) std::this_thread::sleep_for(milliseconds{1});
  EXPECT_TRUE(warm);
  EXPECT_EQ(requests(), 0u);
  EXPECT_EQ(client.stats().pool.opened, 1u);
}

TEST_F(provider_client_test, a_prompt_past_the_limit_is_refused_by_name) {
  const auto answer = open(config()).complete(ask(std::string(limits::prompt_bytes_max + 1, 'x')));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::resource_exhausted);
  EXPECT_EQ(answer.error().resource_type, "prompt_bytes");
  EXPECT_EQ(requests(), 0u);
}

}  // namespace
}  // namespace graphbit
