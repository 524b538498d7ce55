#include <graphbit/actors/status_server.hpp>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <graphbit/actors/executor.hpp>
#include <graphbit/actors/live_state.hpp>

#include "actors/provider_fixture.hpp"
#include "net/raw_client.hpp"

namespace graphbit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class status_server_test : public testing::provider_fixture {
 protected:
  void start(status_server_options options) {
    auto started = status_server::start(rt, std::move(options));
    ASSERT_TRUE(started) << started.error().message;
    server = std::move(*started);
  }
  void TearDown() override {
    server.reset();
    provider_fixture::TearDown();
  }
  [[nodiscard]] std::uint16_t port() const {
    return static_cast<std::uint16_t>(
        std::stoi(server->url().substr(server->url().rfind(':') + 1)));
  }
  /// Status line, headers and body.
  [[nodiscard]] std::string get(const std::string& target, const std::string& headers = {},
                                const std::string& host = "127.0.0.1") {
    return ask_server("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + headers +
                      "Connection: close\r\n\r\n");
  }
  [[nodiscard]] std::string post(const std::string& target, const std::string& headers,
                                 const std::string& body) {
    return ask_server("POST " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers +
                      "Connection: close\r\nContent-Length: " + std::to_string(body.size()) +
                      "\r\n\r\n" + body);
  }
  [[nodiscard]] std::string ask_server(const std::string& text) {
    test::raw_client client(port());
    client.send(text);
    return client.read_all();
  }
  [[nodiscard]] json_value state() {
    const auto answer = get("/api/state");
    auto parsed = parse_json(answer.substr(answer.find("\r\n\r\n") + 4));
    EXPECT_TRUE(parsed) << answer;
    return parsed ? std::move(*parsed) : json_value{};
  }
  [[nodiscard]] std::string run_a_workflow() {
    workflow flow{"two steps"};
    for (const auto* name : {"first", "second"}) {
      agent_spec spec;
      spec.prompt = "the secret word is swordfish";
      EXPECT_TRUE(flow.add_node(*node::agent(name, spec)));
    }
    EXPECT_TRUE(flow.connect("first", "second"));
    const auto runner = executor::open(rt, config());
    EXPECT_TRUE(runner);
    const auto result = runner->execute(flow);
    EXPECT_TRUE(result);
    return result->record().run_id;
  }

  std::unique_ptr<status_server> server;
};

TEST_F(status_server_test, serves_metrics_and_health) {
  start({});
  EXPECT_THAT(get("/metrics"), AllOf(StartsWith("HTTP/1.1 200 OK"),
                                     HasSubstr("Content-Type: text/plain; version=0.0.4"),
                                     HasSubstr("graphbit_uptime_seconds")));
  EXPECT_THAT(get("/healthz"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\"healthy\":true"),
                                     HasSubstr("MiB of memory are available")));
  EXPECT_THAT(get("/readyz"), HasSubstr("\"ready\":true"));
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(get("/api/state"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(post("/metrics", "", "x"), StartsWith("HTTP/1.1 405"));
}

TEST_F(status_server_test, is_not_ready_while_a_breaker_is_open) {
  start({});
  behave(R"({"down": true})");
  auto c = config();
  c.max_retries = 0;
  const auto client = open(c);
  for (int i = 0; i < 30; ++i) static_cast<void>(client.complete(ask("hello")));
  ASSERT_EQ(client.stats().breaker, breaker_state::open);
  EXPECT_THAT(get("/readyz"),
              AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("is open with"),
                    HasSubstr("recent failures; calls fail at once until a probe gets through")));
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(status_server_test, shows_runs_providers_and_actors) {
  start({.dashboard = true});
  EXPECT_THAT(get("/"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("<title>graphbit</title>"),
                              HasSubstr("Content-Security-Policy: default-src 'none'"),
                              HasSubstr("data-start=\"no\"")));
  const auto id = run_a_workflow();
  const auto picture = state();
  const auto& runs = picture.find("runs")->find("shown")->as_array();
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].string_or("id"), id);
  EXPECT_EQ(runs[0].string_or("workflow"), "two steps");
  EXPECT_EQ(runs[0].string_or("state"), "completed");
  const auto& nodes = runs[0].find("nodes")->as_array();
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[1].string_or("state"), "completed");
  EXPECT_EQ(nodes[1].find("column")->as_double(), 1);
  EXPECT_EQ(picture.find("providers")->as_array().at(0).string_or("breaker"), "closed");
  EXPECT_EQ(picture.find("providers")->as_array().at(0).find("calls")->as_double(), 2);
  EXPECT_EQ(picture.find("tree")->string_or("kind"), "root executor");
  EXPECT_THAT(to_json(picture), Not(HasSubstr("swordfish")));
  EXPECT_THAT(get("/api/runs/" + id + "/timeline.svg"), HasSubstr("Content-Type: image/svg+xml"));
  EXPECT_THAT(get("/api/runs/" + id + "/trace.json"), HasSubstr("\"traceEvents\""));
  EXPECT_THAT(get("/api/runs/none/trace.json"), StartsWith("HTTP/1.1 404"));
}

