#include <graphbit/net/simulator.hpp>

#include <cerrno>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include <graphbit/runtime/json_value.hpp>

#include "raw_client.hpp"

namespace graphbit::sim {
namespace {

using test::raw_client;

class Simulator : public ::testing::Test {
 protected:
  void start(behaviour how = {}, std::string script = {}) {
    simulator_options options;
    options.server.drain_max = milliseconds(0);
    options.behave = std::move(how);
    options.script = std::move(script);
    simulator_.emplace(std::move(options));
    const auto started = simulator_->start();
    ASSERT_TRUE(started) << describe(started.error());
  }

  static std::string chat_body(const std::string& prompt, const std::string& more = {}) {
    std::string body = R"({"model":"m","messages":[{"role":"user","content":)";
    append_json_string(body, prompt);
    return body + "}]" + more + "}";
  }
  raw_client::response chat(const std::string& prompt, const std::string& more = {}) {
    return raw_client(simulator_->port()).post("/v1/chat/completions", chat_body(prompt, more));
  }
  /// The value at a path such as "choices.0.message.content".
  static json_value at(const std::string& text, const std::string& path) {
    const auto parsed = parse_json(text);
    EXPECT_TRUE(parsed) << text;
    const json_value* v = parsed ? &*parsed : nullptr;
    for (std::size_t from = 0; v && from <= path.size();) {
      const auto dot = std::min(path.find('.', from), path.size());
      const auto name = path.substr(from, dot - from);
      v = v->is_array() ? &v->as_array().at(std::stoul(name)) : v->find(name);
      from = dot + 1;
    }
    return v ? *v : json_value();
  }
  static std::string text_at(const std::string& text, const std::string& path) {
    const auto v = at(text, path);
    return v.is_string() ? v.as_string() : "(" + to_json(v) + ")";
  }
  std::int64_t counted(const std::string& path) {
    return static_cast<std::int64_t>(at(simulator_->counters(), path).as_double());
  }
  /// The `data:` lines of an event stream.
  static std::vector<std::string> events(const std::string& body) {
    std::vector<std::string> found;
    for (std::size_t from = 0; (from = body.find("data: ", from)) != std::string::npos;) {
      const auto end = body.find("\n\n", from);
      found.push_back(body.substr(from + 6, end - from - 6));
      from = end;
    }
    return found;
  }

