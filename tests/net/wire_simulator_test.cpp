// Every wire against the simulator over real HTTP: what we write is understood and what it answers
// is read, by two sides that were written apart from the providers' published references.
#include <gtest/gtest.h>

#include <net/http_client_fixture.hpp>

#include <graphbit/net/simulator.hpp>
#include <graphbit/net/wire_format.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit::test {
namespace {

struct place {
  std::string name;
  std::string provider;
  std::string path;  // of the base URL
  std::string model;
  bool tools = true;
  bool structured = true;
  std::string embedding_model;  // empty: no embeddings

  friend void PrintTo(const place& p, std::ostream* out) { *out << p.name; }
};

const std::vector<place>& places() {
  static const std::vector<place> all = {
      {"openai", "openai", "/v1", "gpt-4o-mini", true, true, "text-embedding-3-small"},
      {"deepseek", "deepseek", "/v1", "deepseek-chat", true, true, ""},
      {"anthropic", "anthropic", "/v1", "claude-sonnet-4-20250514", true, true, ""},
      {"azure_responses", "azurellm", "", "gpt-4o", true, true, "text-embedding-3-small"},
      {"azure_chat", "azurellm", "", "llama-3", true, true, ""},
      {"mistralai", "mistralai", "/mistral/v1", "mistral-large-latest", true, true,
       "mistral-embed"},
      {"ollama", "ollama", "", "llama3.2", true, true, "nomic-embed-text"},
      {"gemini", "gemini", "/v1beta", "gemini-2.5-flash", true, true, "gemini-embedding-001"},
      {"replicate", "replicate", "/v1", "openai/gpt-5", false, false, ""},
      {"huggingface", "huggingface", "/models", "gpt2", false, false,
       "sentence-transformers/all-MiniLM-L6-v2"},
  };
  return all;
}

class wire_simulator_test : public http_client_test, public ::testing::WithParamInterface<place> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(simulator_.start().has_value());
    config_.provider = GetParam().provider;
    config_.base_url = simulator_.url() + GetParam().path;
    config_.api_key = secret("sk-simulated-0123456789");
    config_.model = GetParam().model;
    auto resolved = resolve(config_);
    ASSERT_TRUE(resolved.has_value()) << resolved.error().message;
    config_ = std::move(*resolved);
    on_reactor([&] {
      client_ = std::make_unique<http_client>(
          rt_->reactor_at(0), origin{false, "127.0.0.1", simulator_.port()}, http_client_options{});
    });
  }
  void TearDown() override { disconnect(); }

  [[nodiscard]] const wire_format& wire() const { return *find_provider(config_.provider)->wire; }

  [[nodiscard]] http_request request_to(const std::string& target, std::string body,
                                        bool stream = false) const {
    http_request request;
    request.target = std::make_shared<const std::string>(GetParam().path + target);
    auto headers = wire().headers(config_);
    EXPECT_TRUE(headers.has_value());
    request.headers = std::make_shared<const std::string>(headers.value_or(""));
    request.extra_headers = wire().call_headers(config_, {}, stream);
    request.body = std::move(body);
    request.stream = stream;
    return request;
  }

  expected<chat_response> complete(const chat_request& asked) {
    std::string body;
    if (auto ok = wire().encode_chat(config_, asked, false, body); !ok) return fail(ok.error());
    auto answer = ask(request_to(wire().chat_target(config_, config_.model, false), body));
    for (int polls = 0; answer && answer->status / 100 == 2 && polls < 20; ++polls) {
      const auto step = wire().next_step(config_, answer->body);
      if (!step) break;
      auto again = request_to(step->target, {});
      again.method = "GET";
      answer = ask(std::move(again));
    }
    if (!answer) return fail(answer.error());
    if (answer->status / 100 != 2) return fail(wire().decode_error(config_, *answer));
    return wire().decode_chat(config_, answer->body);
  }

  expected<chat_response> stream(const chat_request& asked, std::vector<std::string>& text) {
    std::string body;
    if (auto ok = wire().encode_chat(config_, asked, true, body); !ok) return fail(ok.error());
    auto request = request_to(wire().chat_target(config_, config_.model, true), body, true);
    const auto decoder = wire().decode_stream(config_);
    for (int polls = 0; polls < 20; ++polls) {
      recorder to;
      start(to, std::move(request));
      if (auto ended = to.wait(); !ended) return fail(ended.error());
      for (const std::string& piece : to.pieces())
        if (auto fed = decoder->feed(piece, text); !fed) return fail(fed.error());
      const auto step = decoder->next_step();
      if (!step) break;
      request = request_to(step->target, {}, true);
      request.method = "GET";
    }
    return decoder->finish();
  }

  [[nodiscard]] static chat_request asking(std::string text) {
    chat_request request;
    request.messages.push_back({chat_role::user, std::move(text), {}, {}, {}});
    request.max_tokens = 200;
    return request;
  }

  sim::simulator simulator_;
  provider_config config_;
};