TEST_F(status_server_test, sends_a_picture_at_once_and_whenever_something_changed) {
  start({.dashboard = true});
  test::raw_client client(port());
  client.send("GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.read_until("\"active\":0,"), HasSubstr("Content-Type: text/event-stream"));
  const auto id = run_a_workflow();
  EXPECT_THAT(client.read_until(id), HasSubstr("data: {"));
}

TEST_F(status_server_test, shows_sections_of_others_as_long_as_they_last) {
  start({.dashboard = true});
  auto handle = rt.service<live_state>()->add_section(
      "cluster", [] { return json_value(json_value::array{json_value("a member")}); });
  EXPECT_EQ(state().find("cluster")->as_array().at(0).as_string(), "a member");
  handle.reset();
  EXPECT_EQ(state().find("cluster"), nullptr);
}

TEST_F(status_server_test, is_read_by_this_machine_only_or_with_its_token) {
  start({.dashboard = true});
  EXPECT_THAT(get("/api/state", "", "localhost:1234"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get("/api/state", "", "evil.example"), StartsWith("HTTP/1.1 403"));
  server.reset();
  start({.dashboard = true, .token = "open sesame"});
  EXPECT_THAT(get("/api/state"), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(get("/api/state?token=wrong"), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(get("/api/state", "Authorization: Bearer open sesame\r\n"),
              StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get("/api/state", "Cookie: a=b; graphbit_token=open sesame\r\n"),
              StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get("/metrics"), StartsWith("HTTP/1.1 200"));
}

TEST_F(status_server_test, makes_a_token_beyond_loopback) {
  start({.listen = "0.0.0.0:0", .dashboard = true});
  const auto page = server->dashboard_url();
  const auto token = page.substr(page.find("?token="));
  EXPECT_GT(token.size(), 30u);
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(get("/" + token),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("HttpOnly; SameSite=Strict")));
}

TEST_F(status_server_test, starts_runs_for_its_own_page_only) {
  std::string seen;
  trace_context caller;
  start({.dashboard = true,
         .start_run = [&](const json_value& inputs,
                          const trace_context& from) -> expected<std::string> {
           seen = to_json(inputs);
           caller = from;
           return "run-7";
         }});
  const std::string as_json = "Content-Type: application/json\r\n";
  EXPECT_THAT(get("/"), HasSubstr("data-start=\"yes\""));
  EXPECT_THAT(post("/api/runs", "Content-Type: text/plain\r\n", "{}"), StartsWith("HTTP/1.1 415"));
  EXPECT_THAT(post("/api/runs", as_json + "Origin: http://evil.example\r\n", "{}"),
              StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(post("/api/runs", as_json, "[1"), StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(seen, "");
  EXPECT_THAT(post("/api/runs", as_json + "Origin: http://127.0.0.1:99\r\n", R"({"a":1})"),
              AllOf(StartsWith("HTTP/1.1 202"), HasSubstr("run-7")));
  EXPECT_EQ(seen, R"({"a":1})");
  EXPECT_FALSE(caller.valid());
  const std::string parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_THAT(post("/api/runs", as_json + "traceparent: " + parent + "\r\n", "{}"),
              StartsWith("HTTP/1.1 202"));
  EXPECT_EQ(caller.traceparent(), parent);
}

TEST_F(status_server_test, refuses_an_address_that_is_none) {
  const auto refused = status_server::start(rt, {.listen = "nowhere:port"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::configuration);
}

}  // namespace
}  // namespace graphbit
