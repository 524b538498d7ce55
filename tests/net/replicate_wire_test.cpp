#include <gtest/gtest.h>

#include "net/wire_probe.hpp"
#include "src/wire/wires.hpp"

namespace graphbit {
namespace {

using test::asking;
using test::streamed;
using test::wire_probe;

const wire_probe& probe() {
  static const wire_probe replicate = [] {
    provider_config config;
    config.provider = "replicate";
    config.api_key = secret("r8_abcdefghijklmnopqrst");
    config.model = "openai/gpt-5";
    return wire_probe{wires::replicate(), config};
  }();
  return replicate;
}

std::string prediction(const std::string& status, const std::string& output) {
  return R"({"id":"rrr4z55ocneqzikepnug6xezpe","model":"openai/gpt-5","version":"hidden","input":{"prompt":"x"},"logs":"","output":)" +
         output + R"(,"error":null,"status":")" + status +
         R"(","urls":{"get":"https://api.replicate.com/v1/predictions/rrr"},"metrics":{"predict_time":1.5,"input_token_count":4,"output_token_count":2}})";
}

TEST(replicate_wire, writes_a_prediction) {
  chat_request request = asking("hi");
  request.max_tokens = 5;
  request.extra_body = R"({"input":{"reasoning_effort":"low"}})";
  EXPECT_EQ(
      probe().encoded(request),
      R"({"version":"openai/gpt-5","input":{"prompt":"hi","max_tokens":5,"reasoning_effort":"low"}})");
  wire_probe versioned = probe();
  versioned.config.parameters["version"] =
      "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa";
  EXPECT_EQ(versioned.encoded(asking("x")).rfind(R"({"version":"5c7d5dc6)", 0), 0u);
  EXPECT_NE(probe().wire.headers(probe().config)->find("Authorization: Token r8_"),
            std::string::npos);
}

TEST(replicate_wire, reads_texts_and_lists_of_texts) {
  EXPECT_EQ(probe().decoded(prediction("succeeded", "\"Hello\""))->content, "Hello");
  const auto listed = probe().decoded(prediction("succeeded", R"(["Hel","lo"])"));
  ASSERT_TRUE(listed.has_value());
  EXPECT_EQ(listed->content, "Hello");
  EXPECT_EQ(listed->usage, (token_usage{4, 2, 6, {}, {}, {}}));
}

TEST(replicate_wire, asks_again_while_the_job_runs) {
  for (const char* status : {"starting", "processing"}) {
    const auto step = probe().wire.next_step(probe().config, prediction(status, "null"));
    ASSERT_TRUE(step.has_value()) << status;
    EXPECT_EQ(step->target, "/predictions/rrr4z55ocneqzikepnug6xezpe");
    EXPECT_GT(step->after, milliseconds{0});
  }
  for (const char* status : {"succeeded", "failed", "canceled"})
    EXPECT_FALSE(probe().wire.next_step(probe().config, prediction(status, "null"))) << status;
  EXPECT_FALSE(
      probe().wire.next_step(probe().config, R"({"id":"../../account","status":"starting"})"));
  EXPECT_FALSE(probe().wire.next_step(probe().config, "not json"));
}

TEST(replicate_wire, a_failed_job_is_not_made_again) {
  const auto failed =
      probe().decoded(R"({"id":"a","status":"failed","error":"CUDA out of memory"})");
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().retry, retry_rule::never);
  EXPECT_NE(failed.error().message.find("CUDA out of memory"), std::string::npos);
  EXPECT_FALSE(probe().decoded("{}").has_value());
}

TEST(replicate_wire, reads_errors) {
  const error e = probe().refusal(
      401,
      R"({"title":"Unauthenticated","detail":"You did not pass a valid authentication token","status":401})");
  EXPECT_EQ(e.kind, error_kind::authentication);
  EXPECT_NE(e.message.find("valid authentication token"), std::string::npos);
}

TEST(replicate_stream, gives_the_answer_as_one_delta) {
  probe().at_every_split(prediction("succeeded", R"(["Hel","lo"])"), [](const streamed& got) {
    ASSERT_TRUE(got.response.has_value());
    EXPECT_EQ(got.text, (std::vector<std::string>{"Hello"}));
    EXPECT_TRUE(got.complete);
  });
  EXPECT_FALSE(probe().stream({"{\"id\":"}).response.has_value());
}

TEST(replicate_stream, gives_what_each_answer_to_a_running_job_has_more) {
  const auto decoder = probe().wire.decode_stream(probe().config);
  std::vector<std::string> text;
  EXPECT_TRUE(decoder->feed(prediction("starting", "null"), text));
  ASSERT_TRUE(decoder->next_step());
  EXPECT_EQ(decoder->next_step()->target, "/predictions/rrr4z55ocneqzikepnug6xezpe");
  EXPECT_GT(decoder->next_step()->after, milliseconds{0});
  EXPECT_TRUE(decoder->feed(prediction("processing", R"(["Hel"])"), text));
  EXPECT_TRUE(decoder->next_step());
  EXPECT_TRUE(decoder->feed(prediction("processing", R"(["Hel"])"), text));
  const auto last = prediction("succeeded", R"(["Hel","lo"])");
  EXPECT_TRUE(decoder->feed(last.substr(0, 9), text));
  EXPECT_FALSE(decoder->complete());
  EXPECT_FALSE(decoder->next_step());
  EXPECT_TRUE(decoder->feed(last.substr(9), text));
  EXPECT_TRUE(decoder->complete());
  EXPECT_FALSE(decoder->next_step());
  EXPECT_EQ(text, (std::vector<std::string>{"Hel", "lo"}));
  EXPECT_EQ(decoder->finish()->content, "Hello");
}

TEST(replicate_stream, a_job_that_fails_ends_the_stream) {
  const auto decoder = probe().wire.decode_stream(probe().config);
  std::vector<std::string> text;
  EXPECT_TRUE(decoder->feed(prediction("processing", R"(["Hel"])"), text));
  const auto fed = decoder->feed(R"({"id":"a","status":"failed","error":"no memory"})", text);
  ASSERT_FALSE(fed);
  EXPECT_NE(fed.error().message.find("no memory"), std::string::npos);
}

TEST(replicate_wire, keeps_plain_calls_open_but_not_streams) {
  EXPECT_EQ(probe().wire.call_headers(probe().config, {}, false), "Prefer: wait=60\r\n");
  EXPECT_EQ(probe().wire.call_headers(probe().config, {}, true), "");
  auto own = probe().config;
  own.extra_headers = {{"prefer", "respond-async"}};
  EXPECT_EQ(probe().wire.call_headers(own, {}, false), "");
}

}  // namespace
}  // namespace graphbit