class wire_tools_test : public wire_simulator_test {};
class wire_structured_output_test : public wire_simulator_test {};
class wire_embeddings_test : public wire_simulator_test {};
class wire_stream_error_test : public wire_simulator_test {};

TEST_P(wire_simulator_test, a_stream_brings_the_text_of_the_plain_answer) {
  const auto plain = complete(asking("Tell me about bees."));
  ASSERT_TRUE(plain.has_value()) << plain.error().message;
  EXPECT_FALSE(plain->content.empty());
  EXPECT_EQ(plain->provider, GetParam().provider);
  std::vector<std::string> text;
  const auto streamed = stream(asking("Tell me about bees."), text);
  ASSERT_TRUE(streamed.has_value()) << streamed.error().message;
  EXPECT_EQ(streamed->content, plain->content);
  std::string joined;
  for (const std::string& piece : text) joined += piece;
  EXPECT_EQ(joined, plain->content);
  EXPECT_GT(streamed->usage.completion_tokens, 0u);
}

TEST_P(wire_tools_test, a_tool_is_called_and_its_result_taken) {
  chat_request asked = asking("What is the weather in Bonn?");
  asked.tools = {
      {"weather", "Tells the weather",
       R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})"}};
  asked.tool_choice = config_.provider == "ollama" ? "" : "required";
  std::vector<std::string> text;
  for (const auto& answer : {complete(asked), stream(asked, text)}) {
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    if (answer->tool_calls.empty() && config_.provider == "ollama") continue;  // cannot be required
    ASSERT_EQ(answer->tool_calls.size(), 1u);
    const tool_call& call = answer->tool_calls.front();
    EXPECT_EQ(call.name, "weather");
    EXPECT_FALSE(call.id.empty());
    const auto arguments = parse_json(call.arguments);
    ASSERT_TRUE(arguments.has_value());
    EXPECT_NE(arguments->find("city"), nullptr) << call.arguments;

    chat_request next = asked;
    next.tool_choice.clear();
    next.messages.push_back({chat_role::assistant, answer->content, {}, answer->tool_calls, {}});
    next.messages.push_back({chat_role::tool, "sunny", {}, {}, call.id});
    const auto said = complete(next);
    ASSERT_TRUE(said.has_value()) << said.error().message;
    EXPECT_FALSE(said->content.empty());
  }
}

TEST_P(wire_structured_output_test, structured_output_fits_its_schema) {
  chat_request asked = asking("Name a bee.");
  asked.response_format =
      R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"],"additionalProperties":false})";
  const auto answer = complete(asked);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  const auto value = parse_json(answer->content);
  ASSERT_TRUE(value.has_value()) << answer->content;
  ASSERT_NE(value->find("name"), nullptr) << answer->content;
  EXPECT_TRUE(value->find("name")->is_string());
}

