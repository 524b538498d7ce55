#include <gtest/gtest.h>

#include "net/wire_probe.hpp"
#include "src/wire/wires.hpp"

namespace graphbit {
namespace {

using test::asking;
using test::streamed;
using test::wire_probe;

const wire_probe& probe() {
  static const wire_probe ollama = [] {
    provider_config config;
    config.provider = "ollama";
    config.model = "llama3.2";
    return wire_probe{wires::ollama(), config};
  }();
  return ollama;
}

TEST(ollama_wire, says_stream_either_way) {
  EXPECT_EQ(probe().encoded(asking("hi")),
            R"({"model":"llama3.2","messages":[{"role":"user","content":"hi"}],"stream":false})");
  EXPECT_EQ(probe().encoded(asking("hi"), true),
            R"({"model":"llama3.2","messages":[{"role":"user","content":"hi"}],"stream":true})");
}

TEST(ollama_wire, puts_options_together_with_those_of_extra_body) {
  wire_probe tuned = probe();
  tuned.config.extra_body = R"({"options":{"num_ctx":8192,"temperature":0},"keep_alive":"5m"})";
  chat_request request = asking("x");
  request.max_tokens = 7;
  request.temperature = 0.5;
  EXPECT_EQ(tuned.encoded(request),
            R"({"model":"llama3.2","messages":[{"role":"user","content":"x"}],"stream":false,)"
            R"("options":{"num_predict":7,"temperature":0,"num_ctx":8192},"keep_alive":"5m"})");
}

TEST(ollama_wire, writes_tools_and_their_results_by_name) {
  chat_request request;
  request.messages = {
      {chat_role::user, "Weather?", {}, {}, {}},
      {chat_role::assistant, "", {}, {{"call_0", "weather", R"({"city":"Bonn"})"}}, {}},
      {chat_role::tool, "sunny", {}, {}, "call_0"}};
  request.tools = {{"weather", "Tells it", R"({"type":"object"})"}};
  EXPECT_EQ(
      probe().encoded(request),
      R"({"model":"llama3.2","messages":[{"role":"user","content":"Weather?"},)"
      R"({"role":"assistant","content":"","tool_calls":[{"function":{"name":"weather","arguments":{"city":"Bonn"}}}]},)"
      R"({"role":"tool","content":"sunny","tool_name":"weather"}],"stream":false,)"
      R"("tools":[{"type":"function","function":{"name":"weather","description":"Tells it","parameters":{"type":"object"}}}]})");
  request.tool_choice = "none";
  EXPECT_EQ(probe().encoded(request).find("\"tools\""), std::string::npos);
}

TEST(ollama_wire, writes_the_bytes_of_images_and_refuses_urls) {
  using kind = content_part::kind;
  chat_request request = asking("");
  request.messages[0].parts = {{kind::text, "look", "", ""},
                               {kind::image_bytes, "foo", "", ""},
                               {kind::image_bytes, "foob", "", ""}};
  EXPECT_NE(probe().encoded(request).find(R"("content":"look","images":["Zm9v","Zm9vYg=="])"),
            std::string::npos);
  request.messages[0].parts = {{kind::image_url, "https://x/y.png", "", ""}};
  EXPECT_EQ(probe().refused_request(request).kind, error_kind::validation);
}

TEST(ollama_wire, asks_for_structured_output) {
  chat_request request = asking("x");
  request.response_format = R"({"type":"object"})";
  EXPECT_NE(probe().encoded(request).find(R"("format":{"type":"object"})"), std::string::npos);
}

TEST(ollama_wire, reads_a_reply) {
  const auto response = probe().decoded(
      R"({"model":"llama3.2","created_at":"2023-12-12T14:13:43.416799Z","message":{"role":"assistant","content":"Hello!","thinking":"hm"},"done":true,"done_reason":"length","total_duration":5191566416,"load_duration":2154458,"prompt_eval_count":26,"prompt_eval_duration":383809000,"eval_count":298,"eval_duration":4799921000})");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->content, "Hello!");
  EXPECT_EQ(response->usage, (token_usage{26, 298, 324, {}, {}, {}}));
  EXPECT_EQ(response->finish.type, finish_reason::kind::length);
}

TEST(ollama_wire, numbers_tool_calls) {
  const auto response = probe().decoded(
      R"({"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":{"x":1}}},{"function":{"name":"g","arguments":{}}}]},"done":true,"done_reason":"stop"})");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->tool_calls,
            (std::vector<tool_call>{{"call_0", "f", R"({"x":1})"}, {"call_1", "g", "{}"}}));
  EXPECT_EQ(response->finish.type, finish_reason::kind::tool_calls);
}

