#include <gtest/gtest.h>

#include "net/wire_probe.hpp"
#include "src/wire/wires.hpp"

namespace graphbit {
namespace {

using test::asking;
using test::streamed;
using test::wire_probe;

const wire_probe& probe() {
  static const wire_probe anthropic = [] {
    provider_config config;
    config.provider = "anthropic";
    config.api_key = secret("sk-ant-abcdefghijklmnop");
    config.model = "claude-sonnet-4-20250514";
    return wire_probe{wires::anthropic(), config};
  }();
  return anthropic;
}

TEST(anthropic_wire, writes_the_smallest_request_with_its_default_limit) {
  EXPECT_EQ(probe().encoded(asking("hi")),
            R"({"model":"claude-sonnet-4-20250514","max_tokens":4096,)"
            R"("messages":[{"role":"user","content":"hi"}]})");
  EXPECT_EQ(probe().wire.chat_target(probe().config, "", true), "/messages");
}

TEST(anthropic_wire, sends_key_and_version_as_headers) {
  EXPECT_EQ(*probe().wire.headers(probe().config),
            "Content-Type: application/json\r\nx-api-key: sk-ant-abcdefghijklmnop\r\n"
            "anthropic-version: 2023-06-01\r\n");
}

TEST(anthropic_wire, lifts_system_messages_out_and_keeps_tool_results_together) {
  chat_request request;
  request.messages = {{chat_role::system, "Be brief.", {}, {}, {}},
                      {chat_role::system, "Be kind.", {}, {}, {}},
                      {chat_role::user, "Weather?", {}, {}, {}},
                      {chat_role::assistant,
                       "Let me see.",
                       {},
                       {{"t1", "weather", R"({"city":"Bonn"})"}, {"t2", "time", "{}"}},
                       {}},
                      {chat_role::tool, "sunny", {}, {}, "t1"},
                      {chat_role::tool, "noon", {}, {}, "t2"}};
  request.tools = {{"weather", "Tells it", R"({"type":"object"})"}};
  request.tool_choice = "required";
  request.max_tokens = 9;
  request.temperature = 0.5;
  EXPECT_EQ(
      probe().encoded(request, true),
      R"({"model":"claude-sonnet-4-20250514","max_tokens":9,"system":"Be brief.\n\nBe kind.",)"
      R"("messages":[{"role":"user","content":"Weather?"},)"
      R"({"role":"assistant","content":[{"type":"text","text":"Let me see."},)"
      R"({"type":"tool_use","id":"t1","name":"weather","input":{"city":"Bonn"}},)"
      R"({"type":"tool_use","id":"t2","name":"time","input":{}}]},)"
      R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"sunny"},)"
      R"({"type":"tool_result","tool_use_id":"t2","content":"noon"}]}],"temperature":0.5,)"
      R"("tools":[{"name":"weather","description":"Tells it","input_schema":{"type":"object"}}],)"
      R"("tool_choice":{"type":"any"},"stream":true})");
}

TEST(anthropic_wire, marks_system_and_last_message_for_the_prompt_cache) {
  chat_request request = asking("question");
  request.messages.insert(request.messages.begin(), {chat_role::system, "long", {}, {}, {}});
  request.prompt_caching = true;
  EXPECT_NE(probe().encoded(request).find(
                R"("system":[{"type":"text","text":"long","cache_control":{"type":"ephemeral"}}],)"
                R"("messages":[{"role":"user","content":[{"type":"text","text":"question",)"
                R"("cache_control":{"type":"ephemeral"}}]}])"),
            std::string::npos)
      << probe().encoded(request);
}

TEST(anthropic_wire, names_the_beta_of_the_prompt_cache_where_it_is_asked_for) {
  chat_request request = asking("question");
  EXPECT_EQ(probe().wire.call_headers(probe().config, request, false), "");
  request.prompt_caching = true;
  EXPECT_EQ(probe().wire.call_headers(probe().config, request, true),
            "anthropic-beta: prompt-caching-2024-07-31\r\n");
  auto own = probe().config;
  own.extra_headers = {{"Anthropic-Beta", "context-1m"}};
  EXPECT_EQ(probe().wire.call_headers(own, request, false), "");
}

TEST(anthropic_wire, asks_for_structured_output) {
  chat_request request = asking("x");
  request.response_format = R"({"type":"object"})";
  EXPECT_NE(probe().encoded(request).find(
                R"("output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}})"),
            std::string::npos);
}

