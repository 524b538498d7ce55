#pragma once

#include <graphbit/net/wire_format.hpp>

// The wire formats that the provider table names. Each lives for the process.
namespace graphbit::wires {

[[nodiscard]] const wire_format& openai();      ///< api.openai.com itself
[[nodiscard]] const wire_format& compatible();  ///< servers that speak OpenAI's chat completions
[[nodiscard]] const wire_format& openrouter();
[[nodiscard]] const wire_format& perplexity();
[[nodiscard]] const wire_format& mistral();
[[nodiscard]] const wire_format& ai21();
[[nodiscard]] const wire_format& anthropic();
[[nodiscard]] const wire_format& azure();
[[nodiscard]] const wire_format& ollama();
[[nodiscard]] const wire_format& gemini();
[[nodiscard]] const wire_format& huggingface();
[[nodiscard]] const wire_format& replicate();

}  // namespace graphbit::wires
