// What providers answer when something is wrong, in the words of their published references, and
// the error that the caller gets: its kind, whether it is tried again, and the whole message.
#include <gtest/gtest.h>

#include "net/wire_probe.hpp"

namespace graphbit {
namespace {

using test::wire_probe;

constexpr auto key = "sk-secret-0123456789abcdef";

wire_probe probe(const std::string& provider, std::string model = "m") {
  provider_config config;
  config.provider = provider;
  config.base_url = "https://example.test";
  config.api_key = secret(key);
  config.model = std::move(model);
  return wire_probe{*find_provider(provider)->wire, config};
}

struct bad_answer {
  const char* name;
  const char* provider;
  int status;
  std::string body;
  error_kind kind;
  retry_rule retry;
  std::string message;
};

void PrintTo(const bad_answer& a, std::ostream* out) { *out << a.name; }

constexpr auto never = retry_rule::never;
constexpr auto transient = retry_rule::transient;

const std::vector<bad_answer>& refusals() {
  static const std::vector<bad_answer> all{
      // ---- wrong key
      {"openai_wrong_key", "openai", 401,
       R"({"error":{"message":"Incorrect API key provided: sk-secret-0123456789abcdef. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}})",
       error_kind::authentication, never,
       "openai - API error (HTTP 401): Incorrect API key provided: sk-…cdef. You can find your "
       "API key at https://platform.openai.com/account/api-keys. [invalid_api_key] (check the API "
       "key)"},
      {"anthropic_wrong_key", "anthropic", 401,
       R"({"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_1"})",
       error_kind::authentication, never,
       "anthropic - API error (HTTP 401): invalid x-api-key [authentication_error] (check the API "
       "key)"},
      {"gemini_wrong_key", "gemini", 400,
       R"({"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}})",
       error_kind::authentication, never,
       "gemini - API error (HTTP 401): API key not valid. Please pass a valid API key. [400] "
       "(check "
       "the API key)"},
      {"mistralai_wrong_key", "mistralai", 401, R"({"detail":"Unauthorized"})",
       error_kind::authentication, never,
       "mistralai - API error (HTTP 401): Unauthorized (check the API key)"},
      {"azurellm_wrong_key", "azurellm", 401,
       R"({"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}})",
       error_kind::authentication, never,
       "azurellm - API error (HTTP 401): Access denied due to invalid subscription key or wrong "
       "API "
       "endpoint. [401] (check the API key)"},
      {"ollama_wrong_key", "ollama", 401, R"({"error":"unauthorized"})", error_kind::authentication,
       never, "ollama - API error (HTTP 401): unauthorized (check the API key)"},
      {"replicate_wrong_key", "replicate", 401,
       R"({"title":"Unauthenticated","detail":"You did not pass a valid authentication token","status":401})",
       error_kind::authentication, never,
       "replicate - API error (HTTP 401): You did not pass a valid authentication token [401] "
       "(check the API key)"},
      {"huggingface_wrong_key", "huggingface", 401,
       R"({"error":"Invalid credentials in Authorization header"})", error_kind::authentication,
       never,
       "huggingface - API error (HTTP 401): Invalid credentials in Authorization header (check the "
       "API key)"},
      // ---- unknown model
      {"openai_unknown_model", "openai", 404,
       R"({"error":{"message":"The model `gpt-9` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}})",
       error_kind::validation, never,
       "openai - API error (HTTP 404): The model `gpt-9` does not exist or you do not have access "
       "to "
       "it. [model_not_found] (check the model name and base_url)"},
      {"anthropic_unknown_model", "anthropic", 404,
       R"({"type":"error","error":{"type":"not_found_error","message":"model: claude-9"}})",
       error_kind::validation, never,
       "anthropic - API error (HTTP 404): model: claude-9 [not_found_error] (check the model name "
       "and "
       "base_url)"},
      {"gemini_unknown_model", "gemini", 404,
       R"({"error":{"code":404,"message":"models/gemini-9 is not found for API version v1beta, or is not supported for generateContent.","status":"NOT_FOUND"}})",
       error_kind::validation, never,
       "gemini - API error (HTTP 404): models/gemini-9 is not found for API version v1beta, or is "
       "not "
       "supported for generateContent. [404] (check the model name and base_url)"},
      {"mistralai_unknown_model", "mistralai", 400,
       R"({"object":"error","message":"Invalid model: mistral-9","type":"invalid_model","param":null,"code":"1500"})",
       error_kind::validation, never,
       "mistralai - API error (HTTP 400): Invalid model: mistral-9 [1500]"},
      {"azurellm_unknown_model", "azurellm", 404,
       R"({"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}})",
       error_kind::validation, never,
       "azurellm - API error (HTTP 404): The API deployment for this resource does not exist. "
       "[DeploymentNotFound] (check the model name and base_url)"},
      {"ollama_unknown_model", "ollama", 404, R"({"error":"model 'llama9' not found"})",
       error_kind::validation, never,
       "ollama - API error (HTTP 404): model 'llama9' not found (check the model name and "
       "base_url)"},
      {"replicate_unknown_model", "replicate", 404,
       R"({"title":"Not found","detail":"The requested resource could not be found.","status":404})",
       error_kind::validation, never,
       "replicate - API error (HTTP 404): The requested resource could not be found. [404] (check "
       "the "
       "model name and base_url)"},
      {"huggingface_unknown_model", "huggingface", 404, R"({"error":"Model gpt9 does not exist"})",
       error_kind::validation, never,
       "huggingface - API error (HTTP 404): Model gpt9 does not exist (check the model name and "
       "base_url)"},
      // ---- context too long
      {"openai_context_too_long", "openai", 400,
       R"({"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})",
       error_kind::validation, never,
       "openai - API error (HTTP 400): This model's maximum context length is 8192 tokens. "
       "However, "
       "your messages resulted in 9000 tokens. Please reduce the length of the messages. "
       "[context_length_exceeded]"},
      {"anthropic_context_too_long", "anthropic", 400,
       R"({"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}})",
       error_kind::validation, never,
       "anthropic - API error (HTTP 400): prompt is too long: 210000 tokens > 200000 maximum "
       "[invalid_request_error]"},
      {"gemini_context_too_long", "gemini", 400,
       R"({"error":{"code":400,"message":"The input token count (1048600) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}})",
       error_kind::validation, never,
       "gemini - API error (HTTP 400): The input token count (1048600) exceeds the maximum number "
       "of "
       "tokens allowed (1048576). [400]"},
      {"mistralai_context_too_long", "mistralai", 400,
       R"({"object":"error","message":"Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length","type":"invalid_request_error","param":null,"code":"3051"})",
       error_kind::validation, never,
       "mistralai - API error (HTTP 400): Prompt contains 40000 tokens and 0 draft tokens, too "
       "large "
       "for model with 32768 maximum context length [3051]"},
      {"huggingface_context_too_long", "huggingface", 422,
       R"({"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3000 `inputs` tokens and 20 `max_new_tokens`","error_type":"validation"})",
       error_kind::validation, never,
       "huggingface - API error (HTTP 422): Input validation error: `inputs` tokens + "
       "`max_new_tokens` must be <= 2048. Given: 3000 `inputs` tokens and 20 `max_new_tokens`"},
      // ---- content filter
      {"azurellm_content_filter", "azurellm", 400,
       R"({"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.","type":null,"param":"prompt","code":"content_filter","status":400}})",
       error_kind::validation, never,
       "azurellm - API error (HTTP 400): The response was filtered due to the prompt triggering "
       "Azure "
       "OpenAI's content management policy. Please modify your prompt and retry. [content_filter]"},
      // ---- quota and billing
      {"openai_quota", "openai", 429,
       R"({"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})",
       error_kind::rate_limit, never,
       "openai - API error (HTTP 429): You exceeded your current quota, please check your plan and "
       "billing details. [insufficient_quota] (check the plan and billing of this key)"},
      {"anthropic_quota", "anthropic", 402,
       R"({"type":"error","error":{"type":"billing_error","message":"There's an issue with your billing or payment information."}})",
       error_kind::rate_limit, never,
       "anthropic - API error (HTTP 402): There's an issue with your billing or payment "
       "information. "
       "[billing_error] (check the plan and billing of this key)"},
      {"gemini_quota_of_the_day", "gemini", 429,
       R"({"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"generativelanguage.googleapis.com/generate_content_free_tier_requests","quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier","quotaValue":"50"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}})",
       error_kind::rate_limit, never,
       "gemini - API error (HTTP 429): You exceeded your current quota, please check your plan and "
       "billing details. [429] (check the plan and billing of this key)"},
      {"gemini_limit_of_the_minute", "gemini", 429,
       R"({"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier","quotaValue":"15"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}})",
       error_kind::rate_limit, transient,
       "gemini - API error (HTTP 429): You exceeded your current quota, please check your plan and "
       "billing details. [429]"},
      {"deepseek_quota", "deepseek", 402,
       R"({"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}})",
       error_kind::rate_limit, never,
       "deepseek - API error (HTTP 402): Insufficient Balance [invalid_request_error] (check the "
       "plan "
       "and billing of this key)"},
      {"replicate_quota", "replicate", 402,
       R"({"title":"Insufficient credit","detail":"You have insufficient credit to run this model.","status":402})",
       error_kind::rate_limit, never,
       "replicate - API error (HTTP 402): You have insufficient credit to run this model. [402] "
       "(check "
       "the plan and billing of this key)"},
      {"huggingface_quota", "huggingface", 402,
       R"({"error":"You have exceeded your monthly included credits for Inference Providers."})",
       error_kind::rate_limit, never,
       "huggingface - API error (HTTP 402): You have exceeded your monthly included credits for "
       "Inference Providers. (check the plan and billing of this key)"},
      // ---- too many, too much, overloaded
      {"mistralai_rate_limit", "mistralai", 429,
       R"({"object":"error","message":"Requests rate limit exceeded","type":"rate_limited","param":null,"code":"1300"})",
       error_kind::rate_limit, transient,
       "mistralai - API error (HTTP 429): Requests rate limit exceeded [1300]"},
      {"anthropic_overloaded", "anthropic", 529,
       R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
       error_kind::network, transient,
       "anthropic - API error (HTTP 529): Overloaded [overloaded_error]"},
      {"anthropic_too_large", "anthropic", 413,
       R"({"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}})",
       error_kind::resource_exhausted, never,
       "anthropic - API error (HTTP 413): Request exceeds the maximum size [request_too_large] "
       "(send "
       "less in one request)"},
      {"gemini_overloaded", "gemini", 503,
       R"({"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}})",
       error_kind::network, transient,
       "gemini - API error (HTTP 503): The model is overloaded. Please try again later. [503]"},
      {"ollama_overloaded", "ollama", 503,
       R"({"error":"server busy, please try again.  maximum pending requests exceeded"})",
       error_kind::network, transient,
       "ollama - API error (HTTP 503): server busy, please try again.  maximum pending requests "
       "exceeded"},
      {"huggingface_loading", "huggingface", 503,
       R"({"error":"Model gpt2 is currently loading","estimated_time":20.0})", error_kind::network,
       transient, "huggingface - API error (HTTP 503): Model gpt2 is currently loading"},
  };
  return all;
}