TEST(anthropic_wire, reads_a_reply) {
  const auto response = probe().decoded(R"({
    "id": "msg_013Zva2CMHLNnjNjJJKqJ2EF", "type": "message", "role": "assistant",
    "model": "claude-sonnet-4-20250514",
    "content": [{"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "Hi"}, {"type": "text", "text": "there"},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "K\u00f6ln"}}],
    "stop_reason": "tool_use", "stop_sequence": null,
    "usage": {"input_tokens": 10, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 7,
              "output_tokens": 6, "output_tokens_details": {"thinking_tokens": 2}, "service_tier": "standard"}})");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->content, "Hi\nthere");
  EXPECT_EQ(response->id, "msg_013Zva2CMHLNnjNjJJKqJ2EF");
  EXPECT_EQ(response->tool_calls,
            (std::vector<tool_call>{{"toolu_1", "weather", R"({"city": "K\u00f6ln"})"}}));
  EXPECT_EQ(response->finish, (finish_reason{finish_reason::kind::other, "tool_use"}));
  EXPECT_EQ(response->usage, (token_usage{20, 6, 26, 7, 3, 2}));
}

TEST(anthropic_wire, reads_each_stop_reason) {
  const auto finish = [](const std::string& word) {
    return probe().decoded(R"({"content":[],"stop_reason":)" + word + "}")->finish.type;
  };
  using kind = finish_reason::kind;
  EXPECT_EQ(finish("\"end_turn\""), kind::stop);
  EXPECT_EQ(finish("\"stop_sequence\""), kind::stop);
  EXPECT_EQ(finish("\"max_tokens\""), kind::length);
  EXPECT_EQ(finish("\"refusal\""), kind::content_filter);
  EXPECT_EQ(finish("\"pause_turn\""), kind::other);
}

TEST(anthropic_wire, refuses_what_is_no_message) {
  for (const char* body : {"", "{}", "[]", "{\"content\":null}", "<html>", "{\"content\":[}"})
    EXPECT_EQ(probe().decoded(body).error().retry, retry_rule::once) << body;
}

TEST(anthropic_wire, maps_errors_with_their_words_and_id) {
  http_headers headers;
  headers.add("request-id", "req_011");
  const error e = probe().refusal(
      529,
      R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011"})",
      headers);
  EXPECT_EQ(e.kind, error_kind::network);
  EXPECT_EQ(e.retry, retry_rule::transient);
  EXPECT_EQ(e.request_id, "req_011");
  EXPECT_NE(e.message.find("Overloaded"), std::string::npos);
  EXPECT_EQ(probe()
                .refusal(402, R"({"type":"error","error":{"type":"billing_error","message":"m"}})")
                .retry,
            retry_rule::never);
}

const std::string text_stream =
    "event: message_start\n"
    R"(data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"claude-sonnet-4-20250514","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_read_input_tokens":5,"output_tokens":1}}})"
    "\n\n"
    "event: content_block_start\n"
    R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"
    "\n\n"
    "event: ping\ndata: {\"type\": \"ping\"}\n\n"
    "event: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Gr\u00fc"}})"
    "\n\n"
    "event: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ße"}})"
    "\n\n"
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
    "event: content_block_start\n"
    R"(data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}})"
    "\n\n"
    "event: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}})"
    "\n\n"
    "event: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":" \"Bonn\"}"}})"
    "\n\n"
    "event: message_delta\n"
    R"(data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":15}})"
    "\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

TEST(anthropic_stream, is_right_at_every_byte_split) {
  probe().at_every_split(text_stream, [](const streamed& got) {
    ASSERT_TRUE(got.response.has_value());
    EXPECT_EQ(got.joined(), "Grüße");
    EXPECT_EQ(got.response->content, "Grüße");
    EXPECT_EQ(got.response->id, "msg_1");
    EXPECT_EQ(got.response->tool_calls,
              (std::vector<tool_call>{{"toolu_1", "weather", R"({"city": "Bonn"})"}}));
    EXPECT_EQ(got.response->usage, (token_usage{30, 15, 45, 5, {}, {}}));
    EXPECT_EQ(got.response->finish.text, "tool_use");
    EXPECT_TRUE(got.complete);
  });
}

TEST(anthropic_stream, joins_text_blocks_as_the_plain_reply_does) {
  const streamed got = probe().stream(
      {R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}})"
       "\n\n"
       R"(data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":"b"}})"
       "\n\n"
       R"(data: {"type":"message_stop"})"
       "\n\n"});
  EXPECT_EQ(got.joined(), "a\nb");
  EXPECT_EQ(got.response->content, "a\nb");
}

TEST(anthropic_stream, an_error_event_has_its_kind) {
  const streamed got =
      probe().stream({text_stream.substr(0, text_stream.find("event: content_block_stop")),
                      "event: error\ndata: "
                      "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":"
                      "\"Overloaded\"}}\n\n"});
  ASSERT_FALSE(got.response.has_value());
  EXPECT_EQ(got.response.error().status, 529);
  EXPECT_EQ(got.response.error().partial_text, "Grüße");
}

TEST(anthropic_stream, an_early_end_is_truncation) {
  const streamed got =
      probe().stream({text_stream.substr(0, text_stream.find("event: message_delta"))});
  ASSERT_FALSE(got.response.has_value());
  EXPECT_EQ(got.response.error().kind, error_kind::network);
}

TEST(anthropic_wire, says_that_it_has_no_embeddings) {
  const auto refused = probe().embeddings("{}");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, error_kind::configuration);
}

}  // namespace
}  // namespace graphbit
