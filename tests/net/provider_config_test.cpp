#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <set>
#include <tuple>

#include <graphbit/net/provider_config.hpp>

namespace graphbit {
namespace {

/// Sets or unsets a variable for one test and puts it back.
class scoped_variable {
 public:
  scoped_variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    if (value == nullptr)
      unsetenv(name);
    else
      setenv(name, value, 1);
  }
  ~scoped_variable() {
    if (before_)
      setenv(name_, before_->c_str(), 1);
    else
      unsetenv(name_);
  }
  scoped_variable(const scoped_variable&) = delete;
  scoped_variable& operator=(const scoped_variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

provider_config config_of(std::string provider, std::string key = {}, std::string base_url = {}) {
  provider_config config;
  config.provider = std::move(provider);
  config.api_key = secret(std::move(key));
  config.base_url = std::move(base_url);
  return config;
}

error refusal(provider_config config) {
  const auto resolved = resolve(std::move(config));
  EXPECT_FALSE(resolved.has_value());
  return resolved ? error{} : resolved.error();
}

TEST(provider_table, names_each_provider_once) {
  std::set<std::string_view> names;
  for (const provider_row& row : provider_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(find_provider(row.name), &row);
    EXPECT_NE(row.wire, nullptr) << row.name;
    EXPECT_TRUE(row.base_url.empty() || row.base_url.back() != '/') << row.name;
  }
  for (const char* name :
       {"openai", "anthropic", "azurellm", "bytedance", "deepseek", "ollama", "perplexity",
        "openrouter", "fireworks", "ai21", "replicate", "togetherai", "xai", "mistralai", "gemini",
        "huggingface", "openai_compatible"})
    EXPECT_EQ(names.count(name), 1u) << name;
  EXPECT_EQ(find_provider("nobody"), nullptr);
}

TEST(resolve, fills_the_defaults_of_the_contract) {
  const auto openai = resolve(config_of("openai", "sk-12345678901234567"));
  ASSERT_TRUE(openai.has_value());
  EXPECT_EQ(openai->base_url, "https://api.openai.com/v1");
  EXPECT_EQ(openai->model, "gpt-4o-mini");
  const auto anthropic = resolve(config_of("anthropic", "sk-ant-12345678"));
  ASSERT_TRUE(anthropic.has_value());
  EXPECT_EQ(anthropic->model, "claude-sonnet-4-20250514");
}

TEST(resolve, refuses_an_empty_or_short_key_in_the_contracts_words) {
  const scoped_variable none("OPENAI_API_KEY", nullptr);
  const error empty = refusal(config_of("openai"));
  EXPECT_EQ(empty.kind, error_kind::validation);
  EXPECT_EQ(empty.field, "api_key");
  EXPECT_EQ(empty.message.rfind("OpenAI API key cannot be empty", 0), 0u) << empty.message;
  EXPECT_EQ(refusal(config_of("openai", "sk-1234567890123456"))
                .message.rfind("OpenAI API key too short", 0),
            0u);
  EXPECT_EQ(refusal(config_of("anthropic", "14-bytes-long-"))
                .message.rfind("Anthropic API key too short", 0),
            0u);
  EXPECT_EQ(refusal(config_of("huggingface", "9-bytes--"))
                .message.rfind("HuggingFace API key too short", 0),
            0u);
  EXPECT_EQ(refusal(config_of("xai", "7-bytes")).message.rfind("xAI API key too short", 0), 0u);
  EXPECT_EQ(empty.message.find("sk-"), std::string::npos);
}

TEST(resolve, takes_any_key_or_none_with_a_base_url) {
  EXPECT_TRUE(resolve(config_of("openai", "EMPTY", "http://127.0.0.1:8000/v1")).has_value());
  EXPECT_TRUE(resolve(config_of("openai", "", "http://127.0.0.1:8000/v1")).has_value());
  EXPECT_TRUE(resolve(config_of("openai_compatible", "", "http://127.0.0.1:8000/v1")).has_value());
}

TEST(resolve, reads_the_environment_only_without_key_and_base_url) {
  const scoped_variable key("OPENAI_API_KEY", "sk-from-the-environment");
  const scoped_variable place("OPENAI_BASE_URL", nullptr);
  EXPECT_EQ(resolve(config_of("openai"))->api_key.expose(), "sk-from-the-environment");
  EXPECT_EQ(resolve(config_of("openai", "", "http://127.0.0.1:1/v1"))->api_key.expose(), "");
  EXPECT_EQ(resolve(config_of("openai", "sk-of-the-caller-itself"))->api_key.expose(),
            "sk-of-the-caller-itself");
}

TEST(resolve, takes_the_base_url_of_the_environment_only_with_its_key) {
  const scoped_variable key("OPENAI_API_KEY", "sk-from-the-environment");
  const scoped_variable place("OPENAI_BASE_URL", "http://127.0.0.1:1/v1/");
  EXPECT_EQ(resolve(config_of("openai"))->base_url, "http://127.0.0.1:1/v1");
  EXPECT_EQ(resolve(config_of("openai", "sk-of-the-caller-itself"))->base_url,
            "https://api.openai.com/v1");
}

TEST(resolve, reads_the_variables_of_the_official_clients) {
  const scoped_variable google("GOOGLE_API_KEY", "google-key");
  const scoped_variable gemini("GEMINI_API_KEY", "gemini-key");
  const scoped_variable google_place("GOOGLE_GEMINI_BASE_URL", nullptr);
  EXPECT_EQ(resolve(config_of("gemini"))->api_key.expose(), "google-key");
  {
    const scoped_variable none("GOOGLE_API_KEY", nullptr);
    EXPECT_EQ(resolve(config_of("gemini"))->api_key.expose(), "gemini-key");
  }
  const scoped_variable hub("HF_TOKEN", nullptr);
  const scoped_variable old_hub("HUGGING_FACE_HUB_TOKEN", "hf_0123456789");
  EXPECT_EQ(resolve(config_of("huggingface"))->api_key.expose(), "hf_0123456789");
}

TEST(resolve, adds_the_version_that_anthropics_and_googles_variables_leave_out) {
  const scoped_variable anthropic_key("ANTHROPIC_API_KEY", "sk-ant-0123456789");
  const scoped_variable gemini_key("GOOGLE_API_KEY", "google-key");
  for (const auto& [provider, variable, value, url] :
       {std::tuple{"anthropic", "ANTHROPIC_BASE_URL", "http://h:1", "http://h:1/v1"},
        std::tuple{"anthropic", "ANTHROPIC_BASE_URL", "http://h:1/p/", "http://h:1/p/v1"},
        std::tuple{"anthropic", "ANTHROPIC_BASE_URL", "http://h:1/v1", "http://h:1/v1"},
        std::tuple{"gemini", "GOOGLE_GEMINI_BASE_URL", "http://h:1", "http://h:1/v1beta"}}) {
    const scoped_variable place(variable, value);
    EXPECT_EQ(resolve(config_of(provider))->base_url, url) << value;
  }
}

TEST(resolve, reads_organization_project_and_version_beside_the_key_only) {
  const scoped_variable key("OPENAI_API_KEY", "sk-from-the-environment");
  const scoped_variable place("OPENAI_BASE_URL", nullptr);
  const scoped_variable organization("OPENAI_ORG_ID", "org-1");
  const scoped_variable project("OPENAI_PROJECT_ID", "proj-1");
  const scoped_variable version("OPENAI_API_VERSION", "2026-01-01");
  const scoped_variable azure_key("AZURE_OPENAI_API_KEY", "azure-key");
  using parameters = std::map<std::string, std::string>;
  EXPECT_EQ(resolve(config_of("openai"))->parameters,
            (parameters{{"organization", "org-1"}, {"project", "proj-1"}}));
  EXPECT_EQ(resolve(config_of("openai", "sk-of-the-caller-itself"))->parameters, parameters{});
  EXPECT_EQ(resolve(config_of("azurellm", "", "https://x.openai.azure.com"))->parameters,
            (parameters{{"api_version", "2026-01-01"}}));
}

TEST(resolve, reads_ollama_host_as_ollama_does) {
  for (const auto& [host, url] :
       {std::pair{"127.0.0.1:9", "http://127.0.0.1:9"}, std::pair{"box", "http://box:11434"},
        std::pair{":9", "http://127.0.0.1:9"}, std::pair{"box/path", "http://box:11434/path"},
        std::pair{"[::1]", "http://[::1]:11434"},
        std::pair{"https://box/ollama/", "https://box/ollama"}}) {
    const scoped_variable variable("OLLAMA_HOST", host);
    EXPECT_EQ(resolve(config_of("ollama"))->base_url, url);
  }
  const scoped_variable none("OLLAMA_HOST", nullptr);
  EXPECT_EQ(resolve(config_of("ollama"))->base_url, "http://localhost:11434");
}

TEST(resolve, azure_needs_its_endpoint_and_its_key) {
  const scoped_variable key("AZURE_OPENAI_API_KEY", nullptr);
  const scoped_variable place("AZURE_OPENAI_ENDPOINT", nullptr);
  EXPECT_EQ(refusal(config_of("azurellm", "12345678")).field, "base_url");
  EXPECT_EQ(refusal(config_of("azurellm", "1234567", "https://x.openai.azure.com"))
                .message.rfind("Azure LLM API key too short", 0),
            0u);
  const auto good = resolve(config_of("azurellm", "12345678", "https://x.openai.azure.com/"));
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(good->base_url, "https://x.openai.azure.com");
}

TEST(resolve, is_idempotent) {
  auto once = resolve(config_of("openai", "sk-12345678901234567"));
  ASSERT_TRUE(once.has_value());
  EXPECT_EQ(resolve(*once), once);
}

TEST(resolve, refuses_what_cannot_work_and_names_the_setting) {
  const auto field_of = [](auto change) {
    provider_config config = config_of("openai", "sk-12345678901234567");
    change(config);
    const error e = refusal(std::move(config));
    EXPECT_EQ(e.kind, error_kind::configuration);
    return e.field;
  };
  EXPECT_EQ(field_of([](auto& c) { c.provider = "nobody"; }), "provider");
  EXPECT_EQ(field_of([](auto& c) { c.base_url = "api.openai.com"; }), "base_url");
  EXPECT_EQ(field_of([](auto& c) { c.base_url = "http://h/v1?x=1"; }), "base_url");
  EXPECT_EQ(field_of([](auto& c) { c.extra_headers = {{"X-A", "a\r\nB: c"}}; }), "extra_headers");
  EXPECT_EQ(field_of([](auto& c) { c.extra_headers = {{"X A", "a"}}; }), "extra_headers");
  EXPECT_EQ(field_of([](auto& c) {
              c.extra_headers = {{"Content-Length", "1"}};
            }),
            "extra_headers");
  EXPECT_EQ(field_of([](auto& c) { c.api_key = secret("sk-12345678901234567\n"); }), "api_key");
  EXPECT_EQ(field_of([](auto& c) { c.rpm = 0; }), "rpm");
  EXPECT_EQ(field_of([](auto& c) { c.max_in_flight = 0; }), "max_in_flight");
  EXPECT_EQ(field_of([](auto& c) { c.call_timeout = milliseconds{0}; }), "timeout_s");
  EXPECT_EQ(field_of([](auto& c) { c.token_limit_field = "tokens"; }), "token_limit_field");
  EXPECT_EQ(field_of([](auto& c) { c.extra_body = "[1]"; }), "extra_body");
  EXPECT_EQ(refusal(config_of("openai_compatible")).field, "base_url");
}

}  // namespace
}  // namespace graphbit
