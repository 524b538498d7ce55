#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/wire_probe.hpp"
#include "src/base64.hpp"
#include "src/wire/wires.hpp"

namespace graphbit {
namespace {

using test::asking;
using test::streamed;
using test::wire_of;
using test::wire_probe;

provider_config openai_config() {
  provider_config config;
  config.provider = "openai";
  config.base_url = "https://api.openai.com/v1";
  config.api_key = secret("sk-abcdefghijklmnop1234");
  config.model = "gpt-4o-mini";
  return config;
}

const wire_probe& probe() {
  static const wire_probe openai{wire_of("openai"), openai_config()};
  return openai;
}

json_value encoded(const wire_format& wire, const provider_config& config,
                   const chat_request& request, bool stream = false) {
  return parse_json(wire_probe{wire, config}.encoded(request, stream)).value_or(nullptr);
}

expected<chat_response> decoded(std::string body) { return probe().decoded(std::move(body)); }

streamed stream(const std::vector<std::string_view>& pieces) { return probe().stream(pieces); }

error refusal(int status, std::string body, http_headers headers = {}) {
  return probe().refusal(status, std::move(body), std::move(headers));
}

// ---- requests

TEST(openai_wire, writes_the_smallest_request) {
  std::string body;
  ASSERT_TRUE(
      wire_of("openai").encode_chat(openai_config(), asking("hi \"there\"\n"), false, body));
  EXPECT_EQ(body,
            R"({"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi \"there\"\n"}]})");
}

TEST(openai_wire, appends_to_what_is_there) {
  std::string body = "before";
  ASSERT_TRUE(wire_of("openai").encode_chat(openai_config(), asking("x"), false, body));
  EXPECT_EQ(body.rfind("before{\"model\"", 0), 0u);
}

TEST(openai_wire, writes_options_only_when_set) {
  chat_request request = asking("x");
  request.model = "gpt-4o";
  request.max_tokens = 7;
  request.temperature = 0.25;
  request.top_p = 1.0;
  EXPECT_EQ(to_json(encoded(wire_of("openai"), openai_config(), request)),
            R"({"model":"gpt-4o","messages":[{"role":"user","content":"x"}],)"
            R"("max_completion_tokens":7,"temperature":0.25,"top_p":1})");
}

TEST(openai_wire, names_the_token_limit_by_dialect_or_setting) {
  chat_request request = asking("x");
  request.max_tokens = 7;
  provider_config config = openai_config();
  EXPECT_NE(encoded(wire_of("openai"), config, request).find("max_completion_tokens"), nullptr);
  EXPECT_NE(encoded(wire_of("openai_compatible"), config, request).find("max_tokens"), nullptr);
  config.token_limit_field = "max_tokens";
  EXPECT_NE(encoded(wire_of("openai"), config, request).find("max_tokens"), nullptr);
}

TEST(openai_wire, asks_for_usage_in_streams_where_that_is_taken) {
  const json_value asked = encoded(wire_of("openai"), openai_config(), asking("x"), true);
  EXPECT_EQ(to_json(*asked.find("stream")), "true");
  EXPECT_EQ(to_json(*asked.find("stream_options")), R"({"include_usage":true})");
  EXPECT_EQ(
      encoded(wire_of("mistralai"), openai_config(), asking("x"), true).find("stream_options"),
      nullptr);
}

TEST(openai_wire, writes_a_conversation_with_tools) {
  chat_request request;
  request.messages.push_back({chat_role::system, "Be brief.", {}, {}, {}});
  request.messages.push_back({chat_role::user, "Weather?", {}, {}, {}});
  request.messages.push_back(
      {chat_role::assistant, "", {}, {{"call_1", "weather", R"({"city":"Bonn"})"}}, {}});
  request.messages.push_back({chat_role::tool, "sunny", {}, {}, "call_1"});
  request.tools.push_back({"weather", "Tells the weather", R"({"type":"object"})"});
  EXPECT_EQ(
      to_json(encoded(wire_of("openai"), openai_config(), request)),
      R"({"model":"gpt-4o-mini","messages":[{"role":"system","content":"Be brief."},)"
      R"({"role":"user","content":"Weather?"},)"
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",)"
      R"("function":{"name":"weather","arguments":"{\"city\":\"Bonn\"}"}}]},)"
      R"({"role":"tool","content":"sunny","tool_call_id":"call_1"}],)"
      R"("tools":[{"type":"function","function":{"name":"weather",)"
      R"("description":"Tells the weather","parameters":{"type":"object"}}}],"tool_choice":"auto"})");
}

