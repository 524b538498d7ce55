#include "provider_options.hpp"

#include <cstdlib>

namespace graphbit::app {

void provider_options::add_to(CLI::App& app) {
  app.add_option("--provider", provider, "provider by name (openai, anthropic, ollama, ...)");
  app.add_option("--base-url", base_url,
                 "its address; alone: any OpenAI-compatible server (vLLM, llama.cpp, ...)");
  app.add_option("--model", model, "model where a request names none");
  app.add_option("--key-variable", key_variable,
                 "environment variable with the key (default: the provider's own)");
  app.add_option("--max-in-flight", max_in_flight, "calls at once")->check(CLI::PositiveNumber);
  app.add_option("--rpm", rpm, "requests per minute at most")->check(CLI::PositiveNumber);
  app.add_option("--tpm", tpm, "tokens per minute at most")->check(CLI::PositiveNumber);
  app.add_option("--max-retries", max_retries, "retries of one call (default 3)");
}

expected<provider_config> provider_options::config() const {
  if (!given())
    return fail(validation_error("provider",
                                 "name where to send: --provider NAME, --base-url URL, or both"));
  provider_config c;
  c.provider = provider.empty() ? "openai_compatible" : provider;
  c.base_url = base_url;
  c.model = model;
  c.max_in_flight = max_in_flight;
  c.rpm = rpm;
  c.tpm = tpm;
  c.max_retries = max_retries;
  if (!key_variable.empty()) {
    const char* key = std::getenv(key_variable.c_str());
    if (key == nullptr || *key == '\0')
      return fail(configuration_error("key_variable", key_variable + " is not set"));
    c.api_key = secret(key);
  }
  return c;
}

}  // namespace graphbit::app
