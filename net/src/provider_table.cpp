#include <algorithm>

#include <graphbit/net/provider_config.hpp>

#include "src/wire/wires.hpp"

namespace graphbit {

namespace {

/// A new OpenAI-compatible provider is one more row.
std::vector<provider_row> make_table() {
  const wire_format* const compatible = &wires::compatible();
  return {
      {"openai", "OpenAI", "https://api.openai.com/v1", "gpt-4o-mini", "text-embedding-3-small",
       "OPENAI_API_KEY", "OPENAI_BASE_URL", 20, &wires::openai()},
      {"anthropic", "Anthropic", "https://api.anthropic.com/v1", "claude-sonnet-4-20250514", "",
       "ANTHROPIC_API_KEY", "", 15, &wires::anthropic()},
      {"azurellm", "Azure LLM", "", "", "", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", 8,
       &wires::azure()},
      {"azure", "Azure", "", "", "text-embedding-3-small", "AZURE_OPENAI_API_KEY",
       "AZURE_OPENAI_ENDPOINT", 8, &wires::azure()},
      {"bytedance", "ByteDance", "https://ark.ap-southeast.bytepluses.com/api/v3",
       "seed-1-6-250915", "", "ARK_API_KEY", "", 8, compatible},
      {"deepseek", "DeepSeek", "https://api.deepseek.com/v1", "deepseek-chat", "",
       "DEEPSEEK_API_KEY", "", 8, compatible},
      {"ollama", "Ollama", "http://localhost:11434", "llama3.2", "nomic-embed-text", "",
       "OLLAMA_HOST", 0, &wires::ollama()},
      {"perplexity", "Perplexity", "https://api.perplexity.ai", "sonar", "", "PERPLEXITY_API_KEY",
       "", 8, &wires::perplexity()},
      {"openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "openai/gpt-4o-mini", "",
       "OPENROUTER_API_KEY", "", 8, &wires::openrouter()},
      {"fireworks", "Fireworks", "https://api.fireworks.ai/inference/v1",
       "accounts/fireworks/models/llama-v3p1-8b-instruct", "", "FIREWORKS_API_KEY", "", 8,
       compatible},
      {"ai21", "AI21", "https://api.ai21.com/studio/v1", "jamba-mini", "", "AI21_API_KEY", "", 8,
       &wires::ai21()},
      {"replicate", "Replicate", "https://api.replicate.com/v1", "openai/gpt-5", "",
       "REPLICATE_API_TOKEN", "", 8, &wires::replicate()},
      {"togetherai", "TogetherAI", "https://api.together.ai/v1", "openai/gpt-oss-20b", "",
       "TOGETHER_API_KEY", "", 8, compatible},
      {"xai", "xAI", "https://api.x.ai/v1", "grok-4", "", "XAI_API_KEY", "", 8, compatible},
      {"mistralai", "MistralAI", "https://api.mistral.ai/v1", "mistral-large-latest",
       "mistral-embed", "MISTRAL_API_KEY", "", 8, &wires::mistral()},
      {"gemini", "Gemini", "https://generativelanguage.googleapis.com/v1beta", "gemini-2.5-flash",
       "gemini-embedding-001", "GEMINI_API_KEY", "", 8, &wires::gemini()},
      {"huggingface", "HuggingFace", "https://api-inference.huggingface.co/models", "gpt2",
       "sentence-transformers/all-MiniLM-L6-v2", "HF_TOKEN", "", 10, &wires::huggingface()},
      {"openai_compatible", "OpenAI-compatible server", "", "", "", "", "", 0, compatible},
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