TEST(openai_wire, writes_each_tool_choice) {
  chat_request request = asking("x");
  request.tools.push_back({"f", "", "{}"});
  const auto choice = [&](const char* word) {
    request.tool_choice = word;
    return to_json(*encoded(wire_of("openai"), openai_config(), request).find("tool_choice"));
  };
  EXPECT_EQ(choice("none"), "\"none\"");
  EXPECT_EQ(choice("required"), "\"required\"");
  EXPECT_EQ(choice("f"), R"({"type":"function","function":{"name":"f"}})");
}

TEST(openai_wire, asks_for_structured_output_strictly_where_the_schema_allows) {
  chat_request request = asking("x");
  request.response_format = R"({"type":"object"})";
  EXPECT_EQ(
      to_json(*encoded(wire_of("openai"), openai_config(), request).find("response_format")),
      R"({"type":"json_schema","json_schema":{"name":"response","schema":{"type":"object"}}})");
  request.response_format = R"({"type":"object","additionalProperties":false})";
  EXPECT_NE(to_json(encoded(wire_of("openai"), openai_config(), request)).find("\"strict\":true"),
            std::string::npos);
}

TEST(openai_wire, extra_body_replaces_and_the_request_wins) {
  provider_config config = openai_config();
  config.extra_body = R"({"seed":1,"user":"config","stream":true})";
  chat_request request = asking("x");
  request.temperature = 0.5;
  request.extra_body = R"({"seed":2,"temperature":0,"model":"other"})";
  EXPECT_EQ(to_json(encoded(wire_of("openai"), config, request)),
            R"({"messages":[{"role":"user","content":"x"}],)"
            R"("seed":2,"user":"config","temperature":0,"model":"other"})");
}

TEST(openai_wire, refuses_requests_that_no_provider_could_take) {
  const auto field_of = [](const chat_request& request) {
    std::string body;
    const auto refused = wire_of("openai").encode_chat(openai_config(), request, false, body);
    EXPECT_FALSE(refused.has_value());
    return refused ? std::string() : refused.error().field + refused.error().resource_type;
  };
  chat_request request = asking("x");
  request.tools.push_back({"f", "", "not json"});
  EXPECT_EQ(field_of(request), "tools");
  request = asking("x");
  request.response_format = "[]";
  EXPECT_EQ(field_of(request), "response_format");
  request = asking("x");
  request.extra_body = "{";
  EXPECT_EQ(field_of(request), "extra_body");
  EXPECT_EQ(field_of(asking(std::string(limits::prompt_bytes_max + 1, 'x'))), "prompt_bytes");
}

TEST(openai_wire, header_lines_carry_key_and_parameters) {
  provider_config config = openai_config();
  config.parameters["organization"] = "org-1";
  EXPECT_EQ(*wire_of("openai").headers(config),
            "Content-Type: application/json\r\nAuthorization: Bearer sk-abcdefghijklmnop1234\r\n"
            "OpenAI-Organization: org-1\r\n");
  config.api_key = secret();
  config.parameters = {{"site_url", "https://me"}, {"site_name", "Me"}};
  EXPECT_EQ(*wire_of("openrouter").headers(config),
            "Content-Type: application/json\r\nHTTP-Referer: https://me\r\nX-Title: Me\r\n");
}

TEST(openai_wire, extra_headers_replace_ours_and_are_not_sent_twice) {
  provider_config config = openai_config();
  config.extra_headers = {{"authorization", "Token x"}, {"X-Trace", "1"}};
  EXPECT_EQ(*wire_of("openai").headers(config),
            "Content-Type: application/json\r\nauthorization: Token x\r\nX-Trace: 1\r\n");
  config.extra_headers = {{"X-Bad", "a\nb"}};
  const auto refused = wire_of("openai").headers(config);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, error_kind::configuration);
}

// ---- answers

constexpr const char* plain_reply = R"({
  "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
  "object": "chat.completion",
  "created": 1741569952,
  "model": "gpt-4o-mini-2024-07-18",
  "choices": [{
    "index": 0,
    "message": {"role": "assistant", "content": "Gr\u00fc\u00dfe \"you\"\n\ud83d\ude00", "refusal": null, "annotations": []},
    "logprobs": null,
    "finish_reason": "stop"
  }],
  "usage": {
    "prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 3, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
  },
  "service_tier": "default", "system_fingerprint": "fp_1"
})";

