#include <graphbit/net/batch_format.hpp>

#include <gtest/gtest.h>

#include "value_of.hpp"

namespace graphbit {
namespace {

[[nodiscard]] std::string line_with(const std::string& body,
                                    const std::string& url = "/v1/chat/completions") {
  return R"({"custom_id":"a","method":"POST","url":")" + url + R"(","body":)" + body + "}";
}

TEST(batch_format, reads_images_and_files_by_url_and_as_data_urls) {
  using kind = content_part::kind;
  const auto part = [](const char* text) { return content_part_from(value_of(parse_json(text))); };
  EXPECT_EQ(part(R"({"type":"image_url","image_url":{"url":"https://x/y.png"}})"),
            (content_part{kind::image_url, "https://x/y.png", "", ""}));
  EXPECT_EQ(part(R"({"type":"image_url","image_url":"data:image/png;base64,Zm9v"})"),
            (content_part{kind::image_bytes, "foo", "image/png", ""}));
  EXPECT_EQ(
      part(
          R"({"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,Zm9vYg=="}})"),
      (content_part{kind::file_bytes, "foob", "application/pdf", "a.pdf"}));
  EXPECT_EQ(part(R"({"type":"file","file":{"file_data":"https://x/a.pdf"}})"),
            (content_part{kind::file_url, "https://x/a.pdf", "", ""}));
  for (const char* bad : {R"({"type":"image_url"})", R"({"type":"image_url","image_url":{}})",
                          R"({"type":"file","file":{"file_id":"f"}})", R"({"type":"input_audio"})",
                          "{}", R"({"type":"image_url","image_url":"data:image/png,plain"})",
                          R"({"type":"image_url","image_url":"data:image/png;base64,!"})"})
    EXPECT_EQ(part(bad).error().kind, error_kind::validation) << bad;
}

TEST(batch_format, reads_a_chat_line) {
  const auto line = parse_batch_line(line_with(
      R"({"model":"m","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}],)"
      R"("max_tokens":5,"temperature":0.5,"logit_bias":{"1":2}})"));
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->custom_id, "a");
  const auto& request = std::get<chat_request>(line->request);
  ASSERT_EQ(request.messages.size(), 2u);
  EXPECT_EQ(request.messages[0].role, chat_role::system);
  EXPECT_EQ(request.messages[1].text, "hi");
  EXPECT_EQ(request.model, "m");
  EXPECT_EQ(request.max_tokens, 5u);
  EXPECT_EQ(request.temperature, 0.5);
  EXPECT_EQ(request.extra_body, R"({"logit_bias":{"1":2}})")
      << "unknown members travel as they are";
}

TEST(batch_format, reads_tools_parts_and_tool_answers) {
  const auto line = parse_batch_line(line_with(
      R"({"messages":[{"role":"user","content":[{"type":"text","text":"what is this"},)"
      R"({"type":"image_url","image_url":{"url":"https://x/y.png"}}]},)"
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",)"
      R"("function":{"name":"f","arguments":"{\"a\":1}"}}]},)"
      R"({"role":"tool","tool_call_id":"c1","content":"done"}],)"
      R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]})"));
  ASSERT_TRUE(line) << line.error().message;
  const auto& request = std::get<chat_request>(line->request);
  ASSERT_EQ(request.messages.size(), 3u);
  EXPECT_EQ(request.messages[0].parts[1].data, "https://x/y.png");
  EXPECT_EQ(request.messages[1].tool_calls[0].arguments, R"({"a":1})");
  EXPECT_EQ(request.messages[2].tool_call_id, "c1");
  EXPECT_EQ(request.tools[0].parameters, R"({"type":"object"})");
}

TEST(batch_format, reads_an_embeddings_line) {
  const auto line =
      parse_batch_line(line_with(R"({"model":"e","input":["x","y"]})", "/v1/embeddings"));
  ASSERT_TRUE(line);
  EXPECT_EQ(std::get<embedding_request>(line->request).inputs,
            (std::vector<std::string>{"x", "y"}));
}

