#include <gtest/gtest.h>

#include "net/wire_probe.hpp"
#include "src/wire/wires.hpp"

namespace graphbit {
namespace {

using test::asking;
using test::streamed;
using test::wire_probe;

const wire_probe& probe() {
  static const wire_probe gemini = [] {
    provider_config config;
    config.provider = "gemini";
    config.api_key = secret("AIzaSyAbcdefghijklmnopqrst");
    config.model = "gemini-2.5-flash";
    return wire_probe{wires::gemini(), config};
  }();
  return gemini;
}

TEST(gemini_wire, has_the_model_in_the_path_and_the_key_in_a_header) {
  EXPECT_EQ(probe().wire.chat_target(probe().config, "gemini-2.5-pro", false),
            "/models/gemini-2.5-pro:generateContent");
  EXPECT_EQ(probe().wire.chat_target(probe().config, "gemini-2.5-pro", true),
            "/models/gemini-2.5-pro:streamGenerateContent?alt=sse");
  EXPECT_NE(
      probe().wire.headers(probe().config)->find("x-goog-api-key: AIzaSyAbcdefghijklmnopqrst\r\n"),
      std::string::npos);
}

TEST(gemini_wire, writes_the_smallest_request) {
  EXPECT_EQ(probe().encoded(asking("hi"), true),
            R"({"contents":[{"role":"user","parts":[{"text":"hi"}]}]})");
}

TEST(gemini_wire, writes_a_conversation_with_tools) {
  chat_request request;
  request.messages = {{chat_role::system, "Be brief.", {}, {}, {}},
                      {chat_role::user, "Weather?", {}, {}, {}},
                      {chat_role::assistant,
                       "",
                       {},
                       {{"call_0~c2ln", "weather", R"({"city":"Bonn"})"}, {"call_1", "time", "{}"}},
                       {}},
                      {chat_role::tool, "sunny", {}, {}, "call_0~c2ln"},
                      {chat_role::tool, R"({"hour":12})", {}, {}, "call_1"}};
  request.tools = {{"weather", "Tells it", R"({"type":"object"})"}};
  request.tool_choice = "weather";
  request.max_tokens = 9;
  EXPECT_EQ(
      probe().encoded(request),
      R"({"systemInstruction":{"parts":[{"text":"Be brief."}]},)"
      R"("contents":[{"role":"user","parts":[{"text":"Weather?"}]},)"
      R"({"role":"model","parts":[{"functionCall":{"name":"weather","args":{"city":"Bonn"}},"thoughtSignature":"c2ln"},)"
      R"({"functionCall":{"name":"time","args":{}}}]},)"
      R"({"role":"user","parts":[{"functionResponse":{"name":"weather","response":{"result":"sunny"}}},)"
      R"({"functionResponse":{"name":"time","response":{"hour":12}}}]}],)"
      R"("generationConfig":{"maxOutputTokens":9},)"
      R"("tools":[{"functionDeclarations":[{"name":"weather","description":"Tells it","parametersJsonSchema":{"type":"object"}}]}],)"
      R"("toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["weather"]}}})");
}

TEST(gemini_wire, asks_for_structured_output_beside_extra_options) {
  wire_probe tuned = probe();
  tuned.config.extra_body = R"({"generationConfig":{"thinkingConfig":{"thinkingBudget":0}}})";
  chat_request request = asking("x");
  request.response_format = R"({"type":"object"})";
  request.temperature = 0.5;
  EXPECT_NE(tuned.encoded(request).find(
                R"("generationConfig":{"temperature":0.5,"responseMimeType":"application/json",)"
                R"("responseJsonSchema":{"type":"object"},"thinkingConfig":{"thinkingBudget":0}})"),
            std::string::npos)
      << tuned.encoded(request);
}

TEST(gemini_wire, reads_a_reply) {
  const auto response = probe().decoded(R"({"candidates":[{"content":{"parts":[
      {"text":"secret thoughts","thought":true},{"text":"Hel"},{"text":"lo"}],"role":"model"},
      "finishReason":"MAX_TOKENS","index":0,"safetyRatings":[{"category":"X","probability":"LOW"}]}],
      "usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":4,"cachedContentTokenCount":3,
        "totalTokenCount":19,"promptTokensDetails":[{"modality":"TEXT","tokenCount":10}]},
      "modelVersion":"gemini-2.5-flash","responseId":"r1"})");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->content, "Hello");
  EXPECT_EQ(response->id, "r1");
  EXPECT_EQ(response->model, "gemini-2.5-flash");
  EXPECT_EQ(response->usage, (token_usage{10, 9, 19, 3, {}, 4}));
  EXPECT_EQ(response->finish.type, finish_reason::kind::length);
}

