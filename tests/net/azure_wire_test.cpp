#include <gtest/gtest.h>

#include "net/wire_probe.hpp"
#include "src/wire/wires.hpp"

namespace graphbit {
namespace {

using test::asking;
using test::streamed;
using test::wire_probe;

wire_probe probe(std::string deployment) {
  provider_config config;
  config.provider = "azurellm";
  config.base_url = "https://me.openai.azure.com";
  config.api_key = secret("azure-key-0123456789abc");
  config.model = std::move(deployment);
  return {wires::azure(), std::move(config)};
}

TEST(azure_wire, chooses_the_api_by_the_deployments_name) {
  const auto target = [](const char* name) {
    return probe(name).wire.chat_target(probe(name).config, name, false);
  };
  for (const char* name : {"gpt-4o", "My-GPT", "codex-mini", "o3-mini", "team-o1", "ada-002"})
    EXPECT_EQ(target(name), "/openai/responses?api-version=2024-10-21") << name;
  EXPECT_EQ(target("llama-3"),
            "/openai/deployments/llama-3/chat/completions?api-version=2024-10-21");
}

TEST(azure_wire, takes_version_and_deployment_from_the_parameters) {
  wire_probe azure = probe("m");
  azure.config.parameters = {{"deployment_name", "phi"}, {"api_version", "2025-01-01"}};
  EXPECT_EQ(azure.wire.chat_target(azure.config, "m", false),
            "/openai/deployments/phi/chat/completions?api-version=2025-01-01");
  EXPECT_EQ(azure.wire.embeddings_target(azure.config),
            "/openai/deployments/phi/embeddings?api-version=2025-01-01");
  EXPECT_NE(azure.wire.headers(azure.config)->find("api-key: azure-key-0123456789abc\r\n"),
            std::string::npos);
}

TEST(azure_wire, chat_completions_have_no_model_in_the_body) {
  chat_request request = asking("hi");
  request.max_tokens = 5;
  EXPECT_EQ(probe("llama-3").encoded(request),
            R"({"messages":[{"role":"user","content":"hi"}],"max_tokens":5})");
  EXPECT_EQ(probe("llama-3").decoded(R"({"choices":[{"message":{"content":"x"}}]})")->content, "x");
}

TEST(azure_wire, embeddings_have_no_model_in_the_body) {
  embedding_request request;
  request.inputs = {"a"};
  std::string body;
  const wire_probe azure = probe("text-embedding-3-small");
  ASSERT_TRUE(azure.wire.encode_embeddings(azure.config, request, body));
  EXPECT_EQ(body, R"({"input":["a"],"encoding_format":"base64"})");
}

TEST(azure_wire, reads_errors) {
  const error e = probe("gpt-4o").refusal(
      401,
      R"({"error":{"code":"401","message":"Access denied due to invalid subscription key."}})");
  EXPECT_EQ(e.kind, error_kind::authentication);
  EXPECT_EQ(e.provider, "azurellm");
  EXPECT_NE(e.message.find("invalid subscription key"), std::string::npos);
}

TEST(openai_responses, writes_items) {
  using kind = content_part::kind;
  chat_request request;
  request.messages = {{chat_role::system, "Be brief.", {}, {}, {}},
                      {chat_role::user,
                       "",
                       {{kind::text, "look", "", ""},
                        {kind::image_url, "https://x/y.png", "", ""},
                        {kind::file_bytes, "foob", "application/pdf", "a.pdf"}},
                       {},
                       {}},
                      {chat_role::assistant, "", {}, {{"c1", "weather", R"({"city":"Bonn"})"}}, {}},
                      {chat_role::tool, "sunny", {}, {}, "c1"}};
  request.tools = {{"weather", "Tells it", R"({"type":"object"})"}};
  request.tool_choice = "weather";
  request.max_tokens = 9;
  request.response_format = R"({"type":"object"})";
  EXPECT_EQ(
      probe("gpt-4o").encoded(request, true),
      R"({"model":"gpt-4o","input":[{"role":"developer","content":"Be brief."},)"
      R"({"role":"user","content":[{"type":"input_text","text":"look"},)"
      R"({"type":"input_image","detail":"auto","image_url":"https://x/y.png"},)"
      R"({"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,Zm9vYg=="}]},)"
      R"({"type":"function_call","call_id":"c1","name":"weather","arguments":"{\"city\":\"Bonn\"}"},)"
      R"({"type":"function_call_output","call_id":"c1","output":"sunny"}],"max_output_tokens":9,)"
      R"("tools":[{"type":"function","name":"weather","description":"Tells it","strict":false,"parameters":{"type":"object"}}],)"
      R"("tool_choice":{"type":"function","name":"weather"},)"
      R"("text":{"format":{"type":"json_schema","name":"response","schema":{"type":"object"}}},"stream":true})");
}

constexpr const char* whole_response =
    R"({"id":"resp_1","object":"response","created_at":1,"status":"completed","error":null,"incomplete_details":null,"model":"gpt-4o","output":[{"type":"reasoning","id":"rs_1","summary":[]},{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Grüße","annotations":[]}]},{"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"x\":1}","status":"completed"}],"usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":2,"cache_write_tokens":1},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":8}})";

