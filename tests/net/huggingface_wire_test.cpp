#include <gtest/gtest.h>

#include "net/wire_probe.hpp"
#include "src/wire/wires.hpp"

namespace graphbit {
namespace {

using test::asking;
using test::streamed;
using test::wire_probe;

const wire_probe& probe() {
  static const wire_probe huggingface = [] {
    provider_config config;
    config.provider = "huggingface";
    config.api_key = secret("hf_abcdefghijklmnopqrst");
    config.model = "gpt2";
    return wire_probe{wires::huggingface(), config};
  }();
  return huggingface;
}

TEST(huggingface_wire, writes_a_prompt) {
  chat_request request = asking("Once upon");
  request.max_tokens = 5;
  EXPECT_EQ(
      probe().encoded(request, true),
      R"({"inputs":"Once upon","parameters":{"return_full_text":false,"max_new_tokens":5},"stream":true})");
  EXPECT_EQ(probe().wire.chat_target(probe().config, "org/model", false), "/org/model");
}

TEST(huggingface_wire, writes_a_conversation_as_one_text) {
  chat_request request = asking("Hi");
  request.messages.insert(request.messages.begin(), {chat_role::system, "Be brief.", {}, {}, {}});
  EXPECT_NE(probe().encoded(request).find(R"("inputs":"Be brief.\n\nUser: Hi\n\nAssistant:")"),
            std::string::npos);
}

TEST(huggingface_wire, refuses_tools_and_images) {
  chat_request request = asking("x");
  request.tools = {{"f", "", "{}"}};
  EXPECT_EQ(probe().refused_request(request).field, "tools");
  request = asking("");
  request.messages[0].parts = {{content_part::kind::image_bytes, "x", "image/png", ""}};
  EXPECT_EQ(probe().refused_request(request).field, "messages");
}

TEST(huggingface_wire, reads_lists_and_objects) {
  EXPECT_EQ(probe().decoded(R"([{"generated_text":"a time"}])")->content, "a time");
  const auto detailed = probe().decoded(
      R"({"generated_text":"a","details":{"finish_reason":"length","generated_tokens":4,"prefill":[{"id":1},{"id":2}]}})");
  ASSERT_TRUE(detailed.has_value());
  EXPECT_EQ(detailed->finish.type, finish_reason::kind::length);
  EXPECT_EQ(detailed->usage, (token_usage{2, 4, 6, {}, {}, {}}));
}

TEST(huggingface_wire, reads_errors) {
  EXPECT_EQ(
      probe()
          .refusal(503, R"({"error":"Model gpt2 is currently loading","estimated_time":20.0})")
          .kind,
      error_kind::network);
  EXPECT_EQ(probe()
                .decoded(R"({"error":"Input is too long","error_type":"invalid_request"})")
                .error()
                .kind,
            error_kind::validation);
  EXPECT_FALSE(probe().decoded("[]").has_value());
}

TEST(huggingface_stream, is_right_at_every_byte_split) {
  const std::string text =
      R"(data:{"index":1,"token":{"id":1,"text":"Gr\u00fc","logprob":-0.1,"special":false},"generated_text":null,"details":null})"
      "\n\n"
      R"(data:{"index":2,"token":{"id":2,"text":"ße","special":false},"generated_text":null,"details":null})"
      "\n\n"
      R"(data:{"index":3,"token":{"id":3,"text":"</s>","special":true},"generated_text":"Grüße","details":{"finish_reason":"eos_token","generated_tokens":3,"input_length":5}})"
      "\n\n";
  probe().at_every_split(text, [](const streamed& got) {
    ASSERT_TRUE(got.response.has_value());
    EXPECT_EQ(got.joined(), "Grüße");
    EXPECT_EQ(got.response->content, "Grüße");
    EXPECT_EQ(got.response->usage, (token_usage{5, 3, 8, {}, {}, {}}));
    EXPECT_TRUE(got.complete);
  });
}

TEST(huggingface_stream, an_error_inside_is_a_failure) {
  const streamed got = probe().stream(
      {"data:{\"error\":\"Input validation error\",\"error_type\":\"overloaded\"}\n\n"});
  ASSERT_FALSE(got.response.has_value());
  EXPECT_EQ(got.response.error().status, 529);
}

TEST(huggingface_embeddings, writes_and_reads) {
  embedding_request request;
  request.inputs = {"a", "b"};
  std::string body;
  ASSERT_TRUE(probe().wire.encode_embeddings(probe().config, request, body));
  EXPECT_EQ(body, R"({"inputs":["a","b"]})");
  EXPECT_EQ(probe().embeddings("[[0.5,-1],[2,3]]")->vectors,
            (std::vector<std::vector<float>>{{0.5f, -1.f}, {2.f, 3.f}}));
  EXPECT_FALSE(probe().embeddings("[[[1]]]").has_value());
}

}  // namespace
}  // namespace graphbit