  std::optional<simulator> simulator_;
};

constexpr auto content = "choices.0.message.content";

// ---- what it says ------------------------------------------------------------------------------

TEST_F(Simulator, AnswersWithThePromptsOwnWordsAndAlwaysTheSame) {
  start();
  const auto first = chat("Summarise: the licence lets you copy the software, copy the manual.");
  EXPECT_EQ(first.status, 200);
  const auto said = text_at(first.body, content);
  EXPECT_NE(said.find("copy"), std::string::npos) << said;
  EXPECT_EQ(
      text_at(chat("Summarise: the licence lets you copy the software, copy the manual.").body,
              content),
      said);
  EXPECT_NE(text_at(chat("Another prompt about gardens and flowers in spring.").body, content),
            said);
  EXPECT_EQ(text_at(first.body, "choices.0.finish_reason"), "stop");
  EXPECT_EQ(at(first.body, "usage.prompt_tokens").as_double() +
                at(first.body, "usage.completion_tokens").as_double(),
            at(first.body, "usage.total_tokens").as_double());
}

TEST_F(Simulator, GivesTheLengthThatIsConfigured) {
  behaviour how;
  how.reply_bytes = 100'000;
  start(how);
  EXPECT_EQ(text_at(chat("hi").body, content).size(), 100'000u);
}

TEST_F(Simulator, CutsAtTheTokenBound) {
  start();
  const auto r =
      chat("Tell me about licences, software, manuals and warranties.", R"(,"max_tokens":2)");
  EXPECT_EQ(text_at(r.body, content).size(), 8u);
  EXPECT_EQ(text_at(r.body, "choices.0.finish_reason"), "length");
}

TEST_F(Simulator, StreamsTheSameTextInTheChunksAskedFor) {
  behaviour how;
  how.chunk_count = 7;
  start(how);
  const auto whole = text_at(chat("Speak of rivers and of the sea, ünïcödé too").body, content);
  const auto r = chat("Speak of rivers and of the sea, ünïcödé too",
                      R"(,"stream":true,"stream_options":{"include_usage":true})");
  EXPECT_NE(r.head.find("text/event-stream"), std::string::npos);
  const auto all = events(r.body);
  ASSERT_EQ(all.size(), 1u + 7 + 1 + 1 + 1);  // role, text, finish, usage, [DONE]
  EXPECT_EQ(all.back(), "[DONE]");
  std::string text;
  for (std::size_t i = 1; i <= 7; ++i) text += text_at(all[i], "choices.0.delta.content");
  EXPECT_EQ(text, whole);
  EXPECT_EQ(text_at(all[8], "choices.0.finish_reason"), "stop");
  EXPECT_GT(at(all[9], "usage.total_tokens").as_double(), 0);
  EXPECT_EQ(at(all[9], "choices").as_array().size(), 0u);
}

TEST_F(Simulator, CallsAToolWithArgumentsThatFit) {
  start();
  const auto r = chat("weather in Paris", R"(,"tool_choice":"required","tools":[{"type":"function",
      "function":{"name":"get_weather","parameters":{"type":"object","properties":{
        "city":{"type":"string","maxLength":5},"days":{"type":"integer","minimum":3,"maximum":4},
        "unit":{"enum":["C","F"]},"exact":{"type":"boolean"}},"required":["city","days"]}}}])");
  EXPECT_EQ(text_at(r.body, "choices.0.finish_reason"), "tool_calls");
  EXPECT_EQ(at(r.body, content), json_value());
  EXPECT_EQ(text_at(r.body, "choices.0.message.tool_calls.0.function.name"), "get_weather");
  const auto arguments = text_at(r.body, "choices.0.message.tool_calls.0.function.arguments");
  EXPECT_LE(text_at(arguments, "city").size(), 5u);
  EXPECT_TRUE(at(arguments, "days").as_double() == 3 || at(arguments, "days").as_double() == 4);
  const auto unit = text_at(arguments, "unit");
  EXPECT_TRUE(unit == "C" || unit == "F") << unit;
  EXPECT_TRUE(at(arguments, "exact").is_bool());
}

TEST_F(Simulator, AnswersJsonThatFitsTheSchema) {
  start();
  const auto r =
      chat("a person", R"(,"response_format":{"type":"json_schema","json_schema":{"name":"p",
      "schema":{"type":"object","$defs":{"age":{"type":"integer","minimum":18,"multipleOf":5}},
        "properties":{"age":{"$ref":"#/$defs/age"},"born":{"type":"string","format":"date"},
          "tags":{"type":"array","items":{"type":"string"},"minItems":3},
          "boss":{"anyOf":[{"type":"null"},{"type":"string"}]},"kind":{"const":"human"}}}}})");
  const auto said = text_at(r.body, content);
  const auto age = static_cast<int>(at(said, "age").as_double());
  EXPECT_GE(age, 18);
  EXPECT_EQ(age % 5, 0);
  EXPECT_EQ(text_at(said, "born").size(), 10u);
  EXPECT_EQ(at(said, "tags").as_array().size(), 3u);
  EXPECT_TRUE(at(said, "boss").is_string());
  EXPECT_EQ(text_at(said, "kind"), "human");
}

TEST_F(Simulator, WritesTextsThatMatchTheirPatterns) {
  start();
  for (const std::string pattern :
       {"^[A-Z]{2}-\\d{4}$", "^(?:red|green) [^a-z]+x?$", "^\\w+@\\w+\\.(com|org)$", "[a-f0-9]{8,}",
        "^a{0,2}b*$", "^.{3}$"}) {
    std::string schema = R"({"type":"object","properties":{"x":{"type":"string","pattern":)";
    append_json_string(schema, pattern);
    const auto r =
        chat("fit " + pattern,
             R"(,"response_format":{"type":"json_schema","json_schema":{"name":"t","schema":)" +
                 schema + "}}}}}");
    const auto said = text_at(text_at(r.body, content), "x");
    EXPECT_TRUE(std::regex_search(said, std::regex(pattern))) << pattern << ": " << said;
  }
}

TEST_F(Simulator, EndsASchemaThatContainsItself) {
  start();
  const auto r =
      chat("a tree", R"(,"response_format":{"type":"json_schema","json_schema":{"name":"t",
      "schema":{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","required":["name"],
        "properties":{"name":{"type":"string"},"next":{"$ref":"#/$defs/node"}}}}}}})");
  const auto said = text_at(r.body, content);
  EXPECT_TRUE(at(said, "next.next.name").is_string()) << said;
}

