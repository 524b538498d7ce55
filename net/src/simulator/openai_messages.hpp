#pragma once

#include <optional>
#include <string_view>

#include "conversation.hpp"

namespace graphbit::sim {

/// Reads `messages` as OpenAI's chat endpoint and all that copy it take them, and refuses what it
/// refuses: unknown roles, tool messages that answer no call, calls that stay unanswered.
/// `file_part`: the type of the parts that carry files, "file" (OpenAI) or "document_url"
/// (Mistral).
[[nodiscard]] std::optional<refusal> read_openai_messages(const json& body,
                                                          std::string_view file_part,
                                                          question& out);

}  // namespace graphbit::sim