TEST(openai_wire, reads_a_reply_with_usage) {
  const auto response = decoded(plain_reply);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->content, "Grüße \"you\"\n😀");
  EXPECT_EQ(response->id, "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT");
  EXPECT_EQ(response->model, "gpt-4o-mini-2024-07-18");
  EXPECT_EQ(response->provider, "openai");
  EXPECT_EQ(response->finish, finish_reason{});
  EXPECT_EQ(response->usage, (token_usage{19, 10, 29, 8, 3, 4}));
}

TEST(openai_wire, a_big_reply_is_read_whole) {
  const std::string text(limits::big_reply_bytes * 3, 'x');
  const auto response = decoded(R"({"choices":[{"message":{"content":"\u00e9)" + text +
                                R"("},"finish_reason":"length"}],"model":"m"})");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->content, "é" + text);
  EXPECT_EQ(response->model, "m");
  EXPECT_EQ(response->finish.type, finish_reason::kind::length);
}

TEST(openai_wire, reads_tool_calls_and_mends_their_arguments) {
  const auto response = decoded(R"({"choices":[{"message":{"content":null,"tool_calls":[
    {"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\": 1}"}},
    {"id":"b","type":"function","function":{"name":"g","arguments":""}},
    {"id":"c","type":"function","function":{"name":"h","arguments":"oh \"no\""}},
    {"id":"d","type":"function","function":{"name":"i","arguments":{"y":2}}}
  ]},"finish_reason":"tool_calls"}]})");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->tool_calls,
            (std::vector<tool_call>{{"a", "f", R"({"x": 1})"},
                                    {"b", "g", "{}"},
                                    {"c", "h", R"({"raw_arguments":"oh \"no\""})"},
                                    {"d", "i", R"({"y":2})"}}));
  EXPECT_EQ(response->finish.type, finish_reason::kind::tool_calls);
  EXPECT_EQ(response->content, "");
}

TEST(openai_wire, reads_each_finish_reason) {
  const auto finish = [](const std::string& word) {
    return decoded(R"({"choices":[{"message":{"content":"x"},"finish_reason":)" + word + "}]}")
        ->finish;
  };
  using kind = finish_reason::kind;
  EXPECT_EQ(finish("null"), (finish_reason{kind::stop, ""}));
  EXPECT_EQ(finish("\"content_filter\""), (finish_reason{kind::content_filter, ""}));
  EXPECT_EQ(finish("\"function_call\""), (finish_reason{kind::tool_calls, ""}));
  EXPECT_EQ(finish("\"surprise\""), (finish_reason{kind::other, "surprise"}));
}

TEST(openai_wire, reads_content_given_as_parts_and_refusals) {
  EXPECT_EQ(decoded(R"({"choices":[{"message":{"content":[{"type":"thinking","thinking":[]},
    {"type":"text","text":"a"},{"type":"text","text":"b"}]}}]})")
                ->content,
            "ab");
  EXPECT_EQ(
      decoded(R"({"choices":[{"message":{"content":null,"refusal":"I will not."}}]})")->content,
      "I will not.");
}

TEST(openai_wire, only_the_first_choice_counts) {
  EXPECT_EQ(
      decoded(R"({"choices":[{"message":{"content":"a"}},{"message":{"content":"b"}}]})")->content,
      "a");
}

TEST(openai_wire, an_answer_that_cannot_be_understood_is_tried_once_more) {
  for (const std::string body : {"", "null", "{", "<html>502</html>", "{\"choices\":[]}",
                                 "{\"choices\":[{\"mess", "{\"object\":\"chat.completion\"}",
                                 "{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}"}) {
    const auto response = decoded(body);
    ASSERT_FALSE(response.has_value()) << body;
    EXPECT_EQ(response.error().kind, error_kind::core);
    EXPECT_EQ(response.error().retry, retry_rule::once);
    EXPECT_EQ(response.error().provider, "openai");
  }
  EXPECT_NE(decoded("{\"choices\":[]}").error().message.find("No choices in response"),
            std::string::npos);
}