TEST(ollama_wire, reads_errors) {
  const error e = probe().refusal(404, R"({"error":"model 'nope' not found"})");
  EXPECT_EQ(e.kind, error_kind::validation);
  EXPECT_NE(e.message.find("model 'nope' not found"), std::string::npos);
  EXPECT_FALSE(probe().decoded("{}").has_value());
  EXPECT_FALSE(probe().decoded("{\"message\"").has_value());
}

const std::string text_stream =
    R"({"model":"llama3.2","created_at":"t","message":{"role":"assistant","content":"Gr\u00fc"},"done":false})"
    "\n"
    R"({"model":"llama3.2","created_at":"t","message":{"role":"assistant","content":"ße"},"done":false})"
    "\n"
    R"({"model":"llama3.2","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"x":1}}}]},"done":false})"
    "\n"
    R"({"model":"llama3.2","created_at":"t","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":3})"
    "\n";

void expect_text_stream(const streamed& got) {
  ASSERT_TRUE(got.response.has_value());
  EXPECT_EQ(got.joined(), "Grüße");
  EXPECT_EQ(got.response->content, "Grüße");
  EXPECT_EQ(got.response->tool_calls, (std::vector<tool_call>{{"call_0", "f", R"({"x":1})"}}));
  EXPECT_EQ(got.response->finish.type, finish_reason::kind::tool_calls);
  EXPECT_EQ(got.response->usage, (token_usage{5, 3, 8, {}, {}, {}}));
}

TEST(ollama_wire, a_missing_model_can_be_pulled_and_nothing_else_mended) {
  const error missing = probe().refusal(404, R"({"error":"model 'llama3.2' not found"})");
  const auto remedy = probe().wire.remedy(probe().config, missing);
  ASSERT_TRUE(remedy);
  EXPECT_EQ(remedy->target, "/api/pull");
  EXPECT_EQ(remedy->body, R"({"stream":false,"model":"llama3.2","name":"llama3.2"})");
  const error other = probe().refusal(400, R"({"error":"invalid options: not found"})");
  EXPECT_FALSE(probe().wire.remedy(probe().config, other));
}

TEST(ollama_wire, is_warmed_up_by_a_generation_without_a_prompt) {
  const auto load = probe().wire.warm_up(probe().config);
  ASSERT_TRUE(load);
  EXPECT_EQ(load->target, "/api/generate");
  EXPECT_EQ(load->body, R"({"stream":false,"model":"llama3.2"})");
}

TEST(ollama_stream, is_right_at_every_byte_split) {
  probe().at_every_split(text_stream, [](const streamed& got) {
    expect_text_stream(got);
    EXPECT_TRUE(got.complete);
  });
}

TEST(ollama_stream, needs_no_line_end_at_the_end) {
  expect_text_stream(probe().stream({text_stream.substr(0, text_stream.size() - 1)}));
}

TEST(ollama_stream, an_error_line_and_an_early_end_are_failures) {
  const std::string first = text_stream.substr(0, text_stream.find('\n') + 1);
  const streamed failed = probe().stream({first, "{\"error\":\"out of memory\"}\n"});
  ASSERT_FALSE(failed.response.has_value());
  EXPECT_EQ(failed.response.error().kind, error_kind::network);
  EXPECT_EQ(failed.response.error().partial_text, "Grü");
  EXPECT_EQ(probe().stream({first}).response.error().kind, error_kind::network);
}

TEST(ollama_embeddings, writes_and_reads) {
  embedding_request request;
  request.inputs = {"a", "b"};
  request.model = "nomic-embed-text";
  std::string body;
  ASSERT_TRUE(probe().wire.encode_embeddings(probe().config, request, body));
  EXPECT_EQ(body, R"({"model":"nomic-embed-text","input":["a","b"]})");
  EXPECT_EQ(probe().wire.embeddings_target(probe().config), "/api/embed");
  const auto response = probe().embeddings(
      R"({"model":"all-minilm","embeddings":[[0.5,-1],[2,3]],"total_duration":14143917,"prompt_eval_count":8})");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->vectors, (std::vector<std::vector<float>>{{0.5f, -1.f}, {2.f, 3.f}}));
  EXPECT_EQ(response->usage.prompt_tokens, 8u);
  EXPECT_FALSE(probe().embeddings(R"({"embeddings":[["x"]]})").has_value());
  EXPECT_FALSE(probe().embeddings(R"({"embeddings":[]})").has_value());
}

}  // namespace
}  // namespace graphbit