TEST_F(Simulator, ReportsAToolsResult) {
  start();
  const auto r =
      raw_client(simulator_->port()).post("/v1/chat/completions", R"({"model":"m","messages":[
    {"role":"user","content":"weather?"},
    {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"w","arguments":"{}"}}]},
    {"role":"tool","tool_call_id":"c1","content":"21 degrees"}]})");
  EXPECT_NE(text_at(r.body, content).find("21 degrees"), std::string::npos);
}

TEST_F(Simulator, FollowsAScript) {
  start({}, R"x({"rules":[
    {"contains":"first","times":1,"text":"only once"},
    {"matches":"my name is (\\w+)","text":"Hello $1"},
    {"contains":"json","json":{"a":[1,2]}},
    {"contains":"tool","tool_calls":[{"name":"f","arguments":{"x":1}}]},
    {"contains":"quota","status":429,"error":{"message":"no money","type":"insufficient_quota","code":"insufficient_quota"},
     "headers":{"retry-after":7}},
    {"contains":"proxy","raw":"<html>bad gateway</html>","status":502,"content_type":"text/html"}]})x");
  EXPECT_EQ(text_at(chat("the first").body, content), "only once");
  EXPECT_NE(text_at(chat("the first").body, content), "only once");
  EXPECT_EQ(text_at(chat("well, my name is Ada!").body, content), "Hello Ada");
  EXPECT_EQ(text_at(chat("json please").body, content), R"({"a":[1,2]})");
  EXPECT_EQ(text_at(chat("tool").body, "choices.0.message.tool_calls.0.function.arguments"),
            R"({"x":1})");
  const auto quota = chat("quota");
  EXPECT_EQ(quota.status, 429);
  EXPECT_EQ(text_at(quota.body, "error.code"), "insufficient_quota");
  EXPECT_NE(quota.head.find("retry-after: 7"), std::string::npos);
  const auto proxy = chat("proxy");
  EXPECT_EQ(proxy.status, 502);
  EXPECT_EQ(proxy.body, "<html>bad gateway</html>");
}

TEST_F(Simulator, ReportsTheUsageOfTheScript) {
  start({}, R"([{"text":"x","usage":{"prompt_tokens":100,"completion_tokens":50,"cached_tokens":80,
                 "reasoning_tokens":30}}])");
  const auto openai = chat("x").body;
  EXPECT_EQ(at(openai, "usage.total_tokens").as_double(), 150);
  EXPECT_EQ(at(openai, "usage.prompt_tokens_details.cached_tokens").as_double(), 80);
  EXPECT_EQ(at(openai, "usage.completion_tokens_details.reasoning_tokens").as_double(), 30);
  raw_client client(simulator_->port());
  const auto anthropic = client.post("/v1/messages", chat_body("x", R"(,"max_tokens":9)"),
                                     "anthropic-version: 2023-06-01\r\n");
  EXPECT_EQ(at(anthropic.body, "usage.input_tokens").as_double(), 20);
  EXPECT_EQ(at(anthropic.body, "usage.cache_read_input_tokens").as_double(), 80);
  const auto gemini =
      client.post("/v1beta/models/m:generateContent", R"({"contents":[{"parts":[{"text":"x"}]}]})");
  EXPECT_EQ(at(gemini.body, "usageMetadata.cachedContentTokenCount").as_double(), 80);
  EXPECT_EQ(at(gemini.body, "usageMetadata.thoughtsTokenCount").as_double(), 30);
  EXPECT_EQ(at(gemini.body, "usageMetadata.totalTokenCount").as_double(), 150);
}