TEST(gemini_wire, numbers_calls_and_keeps_their_signature) {
  const auto response = probe().decoded(R"({"candidates":[{"content":{"parts":[
      {"functionCall":{"name":"f","args":{"x":1}},"thoughtSignature":"c2ln"},
      {"functionCall":{"name":"g"}},
      {"functionCall":{"id":"own","name":"h","args":{}}}]},"finishReason":"STOP"}]})");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->tool_calls,
            (std::vector<tool_call>{
                {"call_0~c2ln", "f", R"({"x":1})"}, {"call_1", "g", "{}"}, {"own", "h", "{}"}}));
  EXPECT_EQ(response->finish.type, finish_reason::kind::tool_calls);
}

TEST(gemini_wire, a_blocked_prompt_is_a_content_filter) {
  const auto response = probe().decoded(
      R"({"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}})");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->finish.type, finish_reason::kind::content_filter);
  EXPECT_EQ(response->content, "");
}

TEST(gemini_wire, reads_each_finish_reason) {
  const auto finish = [](const std::string& word) {
    return probe().decoded(R"({"candidates":[{"finishReason":")" + word + "\"}]}")->finish;
  };
  using kind = finish_reason::kind;
  EXPECT_EQ(finish("STOP").type, kind::stop);
  for (const char* word : {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"})
    EXPECT_EQ(finish(word).type, kind::content_filter);
  EXPECT_EQ(finish("MALFORMED_FUNCTION_CALL"),
            (finish_reason{kind::other, "MALFORMED_FUNCTION_CALL"}));
}

TEST(gemini_wire, reads_errors) {
  const error key = probe().refusal(
      400,
      R"({"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"x","reason":"API_KEY_INVALID"}]}})");
  EXPECT_EQ(key.kind, error_kind::authentication);
  EXPECT_EQ(key.status, 400);
  EXPECT_NE(key.message.find("API key not valid"), std::string::npos);
  const error quota = probe().refusal(
      429,
      R"([{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}])");
  EXPECT_EQ(quota.kind, error_kind::rate_limit);
  EXPECT_EQ(quota.retry, retry_rule::transient);
  const error delayed = probe().refusal(
      429,
      R"({"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}})");
  EXPECT_EQ(delayed.retry_after, milliseconds{34'500});
  EXPECT_FALSE(probe().decoded("{}").has_value());
}

const std::string text_stream =
    R"(data: {"candidates":[{"content":{"parts":[{"text":"Gr\u00fc"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5},"modelVersion":"gemini-2.5-flash","responseId":"r1"})"
    "\r\n\r\n"
    R"(data: {"candidates":[{"content":{"parts":[{"text":"ße"},{"functionCall":{"name":"f","args":{"x":1}}}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":3,"totalTokenCount":8},"modelVersion":"gemini-2.5-flash","responseId":"r1"})"
    "\r\n\r\n";

TEST(gemini_stream, is_right_at_every_byte_split) {
  probe().at_every_split(text_stream, [](const streamed& got) {
    ASSERT_TRUE(got.response.has_value());
    EXPECT_EQ(got.joined(), "Grüße");
    EXPECT_EQ(got.response->content, "Grüße");
    EXPECT_EQ(got.response->id, "r1");
    EXPECT_EQ(got.response->tool_calls, (std::vector<tool_call>{{"call_0", "f", R"({"x":1})"}}));
    EXPECT_EQ(got.response->finish.type, finish_reason::kind::tool_calls);
    EXPECT_EQ(got.response->usage, (token_usage{5, 3, 8, {}, {}, {}}));
  });
}

TEST(gemini_stream, an_error_and_an_early_end_are_failures) {
  const std::string first = text_stream.substr(0, text_stream.find("\r\n\r\n") + 4);
  EXPECT_EQ(probe().stream({first}).response.error().kind, error_kind::network);
  const streamed failed = probe().stream({first,
                                          "data: {\"error\":{\"code\":503,\"message\":\"The model "
                                          "is overloaded.\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n"});
  ASSERT_FALSE(failed.response.has_value());
  EXPECT_EQ(failed.response.error().status, 503);
  EXPECT_EQ(failed.response.error().partial_text, "Grü");
}

TEST(gemini_embeddings, writes_and_reads) {
  wire_probe embedder = probe();
  embedder.config.model = "gemini-embedding-001";
  embedding_request request;
  request.inputs = {"a", "b"};
  request.dimensions = 2;
  std::string body;
  ASSERT_TRUE(embedder.wire.encode_embeddings(embedder.config, request, body));
  EXPECT_EQ(
      body,
      R"({"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"a"}]},"outputDimensionality":2},)"
      R"({"model":"models/gemini-embedding-001","content":{"parts":[{"text":"b"}]},"outputDimensionality":2}]})");
  EXPECT_EQ(embedder.wire.embeddings_target(embedder.config),
            "/models/gemini-embedding-001:batchEmbedContents");
  const auto response =
      embedder.embeddings(R"({"embeddings":[{"values":[0.5,-1]},{"values":[2,3]}]})");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->vectors, (std::vector<std::vector<float>>{{0.5f, -1.f}, {2.f, 3.f}}));
  EXPECT_FALSE(embedder.embeddings(R"({"embeddings":[{}]})").has_value());
}

}  // namespace
}  // namespace graphbit
