// What a call leaves behind: metrics, spans, and the header that tells the provider of its trace.
#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <graphbit/actors/executor.hpp>
#include <graphbit/net/http_server.hpp>
#include <graphbit/runtime/metrics.hpp>
#include <graphbit/runtime/tracer.hpp>

#include "actors/provider_fixture.hpp"

namespace graphbit {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class span_keeper final : public span_exporter {
 public:
  bool take(const std::vector<trace_span>& spans, const std::stop_token&) override {
    const std::lock_guard guard(mutex_);
    spans_.insert(spans_.end(), spans.begin(), spans.end());
    return true;
  }
  [[nodiscard]] std::vector<trace_span> spans() {
    const std::lock_guard guard(mutex_);
    return spans_;
  }

 private:
  std::mutex mutex_;
  std::vector<trace_span> spans_;
};

std::optional<std::string> text_of(const trace_span& span, std::string_view name) {
  for (const auto& a : span.attributes)
    if (a.name == name) return std::get<std::string>(a.value);
  return std::nullopt;
}

std::optional<std::int64_t> number_of(const trace_span& span, std::string_view name) {
  for (const auto& a : span.attributes)
    if (a.name == name) return std::get<std::int64_t>(a.value);
  return std::nullopt;
}

class telemetry_test : public testing::provider_fixture {
 protected:
  void trace(bool content = false) {
    rt.service<tracer>()->start({.exporter = keeper, .content = content});
  }
  [[nodiscard]] std::vector<trace_span> spans() {
    EXPECT_TRUE(rt.service<tracer>()->flush(seconds{10}));
    return keeper->spans();
  }
  [[nodiscard]] trace_span only(std::string_view name_start) {
    std::vector<trace_span> found;
    for (auto& span : spans())
      if (span.name.starts_with(name_start)) found.push_back(span);
    EXPECT_EQ(found.size(), 1u) << name_start;
    return found.empty() ? trace_span{} : found.front();
  }
  [[nodiscard]] std::string metrics() { return rt.service<metrics_registry>()->text(); }