void expect_clean(const error& e) {
  EXPECT_EQ(describe(e).find(key), std::string::npos);
  EXPECT_EQ(e.value.find(key), std::string::npos);
  EXPECT_EQ(describe(e).find('\n'), std::string::npos) << "one line a person can act on";
}

class refusal_test : public ::testing::TestWithParam<bad_answer> {};

TEST_P(refusal_test, is_told_by_kind_rule_and_message) {
  const auto& row = GetParam();
  const error e = probe(row.provider).refusal(row.status, row.body);
  EXPECT_EQ(e.kind, row.kind);
  EXPECT_EQ(e.retry, row.retry);
  EXPECT_EQ(e.message, row.message);
  EXPECT_EQ(e.provider, row.provider);
  EXPECT_EQ(e.status, row.status);
  expect_clean(e);
}

std::string name_of(const ::testing::TestParamInfo<bad_answer>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(of_each_family, refusal_test, ::testing::ValuesIn(refusals()), name_of);

// ---- what any server or proxy may answer, for each family

class any_answer_test : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] std::string provider() const { return GetParam(); }
  [[nodiscard]] wire_probe wire() const { return probe(provider()); }
  void expect_not_understood(const std::string& body, const std::string& message) const {
    const auto answer = wire().decoded(body);
    ASSERT_FALSE(answer) << body;
    EXPECT_EQ(answer.error().kind, error_kind::core);
    EXPECT_EQ(answer.error().retry, retry_rule::once);
    EXPECT_EQ(answer.error().message, provider() + " - " + message);
    expect_clean(answer.error());
  }
};

