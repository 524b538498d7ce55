#pragma once

#include <string>

namespace graphbit {

/// A tool call's arguments as JSON object text, whatever a model wrote: an empty text becomes
/// `{}`, one that is no JSON object becomes `{"raw_arguments": "<text>"}`.
[[nodiscard]] std::string tool_arguments(std::string text);

}  // namespace graphbit
