#pragma once

#include <optional>

#include "conversation.hpp"

namespace graphbit::sim {

/// Reads `messages` as OpenAI's chat endpoint and all that copy it take them, and refuses what it
/// refuses: unknown roles, tool messages that answer no call, calls that stay unanswered.
[[nodiscard]] std::optional<refusal> read_openai_messages(const json& body, question& out);

}  // namespace graphbit::sim