TEST_F(Simulator, AnswersEveryFamilyOnItsOwnPath) {
  start();
  raw_client client(simulator_->port());
  const std::string prompt = "speak of windmills in Holland";
  const std::string gemini =
      R"({"contents":[{"parts":[{"text":"speak of windmills in Holland"}]}]})";
  const std::tuple<const char*, std::string, const char*> families[] = {
      {"/any/base/v3/chat/completions", chat_body(prompt), content},
      {"/openai/deployments/d/chat/completions?api-version=1", chat_body(prompt), content},
      {"/mistral/v1/chat/completions", chat_body(prompt), content},
      {"/v1/responses", R"({"model":"m","input":"speak of windmills in Holland"})",
       "output.0.content.0.text"},
      {"/v1/messages", chat_body(prompt, R"(,"max_tokens":99)"), "content.0.text"},
      {"/v1beta/models/m:generateContent", gemini, "candidates.0.content.parts.0.text"},
      {"/api/chat", chat_body(prompt, R"(,"stream":false)"), "message.content"},
      {"/models/a/b", R"({"inputs":"speak of windmills in Holland"})", "0.generated_text"},
  };
  for (const auto& [path, body, where] : families) {
    const auto r = client.post(path, body, "anthropic-version: 2023-06-01\r\n");
    EXPECT_EQ(r.status, 200) << path << r.body;
    EXPECT_NE(text_at(r.body, where).find("windmills"), std::string::npos) << path << r.body;
  }
}