TEST_P(any_answer_test, a_page_of_a_proxy_in_an_error) {
  const error e = wire().refusal(
      502, "<html>\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body></html>");
  EXPECT_EQ(e.kind, error_kind::network);
  EXPECT_EQ(e.retry, transient);
  EXPECT_EQ(e.message.rfind(provider() + " - API error (HTTP 502): ", 0), 0u) << e.message;
  EXPECT_NE(e.message.find("502 Bad Gateway"), std::string::npos) << e.message;
  expect_clean(e);
}

TEST_P(any_answer_test, a_page_in_place_of_the_answer) {
  const auto answer =
      wire().decoded("<!DOCTYPE html><html><body>Sign in to the network</body></html>");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::core);
  EXPECT_EQ(answer.error().retry, retry_rule::once);
  EXPECT_EQ(answer.error().message,
            provider() +
                " - the reply is not valid JSON: an HTML page and no JSON, as a proxy or a wrong "
                "base_url gives: <!DOCTYPE html><html><body>Sign in to the network</body></html>");
  expect_clean(answer.error());
}

// What a server gives that was asked for a stream and has none: a page, or the plain answer.
TEST_P(any_answer_test, another_content_type_in_place_of_a_stream) {
  if (provider() == "replicate") return;  // its streams are plain answers to polls
  for (const std::string body :
       {"<!DOCTYPE html>\n<html>\n<body>\nSign in to the network\n</body>\n</html>\n",
        "{\"detail\":\"streams are off\"}", "plain words"}) {
    if (provider() == "ollama" && body.front() == '{') continue;  // a line like any other
    const auto got = wire().stream({std::string_view(body)});
    ASSERT_FALSE(got.response) << body;
    EXPECT_EQ(got.response.error().kind, error_kind::core) << body;
    EXPECT_EQ(got.response.error().retry, retry_rule::once) << body;
    EXPECT_TRUE(got.text.empty());
    expect_clean(got.response.error());
  }
}

