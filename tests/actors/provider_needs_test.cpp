// What some providers need beside one request and one answer: a model pulled or loaded first, a job
// asked for until it is done, another model than the configured one.
#include <future>

#include "provider_fixture.hpp"

namespace graphbit {
namespace {

using testing::outcomes;

class provider_needs_test : public testing::provider_fixture {
 protected:
  [[nodiscard]] provider_config of(std::string provider_name, std::string path,
                                   std::string model) const {
    auto c = config();
    c.provider = std::move(provider_name);
    c.base_url = provider.url() + path;
    c.api_key = secret("key-0123456789abcdef");
    c.model = std::move(model);
    return c;
  }
  /// Requests to one path that ended with 200.
  [[nodiscard]] std::uint64_t answered(std::string_view path) {
    const auto counters = parse_json(provider.counters());
    const auto* outcomes_of = counters->find("by_path")->find(path);
    const auto* count = outcomes_of == nullptr ? nullptr : outcomes_of->find("200");
    return count == nullptr ? 0 : static_cast<std::uint64_t>(count->as_double());
  }
  [[nodiscard]] static expected<void> warm_up(const provider_client& client) {
    std::promise<expected<void>> done;
    client.warm_up([&done](expected<void> result) { done.set_value(std::move(result)); });
    return done.get_future().get();
  }
};

// ---- Ollama's models

TEST_F(provider_needs_test, a_missing_ollama_model_is_pulled_and_the_call_answered) {
  behave(R"({"models": ["another"]})");
  const auto client = open(of("ollama", "", "llama3.2"));
  const auto answer = client.complete(ask("hi"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->attempts, 2u);
  ASSERT_TRUE(client.complete(ask("again")));
  EXPECT_EQ(answered("/api/pull"), 1u);
  EXPECT_EQ(answered("/api/chat"), 2u);
  EXPECT_EQ(client.stats().breaker_failures, 0u);
}

TEST_F(provider_needs_test, many_calls_for_a_missing_model_share_a_pull) {
  behave(R"({"models": ["another"], "latency_ms": 300})");
  const auto client = open(of("ollama", "", "llama3.2"));
  outcomes all;
  for (int i = 0; i < 20; ++i)
    client.submit(ask("call " + std::to_string(i)), {}, all.next(), i % 2 == 0);
  ASSERT_TRUE(all.wait_for(20));
  for (const auto& result : all.results()) EXPECT_TRUE(result) << result.error().message;
  EXPECT_LT(answered("/api/pull"), 20u);
  EXPECT_EQ(answered("/api/chat"), 20u);
}

TEST_F(provider_needs_test, a_model_that_cannot_be_pulled_is_the_callers_error) {
  behave(R"({"models": ["another"], "pull_models": ["known"]})");
  const auto answer = open(of("ollama", "", "no-such-model")).complete(ask("hi"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::validation);
  EXPECT_EQ(answer.error().status, 404);
  EXPECT_NE(answer.error().message.find("model 'no-such-model' not found"), std::string::npos);
  EXPECT_NE(answer.error().message.find(
                "asking for it failed: ollama - API error (HTTP 500): pull model manifest"),
            std::string::npos)
      << answer.error().message;
}

TEST_F(provider_needs_test, a_pull_that_takes_too_long_ends_with_the_call_s_time) {
  behave(R"({"models": ["another"], "latency_ms": 400})");
  call_options options;
  options.deadline_at = steady_clock::now() + milliseconds{600};
  const auto answer = open(of("ollama", "", "llama3.2")).complete(ask("hi"), options);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::timeout);
}

TEST_F(provider_needs_test, embeddings_pull_their_model_too) {
  behave(R"({"models": ["another"]})");
  embedding_request request;
  request.inputs = {"text"};
  request.model = "nomic-embed-text";
  const auto answer = open(of("ollama", "", "llama3.2")).embed(request);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answered("/api/pull"), 1u);
}

TEST_F(provider_needs_test, warming_up_loads_ollama_s_model_and_asks_nothing) {
  const auto client = open(of("ollama", "", "llama3.2"));
  const auto warm = warm_up(client);
  ASSERT_TRUE(warm) << warm.error().message;
  EXPECT_EQ(answered("/api/generate"), 1u);
  EXPECT_EQ(requests(), 1u);
  EXPECT_EQ(client.stats().calls, 0u);
}

TEST_F(provider_needs_test, warming_up_pulls_a_missing_model) {
  behave(R"({"models": ["another"]})");
  ASSERT_TRUE(warm_up(open(of("ollama", "", "llama3.2"))));
  EXPECT_EQ(answered("/api/pull"), 1u);
  EXPECT_EQ(answered("/api/generate"), 1u);
}

TEST_F(provider_needs_test, warming_up_a_hosted_provider_sends_no_request) {
  ASSERT_TRUE(warm_up(open(of("openai", "/v1", "gpt-4o-mini"))));
  EXPECT_EQ(requests(), 0u);
}

// ---- Replicate's jobs

TEST_F(provider_needs_test, a_job_is_asked_for_until_it_is_done) {
  behave(R"({"latency_ms": 500})");
  auto c = of("replicate", "/v1", "openai/gpt-5");
  c.extra_headers = {{"Prefer", "respond-async"}};
  const auto client = open(c);
  const auto answer = client.complete(ask("tell of windmills"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_FALSE(answer->content.empty());
  EXPECT_EQ(answer->attempts, 1u) << "asking again is no other attempt";
  EXPECT_GE(requests(), 2u);
}

TEST_F(provider_needs_test, a_short_job_is_answered_at_once) {
  const auto answer = open(of("replicate", "/v1", "openai/gpt-5")).complete(ask("hi"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(requests(), 1u);
}

TEST_F(provider_needs_test, a_stream_of_a_long_job_brings_the_text_as_it_grows) {
  behave(R"({"latency_ms": 1500, "chunk_count": 40})");
  const auto client = open(of("replicate", "/v1", "openai/gpt-5"));
  outcomes all;
  client.submit(ask("tell of windmills in Holland at length"), {}, all.next(), true);
  ASSERT_TRUE(all.wait_for_text());
  EXPECT_TRUE(all.results().empty()) << "the first text comes before the end";
  ASSERT_TRUE(all.wait_for(1));
  const auto answer = all.results().front();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(all.text(), answer->content);
  EXPECT_GT(answer->usage.completion_tokens, 0u);
}

TEST_F(provider_needs_test, a_job_that_outlives_the_call_is_a_timeout) {
  behave(R"({"latency_ms": 60000})");
  auto c = of("replicate", "/v1", "openai/gpt-5");
  c.extra_headers = {{"Prefer", "respond-async"}};
  call_options options;
  options.deadline_at = steady_clock::now() + milliseconds{700};
  const auto answer = open(c).complete(ask("x"), options);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::timeout);
  EXPECT_NE(answer.error().message.find("raise timeout_s"), std::string::npos);
}

// ---- another model than the configured one

TEST_F(provider_needs_test, a_request_s_model_is_the_one_that_is_asked) {
  struct place {
    const char *provider, *path, *asked;
  };
  for (const auto& p :
       {place{"gemini", "/v1beta", "/v1beta/models/second:batchEmbedContents"},
        place{"azurellm", "", "/openai/deployments/second/embeddings"},
        place{"huggingface", "/models", "/models/second/pipeline/feature-extraction"}}) {
    SCOPED_TRACE(p.provider);
    embedding_request request;
    request.inputs = {"one", "two"};
    request.model = "second";
    const auto answer = open(of(p.provider, p.path, "first")).embed(request);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->vectors.size(), 2u);
    EXPECT_EQ(answered(p.asked), 1u) << provider.counters();
  }
}

TEST_F(provider_needs_test, a_request_may_name_a_deployment_that_speaks_another_form) {
  const auto client = open(of("azurellm", "", "gpt-4o"));
  auto request = ask("hi");
  request.model = "llama-3";
  const auto answer = client.complete(request);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answered("/openai/deployments/llama-3/chat/completions"), 1u) << provider.counters();
  ASSERT_TRUE(client.complete(ask("hi")));
  EXPECT_EQ(answered("/openai/responses"), 1u) << provider.counters();
}

// ---- one attempt's own clocks

TEST_F(provider_needs_test, an_attempt_without_a_first_byte_in_time_is_retried) {
  behave(R"({"fault_hang": 1})");
  auto c = config();
  c.first_byte_timeout = milliseconds{150};
  c.max_retries = 2;
  const auto client = open(c);
  const auto answer = client.complete(ask("x"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::timeout);
  EXPECT_EQ(answer.error().operation, "first_byte");
  EXPECT_EQ(answer.error().attempts, 3u);
}

TEST_F(provider_needs_test, a_provider_that_never_answers_opens_the_breaker) {
  behave(R"({"fault_hang": 1})");
  auto c = config();
  c.first_byte_timeout = milliseconds{100};
  c.max_retries = 0;
  const auto client = open(c);
  outcomes all;
  for (int i = 0; i < 12; ++i) client.submit(ask("x"), {}, all.next());
  ASSERT_TRUE(all.wait_for(12));
  for (const auto& result : all.results()) EXPECT_EQ(result.error().kind, error_kind::timeout);
  bool rejected = false;
  for (int i = 0; i < 40 && !rejected; ++i)
    rejected = client.complete(ask("x")).error().attempts == 0;
  EXPECT_TRUE(rejected);
}

TEST_F(provider_needs_test, a_deadline_of_the_caller_is_neither_retried_nor_the_provider_s_fault) {
  behave(R"({"fault_hang": 1})");
  const auto client = open(config());
  call_options options;
  for (int i = 0; i < 12; ++i) {
    options.deadline_at = steady_clock::now() + milliseconds{20};
    const auto answer = client.complete(ask("x"), options);
    ASSERT_FALSE(answer);
    ASSERT_LE(answer.error().attempts, 1u);
  }
  EXPECT_EQ(client.stats().breaker, breaker_state::closed);
}

}  // namespace
}  // namespace graphbit
