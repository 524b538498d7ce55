#pragma once

#include <vector>

#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

/// A list of {id, name, parameters}; parameters that are no JSON stay text.
[[nodiscard]] json_value tool_calls_json(const std::vector<tool_call>& calls);
[[nodiscard]] json_value parameters_json(const tool_call& call);

}  // namespace graphbit