TEST_P(any_answer_test, malformed_json) {
  for (const char* body : {"{\"id\":", "", "null", "[]", "{}{}", "\"text\"", "42", "{\"a\":nul}"}) {
    const auto answer = wire().decoded(body);
    ASSERT_FALSE(answer) << body;
    EXPECT_EQ(answer.error().kind, error_kind::core) << body;
    EXPECT_EQ(answer.error().retry, retry_rule::once) << body;
    expect_clean(answer.error());
  }
}

TEST_P(any_answer_test, missing_members) {
  static const std::map<std::string, std::string> wanted{
      {"openai", "choices"},    {"mistralai", "choices"},         {"azurellm", "choices"},
      {"anthropic", "content"}, {"gemini", "candidates"},         {"ollama", "message"},
      {"replicate", "status"},  {"huggingface", "generated text"}};
  expect_not_understood("{}", "No " + wanted.at(provider()) + " in response: {}");
}

TEST_P(any_answer_test, bytes_that_are_no_utf_8) {
  const auto answer = wire().decoded("{\"choices\":\"\xff\xfe\"}");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::core);
  EXPECT_EQ(answer.error().message.find('\xff'), std::string::npos);
  expect_clean(answer.error());
}

TEST_P(any_answer_test, a_redirect_that_is_not_followed) {
  const error e = wire().refusal(302, "");
  EXPECT_EQ(e.kind, error_kind::validation);
  EXPECT_EQ(e.retry, never);
  EXPECT_EQ(e.message, provider() +
                           " - API error (HTTP 302): no message (redirects are not followed: check "
                           "base_url)");
}