  std::shared_ptr<span_keeper> keeper = std::make_shared<span_keeper>();
};

constexpr auto usual_labels =
    "gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\","
    "gen_ai_request_model=\"test-model\",server_address=\"127.0.0.1\",server_port=\"[0-9]+\"";

TEST_F(telemetry_test, counts_what_the_conventions_ask_for) {
  const auto client = open(config());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client.complete(ask("hello")));
  const auto text = metrics();
  const auto labels = std::string("\\{") + usual_labels;
  EXPECT_THAT(text,
              ContainsRegex("gen_ai_client_operation_duration_seconds_count" + labels + "\\} 3\n"));
  for (const auto* type : {"input", "output"})
    EXPECT_THAT(text, ContainsRegex("gen_ai_client_token_usage_count" + labels +
                                    ",gen_ai_token_type=\"" + type + "\"\\} 3\n"));
  EXPECT_THAT(text, ContainsRegex("graphbit_overhead_seconds_count\\{[^}]*\\} 3\n"));
  EXPECT_THAT(text, ContainsRegex("graphbit_attempts_total\\{[^}]*\\} 3\n"));
  EXPECT_THAT(text, ContainsRegex("graphbit_calls_total\\{[^}]*outcome=\"succeeded\"\\} 3\n"));
  EXPECT_THAT(text, ContainsRegex("graphbit_connections_opened_total\\{[^}]*\\} 1\n"));
  EXPECT_THAT(text, ContainsRegex("graphbit_connections_reused_total\\{[^}]*\\} 2\n"));
  EXPECT_THAT(text, ContainsRegex("graphbit_connections\\{[^}]*state=\"idle\"\\} 1\n"));
  EXPECT_THAT(text, ContainsRegex("graphbit_breaker_state\\{[^}]*state=\"closed\"\\} 1\n"));
  EXPECT_THAT(text, HasSubstr("graphbit_actor_restarts_total{kind=\"provider client\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("graphbit_mailbox_messages{kind=\"circuit breaker\"} 0\n"));
}

TEST_F(telemetry_test, tells_failures_and_retries_by_kind) {
  behave(R"({"fault_503": 1, "retry_after_s": 0})");
  auto c = config();
  c.max_retries = 1;
  const auto client = open(c);
  ASSERT_FALSE(client.complete(ask("hello")));
  const auto text = metrics();
  EXPECT_THAT(text, ContainsRegex("gen_ai_client_operation_duration_seconds_count\\{[^}]*"
                                  "error_type=\"network\"\\} 1\n"));
  EXPECT_THAT(text, ContainsRegex("graphbit_retries_total\\{[^}]*\\} 1\n"));
  EXPECT_THAT(text, ContainsRegex("graphbit_calls_total\\{[^}]*outcome=\"failed\"\\} 1\n"));
}

TEST_F(telemetry_test, times_the_pieces_of_streams) {
  const auto client = open(config());
  testing::outcomes all;
  client.submit(ask("say many words to me, one after the other"), {}, all.next(), true);
  ASSERT_TRUE(all.wait_for(1));
  EXPECT_THAT(metrics(),
              ContainsRegex("gen_ai_client_operation_time_to_first_chunk_seconds_count\\{" +
                            std::string(usual_labels) + "\\} 1\n"));
}

TEST_F(telemetry_test, own_overhead_leaves_the_providers_time_out) {
  behave(R"({"latency_ms": 300})");
  const auto client = open(config());
  ASSERT_TRUE(client.complete(ask("hello")));
  // 300 ms were the provider's; what is ours is far below, also on a busy machine.
  EXPECT_THAT(metrics(),
              ContainsRegex("graphbit_overhead_seconds_bucket\\{[^}]*le=\"0.2\"\\} 1\n"));
}

TEST_F(telemetry_test, traces_a_call_and_its_attempts) {
  trace();
  ASSERT_TRUE(provider.load_script(R"({"rules": [{"times": 1, "status": 503}]})"));
  const auto client = open(config());
  auto request = ask("the secret word is swordfish");
  request.max_tokens = 9;
  const auto parent = trace_context{1, 2, 3, true};
  ASSERT_TRUE(client.complete(request, {.trace = parent}));
  const auto call = only("chat test-model");
  EXPECT_EQ(call.context.trace_high, 1u);
  EXPECT_EQ(call.parent, 3u);
  EXPECT_EQ(call.kind, span_kind::client);
  EXPECT_EQ(text_of(call, "gen_ai.operation.name"), "chat");
  EXPECT_EQ(text_of(call, "gen_ai.provider.name"), "openai");
  EXPECT_EQ(text_of(call, "gen_ai.request.model"), "test-model");
  EXPECT_EQ(text_of(call, "server.address"), "127.0.0.1");
  EXPECT_EQ(number_of(call, "gen_ai.request.max_tokens"), 9);
  EXPECT_GT(number_of(call, "gen_ai.usage.input_tokens"), 0);
  EXPECT_GT(number_of(call, "gen_ai.usage.output_tokens"), 0);
  EXPECT_EQ(number_of(call, "graphbit.attempts"), 2);
  EXPECT_FALSE(call.failed);
  std::vector<trace_span> attempts;
  for (auto& span : spans())
    if (span.name == "POST") attempts.push_back(span);
  ASSERT_EQ(attempts.size(), 2u);
  EXPECT_EQ(attempts[0].parent, call.context.span);
  EXPECT_EQ(number_of(attempts[0], "http.response.status_code"), 503);
  EXPECT_TRUE(attempts[0].failed);
  EXPECT_EQ(number_of(attempts[1], "http.response.status_code"), 200);
  EXPECT_EQ(number_of(attempts[1], "http.request.resend_count"), 1);
  for (const auto& span : spans()) EXPECT_THAT(describe(span), Not(HasSubstr("swordfish")));
}

TEST_F(telemetry_test, records_content_only_when_asked_to) {
  trace(true);
  const auto client = open(config());
  ASSERT_TRUE(client.complete(ask("the secret word is swordfish")));
  const auto call = only("chat");
  EXPECT_EQ(
      text_of(call, "gen_ai.input.messages"),
      R"([{"role":"user","parts":[{"type":"text","content":"the secret word is swordfish"}]}])");
  EXPECT_THAT(*text_of(call, "gen_ai.output.messages"),
              AllOf(StartsWith(R"([{"role":"assistant","parts":[{"type":"text","content":)"),
                    HasSubstr(R"("finish_reason":"stop")")));
}

TEST_F(telemetry_test, records_nothing_of_a_trace_that_is_not_sampled) {
  trace();
  const auto client = open(config());
  ASSERT_TRUE(client.complete(ask("hello"), {.trace = {1, 2, 3, false}}));
  EXPECT_TRUE(spans().empty());
}

TEST_F(telemetry_test, builds_one_tree_of_run_node_call_and_tool) {
  trace();
  tool weather{{.name = "weather"}, {}};
  weather.function.name = "weather";
  weather.function.blocking = false;
  weather.function.call = [](const json_value&) { return json_value("sunny"); };
  ASSERT_TRUE(provider.load_script(R"({"rules": [
      {"last_role": "user", "tool_calls": [{"name": "weather", "arguments": {}}]},
      {"last_role": "tool", "text": "sunny it is"}]})"));
  workflow flow{"forecast"};
  agent_spec spec;
  spec.prompt = "how is the weather";
  spec.tools.push_back(weather);
  ASSERT_TRUE(flow.add_node(*node::agent("ask", spec)));
  const auto runner = executor::open(rt, config());
  ASSERT_TRUE(runner);
  const auto result = runner->execute(flow, {.run_id = "r1", .trace = {1, 2, 3, true}});
  ASSERT_TRUE(result) << result.error().message;
  const auto run = only("invoke_workflow forecast");
  const auto step = only("invoke_agent ask");
  const auto tool_span = only("execute_tool weather");
  EXPECT_EQ(run.parent, 3u);
  EXPECT_EQ(text_of(run, "gen_ai.workflow.name"), "forecast");
  EXPECT_EQ(step.parent, run.context.span);
  EXPECT_EQ(text_of(step, "graphbit.run.id"), "r1");
  EXPECT_EQ(tool_span.parent, step.context.span);
  EXPECT_EQ(text_of(tool_span, "gen_ai.tool.name"), "weather");
  int calls = 0;
  for (const auto& span : spans()) {
    EXPECT_EQ(span.context.trace_high, 1u);
    EXPECT_EQ(span.context.trace_low, 2u);
    if (!span.name.starts_with("chat")) continue;
    ++calls;
    EXPECT_EQ(span.parent, step.context.span);
    EXPECT_EQ(text_of(span, "graphbit.node.name"), "ask");
  }
  EXPECT_EQ(calls, 2);
  const auto stats = runner->stats();
  ASSERT_EQ(stats.nodes.size(), 1u);
  EXPECT_EQ(stats.nodes[0].name, "ask");
  EXPECT_EQ(stats.nodes[0].completed, 1u);
  EXPECT_GT(stats.nodes[0].p99_ms, 0);
  EXPECT_THAT(metrics(), AllOf(HasSubstr("graphbit_runs_total{outcome=\"completed\"} 1\n"),
                               HasSubstr("graphbit_nodes_total{outcome=\"completed\"} 1\n"),
                               HasSubstr("graphbit_runs_active 0\n")));
}