TEST_P(wire_embeddings_test, embeddings_come_in_the_order_of_their_inputs) {
  config_.model = GetParam().embedding_model;
  const auto embed = [&](std::vector<std::string> inputs) {
    embedding_request asked;
    asked.inputs = std::move(inputs);
    std::string body;
    EXPECT_TRUE(wire().encode_embeddings(config_, asked, body).has_value());
    const auto answer = ask(request_to(wire().embeddings_target(config_), body));
    EXPECT_TRUE(answer.has_value());
    std::string text = answer ? answer->body : std::string();
    auto decoded = wire().decode_embeddings(config_, text);
    EXPECT_TRUE(decoded.has_value()) << decoded.error().message;
    return decoded ? decoded->vectors : std::vector<std::vector<float>>{};
  };
  const auto both = embed({"bees", "rockets"});
  ASSERT_EQ(both.size(), 2u);
  EXPECT_FALSE(both[0].empty());
  EXPECT_NE(both[0], both[1]);
  EXPECT_EQ(embed({"rockets", "bees"}), (std::vector<std::vector<float>>{both[1], both[0]}));
}

TEST_P(wire_simulator_test, refusals_come_with_their_kind_and_words_but_not_the_key) {
  const auto refused = [&](const char* settings) {
    EXPECT_TRUE(simulator_.configure(settings).has_value());
    const auto answer = complete(asking("x"));
    EXPECT_FALSE(answer.has_value()) << settings;
    return answer ? error{} : answer.error();
  };
  const error limited = refused(R"({"fault_429":1,"retry_after_s":7})");
  EXPECT_EQ(limited.kind, error_kind::rate_limit);
  EXPECT_EQ(limited.retry, retry_rule::transient);
  EXPECT_EQ(limited.retry_after, milliseconds{7000});
  EXPECT_EQ(refused(R"({"fault_429":0,"fault_500":1})").kind, error_kind::network);
  if (GetParam().provider == "ollama") return;  // takes no key
  const error wrong_key = refused(R"({"fault_500":0,"wrong_keys":["sk-simulated-0123456789"]})");
  EXPECT_EQ(wrong_key.kind, error_kind::authentication);
  EXPECT_EQ(describe(wrong_key).find(config_.api_key.expose()), std::string::npos);
  EXPECT_EQ(wrong_key.retry, retry_rule::never);
}

TEST_P(wire_stream_error_test, an_error_inside_a_stream_is_an_error) {
  ASSERT_TRUE(simulator_.configure(R"({"fault_error_mid":1})").has_value());
  std::vector<std::string> text;
  const auto answer = stream(asking("Tell me about bees."), text);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().provider, GetParam().provider);
}

template <class Condition>
auto places_where(Condition holds) {
  std::vector<place> chosen;
  for (const place& p : places())
    if (holds(p)) chosen.push_back(p);
  return ::testing::ValuesIn(chosen);
}

const auto name_of = [](const auto& info) { return info.param.name; };

INSTANTIATE_TEST_SUITE_P(providers, wire_simulator_test, ::testing::ValuesIn(places()), name_of);
INSTANTIATE_TEST_SUITE_P(providers, wire_tools_test,
                         places_where([](const place& p) { return p.tools; }), name_of);
INSTANTIATE_TEST_SUITE_P(providers, wire_structured_output_test,
                         places_where([](const place& p) { return p.structured; }), name_of);
INSTANTIATE_TEST_SUITE_P(providers, wire_embeddings_test,
                         places_where([](const place& p) { return !p.embedding_model.empty(); }),
                         name_of);
// Replicate's answer is one document, also where a stream was asked for.
INSTANTIATE_TEST_SUITE_P(providers, wire_stream_error_test,
                         places_where([](const place& p) { return p.provider != "replicate"; }),
                         name_of);

}  // namespace
}  // namespace graphbit::test