TEST_P(any_answer_test, depth_beyond_the_bound) {
  std::string deep = "{\"x\":" + std::string(5000, '[') + std::string(5000, ']') + "}";
  const auto answer = wire().decoded(deep);
  ASSERT_FALSE(answer);
  expect_clean(answer.error());
}

std::string provider_name(const ::testing::TestParamInfo<const char*>& info) { return info.param; }
INSTANTIATE_TEST_SUITE_P(of_each_family, any_answer_test,
                         ::testing::Values("openai", "anthropic", "gemini", "mistralai", "azurellm",
                                           "ollama", "replicate", "huggingface"),
                         provider_name);

// ---- errors in the middle of a stream

struct broken_stream {
  const char* name;
  const char* provider;
  const char* model;
  std::string before;  // brings the text "Hé"
  std::string fault;
  error_kind kind;
  std::string message;

  friend void PrintTo(const broken_stream& b, std::ostream* out) { *out << b.name; }
};

const std::vector<broken_stream>& broken_streams() {
  static const std::string chunk = "data: {\"choices\":[{\"delta\":{\"content\":\"Hé\"}}]}\n\n";
  static const std::vector<broken_stream> all{
      {"openai", "openai", "m", chunk,
       "data: {\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\"}}\n\n",
       error_kind::network, "openai - API error: The server had an error [server_error]"},
      {"openai_filtered", "openai", "m", chunk,
       "data: {\"error\":{\"message\":\"Filtered\",\"code\":\"content_filter\"}}\n\n",
       error_kind::validation, "openai - API error: Filtered [content_filter]"},
      {"mistralai", "mistralai", "m", chunk,
       "data: "
       "{\"object\":\"error\",\"message\":\"Rate limit "
       "exceeded\",\"type\":\"rate_limited\",\"param\":"
       "null,\"code\":\"1300\"}\n\n",
       error_kind::rate_limit, "mistralai - API error: Rate limit exceeded [1300]"},
      {"azure_chat", "azurellm", "llama", chunk,
       "data: {\"error\":{\"message\":\"Slow down\",\"code\":\"429\"}}\r\n\r\n",
       error_kind::rate_limit, "azurellm - API error: Slow down [429]"},
      {"azure_responses", "azurellm", "gpt-4o",
       "event: response.output_text.delta\ndata: "
       "{\"type\":\"response.output_text.delta\",\"delta\":\"Hé\"}\n\n",
       "event: error\ndata: "
       "{\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"Slow down\"}\n\n",
       error_kind::rate_limit, "azurellm - API error: Slow down [rate_limit_exceeded]"},
      {"azure_responses_failed", "azurellm", "gpt-4o",
       "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hé\"}\n\n",
       "data: "
       "{\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":"
       "\"server_"
       "error\",\"message\":\"Broken\"}}}\n\n",
       error_kind::network, "azurellm - API error: Broken [server_error]"},
      {"anthropic", "anthropic", "m",
       "event: content_block_delta\ndata: "
       "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"
       "\"Hé\"}}\n\n",
       "event: error\ndata: "
       "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"
       "\n\n",
       error_kind::network, "anthropic - API error: Overloaded [overloaded_error]"},
      {"gemini", "gemini", "m",
       "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hé\"}]}}]}\r\n\r\n",
       "data: "
       "{\"error\":{\"code\":503,\"message\":\"The model is "
       "overloaded\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n",
       error_kind::network, "gemini - API error: The model is overloaded [503]"},
      {"ollama", "ollama", "m", "{\"message\":{\"content\":\"Hé\"},\"done\":false}\n",
       "{\"error\":\"llama runner process has terminated\"}\n", error_kind::network,
       "ollama - API error: llama runner process has terminated"},
      {"huggingface", "huggingface", "m", "data:{\"token\":{\"id\":1,\"text\":\"Hé\"}}\n\n",
       "data:{\"error\":\"Incomplete generation\",\"error_type\":\"incomplete_generation\"}\n\n",
       error_kind::network,
       "huggingface - API error: Incomplete generation [incomplete_generation]"},
  };
  return all;
}