/// Tells the traceparent headers that reach a provider.
class traceparent_test : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server.start()); }
  void TearDown() override {
    rt.shutdown();
    server.stop();
  }
  [[nodiscard]] std::string header_of_call(const trace_context& trace) {
    provider_config c;
    c.provider = "openai_compatible";
    c.base_url = server.url();
    c.model = "m";
    auto client = provider_client::open(rt, c);
    EXPECT_TRUE(client);
    EXPECT_TRUE(client->complete({.messages = {{.role = chat_role::user, .text = "hello"}}},
                                 {.trace = trace}));
    const std::lock_guard guard(mutex);
    return seen;
  }

  std::mutex mutex;
  std::string seen;
  http_server server{{}, [this](const http_exchange& e) {
                       const std::lock_guard guard(mutex);
                       seen = e.request().header("traceparent");
                       e.respond(200, "application/json",
                                 R"({"choices":[{"message":{"content":"hi"}}]})");
                     }};
  runtime rt{{.worker_threads = 2, .reactors = 1}};
};

TEST_F(traceparent_test, hands_the_callers_header_on_where_nothing_is_traced) {
  const trace_context caller{1, 2, 3, true};
  EXPECT_EQ(header_of_call(caller), caller.traceparent());
  EXPECT_EQ(header_of_call({}), "");
}

TEST_F(traceparent_test, names_the_attempts_span_where_it_is_traced) {
  const auto keeper = std::make_shared<span_keeper>();
  rt.service<tracer>()->start({.exporter = keeper});
  const auto told = trace_context::from_traceparent(header_of_call({1, 2, 3, true}));
  ASSERT_TRUE(told);
  ASSERT_TRUE(rt.service<tracer>()->flush(seconds{10}));
  const auto spans = keeper->spans();
  const auto attempt = std::find_if(spans.begin(), spans.end(),
                                    [](const trace_span& s) { return s.name == "POST"; });
  ASSERT_NE(attempt, spans.end());
  EXPECT_EQ(*told, attempt->context);
}

}  // namespace
}  // namespace graphbit