TEST(openai_wire, shows_at_most_200_bytes_of_it_and_never_the_key) {
  const std::string key = openai_config().api_key.expose();
  const error e = decoded(std::string(190, 'x') + key + std::string(500, 'y')).error();
  EXPECT_EQ(e.message.find("yyyyyyyyyy"), std::string::npos);
  EXPECT_EQ(e.message.find(key.substr(0, 10)), std::string::npos);
  EXPECT_LE(e.message.size(), 260u);
}

TEST(openai_wire, an_error_inside_a_200_has_its_own_kind) {
  const auto limited = decoded(R"({"error":{"message":"slow down","code":429}})");
  ASSERT_FALSE(limited.has_value());
  EXPECT_EQ(limited.error().kind, error_kind::rate_limit);
  EXPECT_NE(limited.error().message.find("slow down"), std::string::npos);
}

// ---- refusals

TEST(openai_wire, maps_each_status) {
  const std::string body = R"({"error":{"message":"words","type":"t","param":null,"code":"c"}})";
  const std::pair<int, error_kind> kinds[] = {{400, error_kind::validation},
                                              {401, error_kind::authentication},
                                              {402, error_kind::rate_limit},
                                              {403, error_kind::authentication},
                                              {404, error_kind::validation},
                                              {408, error_kind::timeout},
                                              {413, error_kind::resource_exhausted},
                                              {422, error_kind::validation},
                                              {429, error_kind::rate_limit},
                                              {500, error_kind::network},
                                              {502, error_kind::network},
                                              {503, error_kind::network},
                                              {504, error_kind::timeout},
                                              {529, error_kind::network},
                                              {301, error_kind::validation}};
  for (const auto& [status, kind] : kinds) {
    const error e = refusal(status, body);
    EXPECT_EQ(e.kind, kind) << status;
    EXPECT_EQ(e.status, status);
    EXPECT_EQ(e.provider, "openai");
    EXPECT_NE(e.message.find("openai"), std::string::npos);
    EXPECT_NE(e.message.find("words"), std::string::npos);
    const bool again = status == 408 || status == 429 || status >= 500;
    EXPECT_EQ(e.retry == retry_rule::transient, again) << status;
  }
}

TEST(openai_wire, quota_and_billing_are_never_retried) {
  const error quota = refusal(
      429,
      R"({"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})");
  EXPECT_EQ(quota.kind, error_kind::rate_limit);
  EXPECT_EQ(quota.retry, retry_rule::never);
  EXPECT_EQ(quota.breaker, breaker_rule::ignored);
  const error limited = refusal(
      429,
      R"({"error":{"message":"Rate limit reached for gpt-4o in organization org-1 on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.","type":"requests","param":null,"code":"rate_limit_exceeded"}})");
  EXPECT_EQ(limited.retry, retry_rule::transient);
}

TEST(openai_wire, carries_the_servers_hints_and_id) {
  http_headers headers;
  headers.add("retry-after-ms", "1500");
  headers.add("x-request-id", "req_1");
  headers.add("x-should-retry", "false");
  const error e = refusal(429, R"({"error":{"message":"m"}})", headers);
  EXPECT_EQ(e.retry_after, milliseconds{1500});
  EXPECT_EQ(e.request_id, "req_1");
  EXPECT_EQ(e.retry, retry_rule::never);
  http_headers again;
  again.add("x-should-retry", "true");
  EXPECT_EQ(refusal(409, "{}", again).retry, retry_rule::transient);
}

TEST(openai_wire, finds_the_words_in_every_shape) {
  const std::pair<const char*, const char*> bodies[] = {
      {R"({"error":"model 'x' not found"})", "model 'x' not found"},
      {R"({"object":"error","message":"Unauthorized","type":"auth","code":null})", "Unauthorized"},
      {R"({"detail":[{"loc":["body"],"msg":"Extra inputs are not permitted"}]})",
       "Extra inputs are not permitted"},
      {R"({"object":"error","message":{"detail":[{"msg":"bad field"}]}})", "bad field"},
      {R"([{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}])",
       "API key not valid"},
      {R"({"error":["too long"]})", "too long"},
      {"upstream connect error", "upstream connect error"},
      {"<html><title>502 Bad Gateway</title></html>", "an HTML page"},
      {"", "no message"}};
  for (const auto& [body, words] : bodies)
    EXPECT_NE(refusal(400, body).message.find(words), std::string::npos)
        << body << " -> " << refusal(400, body).message;
}