struct bad_line {
  const char* why;
  std::string line;
  const char* says;
};

class batch_format_refuses : public ::testing::TestWithParam<bad_line> {};

TEST_P(batch_format_refuses, and_says_why) {
  const auto parsed = parse_batch_line(GetParam().line);
  ASSERT_FALSE(parsed) << GetParam().why;
  EXPECT_NE(parsed.error().message.find(GetParam().says), std::string::npos)
      << parsed.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    lines, batch_format_refuses,
    ::testing::Values(
        bad_line{"no JSON", "{", "no valid JSON"},
        bad_line{"invalid UTF-8", "{\"custom_id\":\"\xff\"}", "no valid JSON"},
        bad_line{"a list", "[]", "JSON object"}, bad_line{"no id", "{}", "custom_id"},
        bad_line{"an unknown url", line_with("{}", "/v1/images"), "/v1/images"},
        bad_line{"a GET", R"({"custom_id":"a","method":"GET","url":"/v1/embeddings","body":{}})",
                 "POST"},
        bad_line{"no body", R"({"custom_id":"a","url":"/v1/chat/completions"})", "body"},
        bad_line{"no messages", line_with("{}"), "messages"},
        bad_line{"an unknown role", line_with(R"({"messages":[{"role":"x"}]})"), "role"},
        bad_line{"streaming",
                 line_with(R"({"messages":[{"role":"user","content":"x"}],"stream":true})"),
                 "stream"},
        bad_line{"a negative limit",
                 line_with(R"({"messages":[{"role":"user","content":"x"}],"max_tokens":-1})"),
                 "max_tokens"}));

TEST(batch_format, a_huge_line_is_refused_by_its_limit) {
  const auto parsed = parse_batch_line(std::string(limits::prompt_bytes_max + 1, ' '));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().resource_type, "line_bytes");
}

TEST(batch_format, results_are_lines_of_valid_json) {
  chat_response response;
  response.id = "chatcmpl-1";
  response.content = "a \"quoted\"\nline";
  response.finish = {finish_reason::kind::tool_calls, {}};
  response.tool_calls = {{"c1", "f", R"({"a":1})"}};
  response.usage = {.prompt_tokens = 3, .completion_tokens = 4, .total_tokens = 7};
  const auto text = format_batch_result("id1", "mine", response);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto parsed = parse_json(text);
  ASSERT_TRUE(parsed) << text;
  EXPECT_EQ(parsed->string_or("custom_id"), "mine");
  EXPECT_TRUE(parsed->find("error")->is_null());
  const auto* body = parsed->find("response")->find("body");
  const auto& choice = body->find("choices")->as_array().front();
  EXPECT_EQ(choice.find("message")->string_or("content"), response.content);
  EXPECT_EQ(choice.string_or("finish_reason"), "tool_calls");
  EXPECT_EQ(body->find("usage")->find("total_tokens")->as_int(), 7);
}

TEST(batch_format, embedding_results_bring_every_float_back) {
  embedding_response response;
  response.vectors = {{0.1f, -3.4028235e38f, 1e-45f}};
  const auto parsed = parse_json(format_batch_result("i", "c", response));
  ASSERT_TRUE(parsed);
  const auto& item = parsed->find("response")->find("body")->find("data")->as_array().front();
  const auto& vector = item.find("embedding")->as_array();
  for (std::size_t i = 0; i < vector.size(); ++i)
    EXPECT_EQ(static_cast<float>(vector[i].as_double()), response.vectors[0][i]);
}

TEST(batch_format, errors_carry_status_code_and_words) {
  auto e = rate_limit_error("slow down");
  e.status = 429;
  const auto parsed = parse_json(format_batch_error("i", "c", e));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->find("response")->find("status_code")->as_int(), 429);
  EXPECT_EQ(parsed->find("error")->string_or("code"), "rate_limit");
}

}  // namespace
}  // namespace graphbit
