#include <graphbit/net/otlp.hpp>

#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <graphbit/net/http_server.hpp>
#include <graphbit/runtime/random.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;

trace_span example_span() {
  trace_span span;
  span.context = {0x0102030405060708, 0x090a0b0c0d0e0f10, 0x1112131415161718, true};
  span.name = "chat m";
  span.kind = span_kind::client;
  span.started = span.ended = time_point{} + seconds{5};
  span.set("k", std::int64_t{1});
  return span;
}

// Worked out by hand from the protobuf encoding and the .proto files.
TEST(otlp_format_test, writes_protobuf_byte_for_byte) {
  otlp_options options;
  options.service_name = "s";
  const auto bytes =
      encode_otlp_traces({example_span()}, options, time_point{} + seconds{5},
                         std::chrono::system_clock::time_point{} + std::chrono::nanoseconds{258});
  using namespace std::string_view_literals;
  constexpr auto span =
      "\x0a\x10\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"  // trace_id
      "\x12\x08\x11\x12\x13\x14\x15\x16\x17\x18"                                  // span_id
      "\x2a\x06"
      "chat m"
      "\x30\x03"                              // SPAN_KIND_CLIENT
      "\x39\x02\x01\x00\x00\x00\x00\x00\x00"  // start: 258 ns
      "\x41\x02\x01\x00\x00\x00\x00\x00\x00"
      "\x4a\x07\x0a\x01k\x12\x02\x18\x01"  // k = 1
      "\x85\x01\x01\x00\x00\x00"sv;        // flags
  EXPECT_THAT(bytes, HasSubstr(std::string(span)));
  EXPECT_THAT(bytes, HasSubstr("\x0a\x11\x0a\x0cservice.name\x12\x03\x0a\x01s"sv.substr(2)));
  EXPECT_THAT(bytes, HasSubstr("https://opentelemetry.io/schemas/1.41.1"));
}

/// A collector that answers with the statuses it is given, the last one again and again.
class collector {
 public:
  explicit collector(std::vector<int> statuses) : statuses_(std::move(statuses)) {
    EXPECT_TRUE(server_.start());
  }
  [[nodiscard]] std::string url() const { return server_.url() + "/v1/traces"; }
  [[nodiscard]] std::vector<std::string> bodies() {
    const std::lock_guard guard(mutex_);
    return bodies_;
  }
  [[nodiscard]] std::string first_header(std::string_view name) {
    const std::lock_guard guard(mutex_);
    return name == "x-key" ? key_ : type_;
  }

 private:
  void answer(const http_exchange& exchange) {
    const std::lock_guard guard(mutex_);
    const auto& request = exchange.request();
    key_ = request.header("x-key");
    type_ = request.header("content-type");
    bodies_.push_back(request.body());
    const auto turn = std::min(bodies_.size(), statuses_.size()) - 1;
    exchange.respond(statuses_[turn], "application/x-protobuf", "");
  }

  std::vector<int> statuses_;
  std::mutex mutex_;
  std::vector<std::string> bodies_;
  std::string key_, type_;
  http_server server_{{}, [this](const http_exchange& e) { answer(e); }};
};

class otlp_exporter_test : public testing::Test {
 protected:
  void start(const std::string& endpoint) {
    otlp_options options;
    options.endpoint = endpoint;
    options.headers = {{"x-key", "secret"}};
    options.timeout = seconds{5};
    ASSERT_TRUE(start_tracing(rt, options));
  }
  [[nodiscard]] tracer_stats sent() {
    const auto t = rt.service<tracer>();
    t->record(example_span());
    EXPECT_TRUE(t->flush(seconds{20}));
    return t->stats();
  }
  runtime rt{{.worker_threads = 2, .reactors = 1}};
};

TEST_F(otlp_exporter_test, posts_batches_with_its_headers) {
  collector to({200});
  start(to.url());
  EXPECT_EQ(sent().exported, 1u);
  EXPECT_THAT(to.bodies(), ElementsAre(HasSubstr("chat m")));
  EXPECT_EQ(to.first_header("x-key"), "secret");
  EXPECT_EQ(to.first_header("content-type"), "application/x-protobuf");
}

TEST_F(otlp_exporter_test, sends_again_what_a_collector_cannot_take_now) {
  collector to({503, 429, 200});
  start(to.url());
  EXPECT_EQ(sent().exported, 1u);
  EXPECT_THAT(to.bodies(), SizeIs(3));
}

TEST_F(otlp_exporter_test, gives_up_what_a_collector_refuses) {
  collector to({400});
  start(to.url());
  EXPECT_EQ(sent().lost, 1u);
  EXPECT_THAT(to.bodies(), SizeIs(1));
}

TEST_F(otlp_exporter_test, ends_with_its_runtime_though_nobody_listens) {
  std::string nobody;
  {
    const collector gone({200});
    nobody = gone.url();
  }
  start(nobody);
  const auto t = rt.service<tracer>();
  for (int i = 0; i < 2000; ++i) t->record(example_span());
  rt.shutdown();
  EXPECT_EQ(t->stats().exported, 0u);
}

TEST_F(otlp_exporter_test, refuses_an_endpoint_that_is_no_url) {
  const auto refused = start_tracing(rt, {.endpoint = "collector:4318"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "endpoint");
}

TEST(otlp_options_test, follow_the_environment) {
  const std::vector<std::pair<const char*, const char*>> variables{
      {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/"},
      {"OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20abc, x=1"},
      {"OTEL_RESOURCE_ATTRIBUTES", "service.name=a,deployment.environment.name=test"},
      {"OTEL_SERVICE_NAME", "b"},
      {"OTEL_EXPORTER_OTLP_TIMEOUT", "250"},
  };
  for (const auto& [name, value] : variables) setenv(name, value, 1);
  const auto options = otlp_options_from_environment();
  EXPECT_TRUE(environment_asks_for_traces());
  setenv("OTEL_SDK_DISABLED", "true", 1);
  EXPECT_FALSE(environment_asks_for_traces());
  unsetenv("OTEL_SDK_DISABLED");
  for (const auto& [name, value] : variables) unsetenv(name);
  EXPECT_EQ(options.endpoint, "http://127.0.0.1:4318/v1/traces");
  EXPECT_THAT(options.headers, ElementsAre(Pair("authorization", "Basic abc"), Pair("x", "1")));
  EXPECT_EQ(options.service_name, "b");
  EXPECT_EQ(options.timeout, milliseconds{250});
  EXPECT_FALSE(options.content);
  EXPECT_FALSE(environment_asks_for_traces());
}

}  // namespace
}  // namespace graphbit