TEST(openai_responses, reads_a_response) {
  const auto response = probe("gpt-4o").decoded(whole_response);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->content, "Grüße");
  EXPECT_EQ(response->id, "resp_1");
  EXPECT_EQ(response->tool_calls, (std::vector<tool_call>{{"c1", "f", R"({"x":1})"}}));
  EXPECT_EQ(response->finish.type, finish_reason::kind::tool_calls);
  EXPECT_EQ(response->usage, (token_usage{5, 3, 8, 2, 1, 1}));
}

TEST(openai_responses, reads_why_it_is_incomplete) {
  const auto finish = [](const std::string& reason) {
    return probe("gpt-4o")
        .decoded(R"({"status":"incomplete","output":[],"incomplete_details":{"reason":")" + reason +
                 "\"}}")
        ->finish.type;
  };
  EXPECT_EQ(finish("max_output_tokens"), finish_reason::kind::length);
  EXPECT_EQ(finish("content_filter"), finish_reason::kind::content_filter);
}

TEST(openai_responses, a_failed_response_is_an_error) {
  const auto failed = probe("gpt-4o").decoded(
      R"({"status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"slow down"}})");
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().kind, error_kind::rate_limit);
  EXPECT_FALSE(probe("gpt-4o").decoded("{}").has_value());
}

const std::string text_stream =
    "event: response.created\n"
    R"(data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","status":"in_progress","output":[],"error":null}})"
    "\n\nevent: response.output_text.delta\n"
    R"(data: {"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"Gr\u00fc"})"
    "\n\nevent: response.output_text.delta\n"
    R"(data: {"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"ße"})"
    "\n\nevent: response.function_call_arguments.delta\n"
    R"(data: {"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":"{\"x\":1}"})"
    "\n\nevent: response.output_item.done\n"
    R"(data: {"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"x\":1}","status":"completed"}})"
    "\n\nevent: response.completed\n"
    R"(data: {"type":"response.completed","response":)" +
    std::string(whole_response) + "}\n\n";

TEST(openai_responses, its_stream_is_right_at_every_byte_split) {
  probe("gpt-4o").at_every_split(text_stream, [](const streamed& got) {
    ASSERT_TRUE(got.response.has_value());
    EXPECT_EQ(got.joined(), "Grüße");
    EXPECT_EQ(got.response->content, "Grüße");
    EXPECT_EQ(got.response->tool_calls, (std::vector<tool_call>{{"c1", "f", R"({"x":1})"}}));
    EXPECT_EQ(got.response->usage, (token_usage{5, 3, 8, 2, 1, 1}));
    EXPECT_TRUE(got.complete);
  });
}

TEST(openai_responses, errors_and_an_early_end_of_its_stream_are_failures) {
  const std::string begun =
      text_stream.substr(0, text_stream.find("event: response.function_call"));
  EXPECT_EQ(probe("gpt-4o").stream({begun}).response.error().kind, error_kind::network);
  const streamed failed = probe("gpt-4o").stream(
      {begun, R"(data: {"type":"error","code":"server_error","message":"m","param":null})"
              "\n\n"});
  ASSERT_FALSE(failed.response.has_value());
  EXPECT_EQ(failed.response.error().kind, error_kind::network);
  EXPECT_EQ(failed.response.error().partial_text, "Grüße");
  const streamed limited = probe("gpt-4o").stream(
      {R"(data: {"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"m"}}})"
       "\n\n"});
  EXPECT_EQ(limited.response.error().kind, error_kind::rate_limit);
}

}  // namespace
}  // namespace graphbit