TEST(openai_wire, tells_what_to_do_and_never_the_key) {
  const error e = refusal(
      401, R"({"error":{"message":"Incorrect API key provided: sk-abcdefghijklmnop1234."}})");
  EXPECT_NE(e.message.find("check the API key"), std::string::npos);
  EXPECT_EQ(e.message.find("sk-abcdefghijklmnop1234"), std::string::npos);
  EXPECT_NE(e.message.find("sk-…1234"), std::string::npos);
}

// ---- streams

const std::string text_stream =
    ": OPENROUTER PROCESSING\n\n"
    R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null})"
    "\n\n"
    R"(data: {"id":"chatcmpl-1","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"Gr\u00fc"},"finish_reason":null}],"usage":null})"
    "\r\n\r\n"
    R"(data: {"id":"chatcmpl-1","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"ße 😀"},"finish_reason":null}],"usage":null})"
    "\n\n"
    R"(data: {"id":"chatcmpl-1","model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"length"}],"usage":null})"
    "\n\n"
    R"(data: {"id":"chatcmpl-1","model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8,"completion_tokens_details":{"reasoning_tokens":1}}})"
    "\n\n"
    "data: [DONE]\n\n";

void expect_text_stream(const streamed& got) {
  ASSERT_TRUE(got.response.has_value()) << got.response.error().message;
  EXPECT_EQ(got.joined(), "Grüße 😀");
  EXPECT_EQ(got.response->content, "Grüße 😀");
  EXPECT_EQ(got.response->id, "chatcmpl-1");
  EXPECT_EQ(got.response->model, "gpt-4o-mini");
  EXPECT_EQ(got.response->finish.type, finish_reason::kind::length);
  EXPECT_EQ(got.response->usage, (token_usage{5, 3, 8, {}, {}, 1}));
  EXPECT_TRUE(got.complete);
}

TEST(openai_stream, is_right_at_every_byte_split) {
  probe().at_every_split(text_stream, expect_text_stream);
}

TEST(openai_stream, puts_tool_call_pieces_together) {
  const auto chunk = [](const std::string& calls) {
    return R"(data: {"choices":[{"index":0,"delta":{"tool_calls":[)" + calls + "]}}]}\n\n";
  };
  const std::string text =
      chunk(R"({"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}})") +
      chunk(R"({"index":0,"function":{"arguments":"{\"x\""}})") +
      chunk(R"({"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{"}})") +
      chunk(
          R"({"index":0,"function":{"arguments":":1}"}},{"index":1,"function":{"arguments":"}"}})") +
      R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]})"
      "\n\ndata: [DONE]\n\n";
  const streamed got = stream({text});
  ASSERT_TRUE(got.response.has_value());
  EXPECT_EQ(got.response->tool_calls,
            (std::vector<tool_call>{{"a", "f", R"({"x":1})"}, {"b", "g", "{}"}}));
  EXPECT_EQ(got.response->finish.type, finish_reason::kind::tool_calls);
}

TEST(openai_stream, a_new_id_at_an_old_index_is_another_call) {
  const streamed got = stream(
      {R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}]})"
       "\n\n"
       R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}]})"
       "\n\n"});
  ASSERT_TRUE(got.response.has_value());
  EXPECT_EQ(got.response->tool_calls.size(), 2u);
}

TEST(openai_stream, an_error_inside_has_its_kind_and_what_was_delivered) {
  const auto after_text = [](const std::string& error_event) {
    return stream({"data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n", error_event});
  };
  const streamed server = after_text(
      "event: error\ndata: {\"error\":{\"message\":\"The server had an "
      "error\",\"type\":\"server_error\"}}\n\n");
  ASSERT_FALSE(server.response.has_value());
  EXPECT_EQ(server.response.error().kind, error_kind::network);
  EXPECT_EQ(server.response.error().partial_text, "half");
  EXPECT_EQ(after_text("data: {\"error\":{\"message\":\"m\",\"code\":\"rate_limit_exceeded\"}}\n\n")
                .response.error()
                .kind,
            error_kind::rate_limit);
  EXPECT_EQ(
      after_text("data: {\"error\":{\"message\":\"m\",\"code\":502}}\n\n").response.error().status,
      502);
}

TEST(openai_stream, an_early_end_is_truncation) {
  const streamed got = stream({"data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n"});
  ASSERT_FALSE(got.response.has_value());
  EXPECT_EQ(got.response.error().kind, error_kind::network);
  EXPECT_EQ(got.response.error().retry, retry_rule::transient);
  EXPECT_EQ(got.response.error().partial_text, "half");
  EXPECT_FALSE(stream({""}).response.has_value());
}

