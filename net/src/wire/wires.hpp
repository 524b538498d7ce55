#pragma once

#include <memory>

#include <graphbit/net/wire_format.hpp>

namespace graphbit {
struct openai_dialect;
}

// The wire formats that the provider table names. Those of one provider live for the process.
namespace graphbit::wires {

/// OpenAI's chat completions and embeddings in a provider's dialect.
[[nodiscard]] std::unique_ptr<const wire_format> chat_completions(openai_dialect dialect);
[[nodiscard]] const wire_format& anthropic();
[[nodiscard]] const wire_format& azure();
[[nodiscard]] const wire_format& ollama();
[[nodiscard]] const wire_format& gemini();
[[nodiscard]] const wire_format& huggingface();
[[nodiscard]] const wire_format& replicate();

}  // namespace graphbit::wires