class broken_stream_test : public ::testing::TestWithParam<broken_stream> {};

TEST_P(broken_stream_test, is_told_with_what_was_delivered_at_every_split) {
  const auto& row = GetParam();
  const std::string whole = row.before + row.fault;
  probe(row.provider, row.model).at_every_split(whole, [&](const test::streamed& got) {
    ASSERT_FALSE(got.response);
    const error& e = got.response.error();
    EXPECT_EQ(e.kind, row.kind);
    EXPECT_EQ(e.message, row.message);
    EXPECT_EQ(e.partial_text, "Hé");
    EXPECT_EQ(e.provider, row.provider);
    EXPECT_EQ(got.joined(), "Hé");
  });
}

INSTANTIATE_TEST_SUITE_P(of_each_family, broken_stream_test, ::testing::ValuesIn(broken_streams()),
                         [](const auto& info) { return info.param.name; });

// ---- numbers too big for their place

struct huge_number {
  const char* provider;
  const char* body;
};

class huge_number_test : public ::testing::TestWithParam<huge_number> {};

TEST_P(huge_number_test, never_wraps_round) {
  const auto answer = probe(GetParam().provider).decoded(GetParam().body);
  if (!answer) {  // refused is as good
    EXPECT_EQ(answer.error().kind, error_kind::core) << answer.error().message;
    return;
  }
  EXPECT_EQ(answer->content, "x");
  EXPECT_TRUE(answer->usage.prompt_tokens == 0 || answer->usage.prompt_tokens == UINT32_MAX)
      << answer->usage.prompt_tokens;
}

INSTANTIATE_TEST_SUITE_P(
    of_each_family, huge_number_test,
    ::testing::Values(
        huge_number{
            "openai",
            R"({"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":99999999999999999999999999}})"},
        huge_number{"openai",
                    R"({"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":1e300}})"},
        huge_number{"openai",
                    R"({"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":-5}})"},
        huge_number{
            "anthropic",
            R"({"content":[{"type":"text","text":"x"}],"usage":{"input_tokens":4294967296}})"},
        huge_number{
            "gemini",
            R"({"candidates":[{"content":{"parts":[{"text":"x"}]}}],"usageMetadata":{"promptTokenCount":1e999}})"},
        huge_number{
            "ollama",
            R"({"message":{"content":"x"},"done":true,"prompt_eval_count":18446744073709551616})"},
        huge_number{
            "replicate",
            R"({"id":"a","status":"succeeded","output":"x","metrics":{"input_token_count":9e99}})"},
        huge_number{"huggingface",
                    R"([{"generated_text":"x","details":{"input_length":4294967297}}])"}));

// ---- answers that a filter stopped

TEST(content_filter, is_a_finish_reason_where_the_provider_answers) {
  using kind = finish_reason::kind;
  EXPECT_EQ(
      probe("openai")
          .decoded(R"({"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]})")
          ->finish.type,
      kind::content_filter);
  EXPECT_EQ(probe("anthropic").decoded(R"({"content":[],"stop_reason":"refusal"})")->finish.type,
            kind::content_filter);
  EXPECT_EQ(probe("gemini").decoded(R"({"promptFeedback":{"blockReason":"SAFETY"}})")->finish.type,
            kind::content_filter);
  EXPECT_EQ(probe("gemini")
                .decoded(R"({"candidates":[{"finishReason":"PROHIBITED_CONTENT"}]})")
                ->finish.type,
            kind::content_filter);
}

}  // namespace
}  // namespace graphbit