TEST(openai_stream, a_finish_reason_is_enough_where_done_is_not_sent) {
  const streamed got = stream(
      {"data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n"});
  ASSERT_TRUE(got.response.has_value());
  EXPECT_FALSE(got.complete);
}

TEST(openai_stream, bears_five_bad_lines_in_a_row_but_not_six) {
  const std::string bad = "data: {oops\n\n";
  const std::string good =
      "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n";
  std::string five;
  for (int i = 0; i < 5; ++i) five += bad;
  const streamed borne = stream({five + good + five + good});
  ASSERT_TRUE(borne.response.has_value());
  EXPECT_EQ(borne.response->content, "xx");
  const streamed refused = stream({good + five + bad});
  ASSERT_FALSE(refused.response.has_value());
  EXPECT_EQ(refused.response.error().kind, error_kind::core);
  EXPECT_EQ(refused.response.error().partial_text, "x");
}

TEST(openai_stream, nothing_of_a_broken_chunk_is_delivered) {
  const streamed got = stream(
      {"data: {\"choices\":[{\"delta\":{\"content\":\"no\"}}],,}\n\n"
       "data: {\"choices\":[{\"delta\":{\"content\":\"yes\"},\"finish_reason\":\"stop\"}]}\n\n"});
  EXPECT_EQ(got.text, (std::vector<std::string>{"yes"}));
}

TEST(openai_stream, a_line_past_the_limit_ends_it) {
  const streamed got = stream({"data: " + std::string(limits::sse_line_bytes_max + 1, 'x')});
  ASSERT_FALSE(got.response.has_value());
  EXPECT_EQ(got.response.error().kind, error_kind::resource_exhausted);
}

// ---- embeddings

TEST(openai_embeddings, writes_the_request) {
  embedding_request request;
  request.inputs = {"a", "b\""};
  request.model = "text-embedding-3-small";
  request.dimensions = 3;
  std::string body;
  ASSERT_TRUE(wire_of("openai").encode_embeddings(openai_config(), request, body));
  EXPECT_EQ(body, R"({"model":"text-embedding-3-small","input":["a","b\""],"dimensions":3,)"
                  R"("encoding_format":"base64"})");
  EXPECT_EQ(wire_of("openai").embeddings_target(openai_config()), "/embeddings");
}

TEST(openai_embeddings, reads_numbers_in_the_order_of_the_indexes) {
  std::string body = R"({"object":"list","data":[
    {"object":"embedding","index":1,"embedding":[3.5,-4]},
    {"object":"embedding","index":0,"embedding":[1e-3,0.25]}],
    "model":"text-embedding-3-small","usage":{"prompt_tokens":4,"total_tokens":4}})";
  const auto response = wire_of("openai").decode_embeddings(openai_config(), body);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->vectors, (std::vector<std::vector<float>>{{1e-3f, 0.25f}, {3.5f, -4.f}}));
  EXPECT_EQ(response->usage.prompt_tokens, 4u);
}

TEST(openai_embeddings, reads_base64) {
  const float values[] = {1.5f, -2.25f};
  std::string body = R"({"data":[{"index":0,"embedding":")";
  append_base64(body, {reinterpret_cast<const char*>(values), sizeof(values)});
  body += "\"}]}";
  const auto response = wire_of("openai").decode_embeddings(openai_config(), body);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->vectors, (std::vector<std::vector<float>>{{1.5f, -2.25f}}));
}

TEST(openai_embeddings, refuses_what_is_incomplete) {
  for (const std::string text :
       {"{}", "{\"data\":[]}", "{\"data\":[{\"index\":0}]}",
        "{\"data\":[{\"embedding\":[1,\"x\"]}]}", "{\"data\":[{\"index\":1,\"embedding\":[1]}]}",
        "{\"data\":[{\"embedding\":\"AAA\"}]}", "{\"data\":[{\"embedding\":\"\"}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":0,\"embedding\":[1]}]}",
        "{\"data\":[{\"index\":4294967295,\"embedding\":[1]}]}", "[1"}) {
    std::string body = text;
    EXPECT_FALSE(wire_of("openai").decode_embeddings(openai_config(), body).has_value()) << text;
  }
}

}  // namespace
}  // namespace graphbit
