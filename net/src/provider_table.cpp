#include <algorithm>
#include <utility>

#include <graphbit/net/provider_config.hpp>

#include "src/wire/openai_chat.hpp"
#include "src/wire/wires.hpp"

namespace graphbit {

namespace {

/// OpenAI's chat completions as one provider speaks them. Lives for the process, as the table does.
const wire_format* chat_completions(openai_dialect dialect = {}) {
  return wires::chat_completions(std::move(dialect)).release();
}

/// A new provider that speaks OpenAI's chat completions is one more row.
std::vector<provider_row> make_table() {
  using files = openai_dialect::file_form;
  const wire_format* const compatible = chat_completions();
  // Where stream_usage is false, usage comes unasked; Mistral even refuses to be asked for it
  // (422).
  return {
      {.name = "openai",
       .display_name = "OpenAI",
       .base_url = "https://api.openai.com/v1",
       .default_model = "gpt-4o-mini",
       .default_embedding_model = "text-embedding-3-small",
       .key_environment = "OPENAI_API_KEY",
       .base_url_environment = "OPENAI_BASE_URL",
       .key_bytes_min = 20,
       .wire = chat_completions({.token_limit = "max_completion_tokens",
                                 .parameter_headers = {{"organization", "OpenAI-Organization"},
                                                       {"project", "OpenAI-Project"}}})},
      {.name = "anthropic",
       .display_name = "Anthropic",
       .base_url = "https://api.anthropic.com/v1",
       .default_model = "claude-sonnet-4-20250514",
       .key_environment = "ANTHROPIC_API_KEY",
       .base_url_environment = "ANTHROPIC_BASE_URL",
       .key_bytes_min = 15,
       .wire = &wires::anthropic()},
      {.name = "azurellm",
       .display_name = "Azure LLM",
       .key_environment = "AZURE_OPENAI_API_KEY",
       .base_url_environment = "AZURE_OPENAI_ENDPOINT",
       .wire = &wires::azure()},
      {.name = "azure",
       .display_name = "Azure",
       .default_embedding_model = "text-embedding-3-small",
       .key_environment = "AZURE_OPENAI_API_KEY",
       .base_url_environment = "AZURE_OPENAI_ENDPOINT",
       .wire = &wires::azure()},
      {.name = "bytedance",
       .display_name = "ByteDance",
       .base_url = "https://ark.ap-southeast.bytepluses.com/api/v3",
       .default_model = "seed-1-6-250915",
       .key_environment = "ARK_API_KEY",
       .wire = compatible},
      {.name = "deepseek",
       .display_name = "DeepSeek",
       .base_url = "https://api.deepseek.com/v1",
       .default_model = "deepseek-chat",
       .key_environment = "DEEPSEEK_API_KEY",
       .wire = compatible},
      {.name = "ollama",
       .display_name = "Ollama",
       .base_url = "http://localhost:11434",
       .default_model = "llama3.2",
       .default_embedding_model = "nomic-embed-text",
       .base_url_environment = "OLLAMA_HOST",
       .key_bytes_min = 0,
       .wire = &wires::ollama()},
      {.name = "perplexity",
       .display_name = "Perplexity",
       .base_url = "https://api.perplexity.ai",
       .default_model = "sonar",
       .key_environment = "PERPLEXITY_API_KEY",
       .wire = chat_completions(
           {.stream_usage = false, .files = files::file_url, .accept = "application/json"})},
      {.name = "openrouter",
       .display_name = "OpenRouter",
       .base_url = "https://openrouter.ai/api/v1",
       .default_model = "openai/gpt-4o-mini",
       .key_environment = "OPENROUTER_API_KEY",
       .wire = chat_completions(
           {.files = files::data_or_url,
            .parameter_headers = {{"site_url", "HTTP-Referer"}, {"site_name", "X-Title"}}})},
      {.name = "fireworks",
       .display_name = "Fireworks",
       .base_url = "https://api.fireworks.ai/inference/v1",
       .default_model = "accounts/fireworks/models/llama-v3p1-8b-instruct",
       .key_environment = "FIREWORKS_API_KEY",
       .wire = compatible},
      {.name = "ai21",
       .display_name = "AI21",
       .base_url = "https://api.ai21.com/studio/v1",
       .default_model = "jamba-mini",
       .key_environment = "AI21_API_KEY",
       .wire = chat_completions(
           {.stream_usage = false, .parameter_headers = {{"organization", "Ai21-Organization"}}})},
      {.name = "replicate",
       .display_name = "Replicate",
       .base_url = "https://api.replicate.com/v1",
       .default_model = "openai/gpt-5",
       .key_environment = "REPLICATE_API_TOKEN",
       .wire = &wires::replicate()},
      {.name = "togetherai",
       .display_name = "TogetherAI",
       .base_url = "https://api.together.ai/v1",
       .default_model = "openai/gpt-oss-20b",
       .key_environment = "TOGETHER_API_KEY",
       .wire = compatible},
      {.name = "xai",
       .display_name = "xAI",
       .base_url = "https://api.x.ai/v1",
       .default_model = "grok-4",
       .key_environment = "XAI_API_KEY",
       .wire = compatible},
      {.name = "mistralai",
       .display_name = "MistralAI",
       .base_url = "https://api.mistral.ai/v1",
       .default_model = "mistral-large-latest",
       .default_embedding_model = "mistral-embed",
       .key_environment = "MISTRAL_API_KEY",
       .wire = chat_completions({.stream_usage = false, .files = files::document_url})},
      {.name = "gemini",
       .display_name = "Gemini",
       .base_url = "https://generativelanguage.googleapis.com/v1beta",
       .default_model = "gemini-2.5-flash",
       .default_embedding_model = "gemini-embedding-001",
       .key_environment = "GOOGLE_API_KEY",
       .base_url_environment = "GOOGLE_GEMINI_BASE_URL",
       .wire = &wires::gemini()},
      {.name = "huggingface",
       .display_name = "HuggingFace",
       .base_url = "https://api-inference.huggingface.co/models",
       .default_model = "gpt2",
       .default_embedding_model = "sentence-transformers/all-MiniLM-L6-v2",
       .key_environment = "HF_TOKEN",
       .key_bytes_min = 10,
       .wire = &wires::huggingface()},
      {.name = "openai_compatible",
       .display_name = "OpenAI-compatible server",
       .key_bytes_min = 0,
       .wire = compatible},
  };
}

}  // namespace

const std::vector<provider_row>& provider_table() {
  // Never destroyed: a runtime that is a static object may still encode and decode at exit.
  static const auto& table = *new const std::vector<provider_row>(make_table());
  return table;
}

const provider_row* find_provider(std::string_view name) noexcept {
  const auto& table = provider_table();
  const auto row = std::find_if(table.begin(), table.end(),
                                [name](const provider_row& r) { return r.name == name; });
  return row == table.end() ? nullptr : &*row;
}

}  // namespace graphbit