TEST_F(Simulator, RunsReplicatesPredictions) {
  behaviour how;
  how.latency_ms = 40;
  start(how);
  raw_client client(simulator_->port());
  const auto made =
      client.post("/v1/models/meta/llama/predictions", R"({"input":{"prompt":"windmills turn"}})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(text_at(made.body, "status"), "starting");
  const auto path = "/v1/predictions/" + text_at(made.body, "id");
  std::string now = client.get(path).body;
  EXPECT_EQ(text_at(now, "status"), "processing");
  for (int i = 0; i < 500 && text_at(now, "status") == "processing"; ++i) {
    std::this_thread::sleep_for(milliseconds(5));
    now = client.get(path).body;
  }
  EXPECT_EQ(text_at(now, "status"), "succeeded");
  EXPECT_GT(at(now, "output").as_array().size(), 1u);
  const auto waited = client.post("/v1/predictions", R"({"version":"v","input":{"prompt":"x"}})",
                                  "Prefer: wait\r\n");
  EXPECT_EQ(text_at(waited.body, "status"), "succeeded");
  EXPECT_NE(client.get(path + "/stream").body.find("event: done"), std::string::npos);
  EXPECT_EQ(client.get("/v1/predictions/none").status, 404);
}

TEST_F(Simulator, CompressesWhereTheClientAcceptsIt) {
  behaviour how;
  how.compress = true;
  how.reply_bytes = 10'000;
  start(how);
  raw_client client(simulator_->port());
  const auto packed =
      client.post("/v1/chat/completions", chat_body("x"), "Accept-Encoding: gzip, br\r\n");
  EXPECT_NE(packed.head.find("Content-Encoding: gzip"), std::string::npos);
  EXPECT_LT(packed.body.size(), 2'000u);
  EXPECT_EQ(packed.body.substr(0, 2), "\x1f\x8b");
  EXPECT_GT(client.post("/v1/chat/completions", chat_body("x")).body.size(), 10'000u);
}

TEST_F(Simulator, BreaksStreamsWithTheProvidersOwnError) {
  behaviour how;
  how.fault_error_mid = 1;
  start(how);
  raw_client client(simulator_->port());
  const auto openai =
      client.post("/v1/chat/completions", chat_body("some words", R"(,"stream":true)"));
  EXPECT_EQ(openai.status, 200);
  EXPECT_EQ(text_at(events(openai.body).back(), "error.type"), "server_error");
  const auto anthropic =
      client.post("/v1/messages", chat_body("x", R"(,"max_tokens":9,"stream":true)"),
                  "anthropic-version: 2023-06-01\r\n");
  EXPECT_EQ(text_at(events(anthropic.body).back(), "error.type"), "overloaded_error");
  EXPECT_EQ(client.post("/v1/chat/completions", chat_body("x")).status, 500);
}

TEST_F(Simulator, EmbedsTextsTheSameInNumbersAndInBase64) {
  start();
  raw_client client(simulator_->port());
  const auto numbers =
      client.post("/v1/embeddings", R"({"model":"m","input":["a","b","a"],"dimensions":5})").body;
  EXPECT_EQ(at(numbers, "data").as_array().size(), 3u);
  EXPECT_EQ(at(numbers, "data.0.embedding").as_array().size(), 5u);
  EXPECT_EQ(at(numbers, "data.0.embedding"), at(numbers, "data.2.embedding"));
  EXPECT_NE(at(numbers, "data.0.embedding"), at(numbers, "data.1.embedding"));
  double length = 0;
  const auto vector = at(numbers, "data.1.embedding");
  for (const auto& x : vector.as_array()) length += x.as_double() * x.as_double();
  EXPECT_NEAR(length, 1, 1e-4);
  const auto base64 =
      client
          .post("/v1/embeddings",
                R"({"model":"m","input":"a","dimensions":5,"encoding_format":"base64"})")
          .body;
  EXPECT_EQ(text_at(base64, "data.0.embedding").size(), 28u);  // 20 bytes
}

TEST_F(Simulator, SpeaksOllamaLineByLine) {
  start();
  raw_client client(simulator_->port());
  const auto r = client.post("/api/chat", chat_body("hello"));
  EXPECT_NE(r.head.find("application/x-ndjson"), std::string::npos);
  std::string text;
  bool is_done = false;
  for (std::size_t from = 0; from < r.body.size();) {
    const auto end = r.body.find('\n', from);
    const auto line = r.body.substr(from, end - from);
    text += text_at(line, "message.content");
    is_done = at(line, "done").as_bool();
    from = end + 1;
  }
  EXPECT_TRUE(is_done);
  EXPECT_EQ(text_at(client.post("/api/chat", chat_body("hello", R"(,"stream":false)")).body,
                    "message.content"),
            text);
  EXPECT_TRUE(at(client.get("/api/tags").body, "models.0.name").is_string());
}

// ---- what it refuses ---------------------------------------------------------------------------

TEST_F(Simulator, RefusesWhatTheProviderRefuses) {
  start();
  raw_client client(simulator_->port());
  const std::pair<const char*, const char*> bad[] = {
      {"not json", "parse the JSON"},
      {R"([1])", "parse the JSON"},
      {"{\"model\":\"\xff\"}", "parse the JSON"},
      {R"({"messages":[]})", "model"},
      {R"({"model":"m"})", "messages"},
      {R"({"model":"m","messages":[]})", "empty array"},
      {R"({"model":"m","messages":[{"role":"robot","content":"x"}]})", "robot"},
      {R"({"model":"m","messages":[{"role":"user","content":7}]})", "content"},
      {R"({"model":"m","messages":[{"role":"tool","tool_call_id":"c","content":"x"}]})",
       "tool_calls"},
      {R"({"model":"m","messages":[{"role":"user","content":"x"}],"temperature":3})",
       "temperature"},
      {R"({"model":"m","messages":[{"role":"user","content":"x"}],"stream_options":{}})", "stream"},
      {R"({"model":"m","messages":[{"role":"user","content":"x"}],"tool_choice":"auto"})", "tools"},
  };
  for (const auto& [body, word] : bad) {
    const auto r = client.post("/v1/chat/completions", body);
    EXPECT_EQ(r.status, 400) << body;
    EXPECT_NE(text_at(r.body, "error.message").find(word), std::string::npos) << r.body;
    EXPECT_EQ(text_at(r.body, "error.type"), "invalid_request_error");
  }
  const std::string deep = R"({"model":"m","x":)" + std::string(100'000, '[') + "}";
  EXPECT_EQ(client.post("/v1/chat/completions", deep).status, 400);
  EXPECT_EQ(client.get("/v1/nothing").status, 404);
  EXPECT_EQ(counted("by_status.400"), 13);
}

TEST_F(Simulator, ChecksKeysAndModels) {
  behaviour how;
  how.wrong_keys = {"sk-revoked"};
  how.models = {"real"};
  start(how);
  raw_client client(simulator_->port());
  const auto wrong =
      client.post("/v1/chat/completions", chat_body("x"), "Authorization: Bearer sk-revoked\r\n");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(text_at(wrong.body, "error.code"), "invalid_api_key");
  EXPECT_EQ(wrong.body.find("sk-revoked"), std::string::npos);
  const auto missing = client.post("/v1/chat/completions", chat_body("x"));
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(text_at(missing.body, "error.code"), "model_not_found");
}

TEST_F(Simulator, EnforcesRateLimitsAndSaysSoInHeaders) {
  behaviour how;
  how.rate_limit_requests = 2;
  how.rate_limit_tokens = 1'000;
  start(how);
  const auto first = chat("x");
  EXPECT_NE(first.head.find("x-ratelimit-limit-requests: 2"), std::string::npos);
  EXPECT_NE(first.head.find("x-ratelimit-remaining-requests: 1"), std::string::npos);
  EXPECT_NE(first.head.find("x-ratelimit-limit-tokens: 1000"), std::string::npos);
  EXPECT_EQ(chat("x").status, 200);
  const auto third = chat("x");
  EXPECT_EQ(third.status, 429);
  EXPECT_NE(third.head.find("retry-after: "), std::string::npos);
  EXPECT_EQ(text_at(third.body, "error.code"), "rate_limit_exceeded");
}

// ---- how it fails ------------------------------------------------------------------------------

TEST_F(Simulator, FailsByStatus) {
  start();
  for (const auto* status : {"429", "500", "503"}) {
    ASSERT_TRUE(simulator_->configure("{\"fault_" + std::string(status) + "\":1}"));
    const auto r = chat("x");
    EXPECT_EQ(std::to_string(r.status), status);
    EXPECT_FALSE(text_at(r.body, "error.message").empty());
    EXPECT_EQ(r.head.find("retry-after: 1") != std::string::npos, r.status != 500);
    ASSERT_TRUE(simulator_->configure("{\"fault_" + std::string(status) + "\":0}"));
  }
}

TEST_F(Simulator, BreaksConnectionsOnCommand) {
  behaviour how;
  how.fault_reset = 1;
  start(how);
  raw_client reset(simulator_->port());
  EXPECT_EQ(reset.post("/v1/chat/completions", chat_body("x")).status, 0);
  EXPECT_EQ(reset.error(), ECONNRESET);

  ASSERT_TRUE(simulator_->configure(R"({"fault_reset":0,"fault_truncate":1})"));
  raw_client truncated(simulator_->port());
  const auto half = truncated.post("/v1/chat/completions", chat_body("x"));
  EXPECT_EQ(half.status, 200);
  EXPECT_FALSE(parse_json(half.body));
  EXPECT_EQ(truncated.error(), 0);

  ASSERT_TRUE(simulator_->configure(R"({"fault_truncate":0,"fault_reset_mid":1})"));
  raw_client torn(simulator_->port());
  const auto stream =
      torn.post("/v1/chat/completions", chat_body("some words to stream", R"(,"stream":true)"));
  EXPECT_FALSE(stream.body.empty());
  EXPECT_EQ(stream.body.find("[DONE]"), std::string::npos);
  EXPECT_EQ(torn.error(), ECONNRESET);
  EXPECT_EQ(counted("cancelled"), 0);  // it was not the clients who went
}

TEST_F(Simulator, HangsUntilTheClientGoes) {
  behaviour how;
  how.fault_hang = 1;
  start(how);
  raw_client client(simulator_->port());
  client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
  client.finish_sending();
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(counted("by_status.hang"), 1);
  EXPECT_EQ(counted("cancelled"), 1);
  EXPECT_EQ(counted("in_flight"), 0);
}

TEST_F(Simulator, DripsWithoutLosingAByte) {
  start();
  const auto whole = chat("a prompt that drips", R"(,"stream":true)").body;
  ASSERT_TRUE(simulator_->configure(R"({"fault_drip":1,"drip_interval_ms":0.01,"drip_bytes":3})"));
  const auto text = [](const std::string& body) {
    std::string t;
    for (const auto& event : events(body))
      if (event != "[DONE]") {
        const auto piece = at(event, "choices.0.delta.content");
        if (piece.is_string()) t += piece.as_string();
      }
    return t;
  };
  EXPECT_EQ(text(chat("a prompt that drips", R"(,"stream":true)").body), text(whole));
  EXPECT_EQ(chat("plain").status, 200);
}

TEST_F(Simulator, DrawsTheSameFaultsFromTheSameSeed) {
  behaviour how;
  how.fault_429 = 0.2;
  how.fault_500 = 0.2;
  how.seed = 7;
  const auto run = [&] {
    start(how);
    std::vector<int> statuses;
    for (int i = 0; i < 60; ++i) statuses.push_back(chat("x").status);
    return statuses;
  };
  const auto first = run();
  EXPECT_EQ(run(), first);
  EXPECT_EQ((std::set<int>(first.begin(), first.end())), (std::set<int>{200, 429, 500}));
}

TEST_F(Simulator, IsDeadDuringAnOutageAndComesBack) {
  start();
  ASSERT_TRUE(simulator_->configure(R"({"down":true})"));
  EXPECT_FALSE(raw_client(simulator_->port()).connected());
  ASSERT_TRUE(simulator_->configure(R"({"down":false})"));
  EXPECT_EQ(chat("x").status, 200);
  ASSERT_TRUE(simulator_->configure(R"({"outages":["0-3600:close"]})"));
  raw_client client(simulator_->port());
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.post("/v1/chat/completions", chat_body("x")).status, 0);
  ASSERT_TRUE(simulator_->configure(R"({"outages":[]})"));
  EXPECT_EQ(chat("x").status, 200);
}

// ---- what it counts ----------------------------------------------------------------------------

TEST_F(Simulator, CountsPromptsKeysAndRequestsInFlight) {
  behaviour how;
  how.latency_ms = 30;
  start(how);
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i)
    clients.emplace_back([this, i] {
      raw_client(simulator_->port())
          .post("/v1/chat/completions", chat_body("prompt " + std::to_string(i % 3)),
                "Idempotency-Key: k" + std::to_string(i % 3) + "\r\n");
    });
  for (auto& c : clients) c.join();
  EXPECT_EQ(counted("requests"), 4);
  EXPECT_EQ(counted("by_status.200"), 4);
  EXPECT_EQ(counted("prompts.unique"), 3);
  EXPECT_EQ(counted("prompts.repeated"), 1);
  EXPECT_EQ(counted("prompts.answered_again"), 1);
  EXPECT_EQ(counted("idempotency_keys.unique"), 3);
  EXPECT_EQ(counted("idempotency_keys.repeated"), 1);
  EXPECT_EQ(counted("connections_opened"), 4);
  EXPECT_EQ(counted("in_flight"), 0);
  simulator_->reset();
  EXPECT_EQ(counted("requests"), 0);
}

TEST_F(Simulator, IsConfiguredOverHttp) {
  start();
  raw_client client(simulator_->port());
  EXPECT_EQ(client.post("/_sim/config", R"({"fault_500":1})").status, 200);
  EXPECT_EQ(client.post("/v1/chat/completions", chat_body("x")).status, 500);
  EXPECT_EQ(client.post("/_sim/config", R"({"fault_500":0,"latency_m":1})").status, 400);
  EXPECT_EQ(client.post("/v1/chat/completions", chat_body("x")).status,
            500);  // nothing was changed
  EXPECT_EQ(client.post("/_sim/config", R"({"fault_500":0})").status, 200);
  EXPECT_EQ(client.post("/_sim/script", R"({"rules":[{"text":"scripted"}]})").status, 200);
  EXPECT_EQ(text_at(client.post("/v1/chat/completions", chat_body("x")).body, content), "scripted");
  EXPECT_EQ(client.post("/_sim/reset", "").status, 200);
  EXPECT_EQ(at(client.get("/_sim/counters").body, "requests").as_double(), 0);
  EXPECT_EQ(client.get("/_sim/nothing").status, 404);
}

TEST(SimulatorSettings, NamesTheSettingThatCannotWork) {
  simulator s;
  const std::pair<const char*, const char*> bad[] = {
      {R"({"fault_500":1.5})", "fault_500"},
      {R"({"latency_ms":-1})", "latency_ms"},
      {R"({"seed":"x"})", "seed"},
      {R"({"nope":1})", "nope"},
      {R"({"outages":["5-1"]})", "outages"},
      {R"({"outages":["now"]})", "outages"},
      {R"({"wrong_keys":[1]})", "wrong_keys"},
      {R"({"fault_429":0.6,"fault_500":0.6})", "fault_429"},
      {"[]", "config"}};
  for (const auto& [json, field] : bad) {
    const auto result = s.configure(json);
    ASSERT_FALSE(result) << json;
    EXPECT_EQ(result.error().kind, error_kind::configuration);
    EXPECT_EQ(result.error().field, field);
  }
}

TEST(SimulatorSettings, NamesTheRuleThatCannotWork) {
  simulator s;
  EXPECT_FALSE(s.load_script("nonsense"));
  const auto no_reply = s.load_script(R"([{"text":"a"},{"contains":"b"}])");
  ASSERT_FALSE(no_reply);
  EXPECT_NE(no_reply.error().message.find("rule 2"), std::string::npos);
  EXPECT_FALSE(s.load_script(R"([{"matches":"(","text":"a"}])"));
  EXPECT_FALSE(s.load_script(R"([{"text":"a","headers":{"x":"a\r\nb"}}])"));
  EXPECT_TRUE(s.load_script(R"({"rules":[]})"));
}

}  // namespace
}  // namespace graphbit::sim
