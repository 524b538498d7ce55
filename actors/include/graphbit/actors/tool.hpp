#pragma once

#include <string_view>
#include <vector>

#include <graphbit/actors/callable.hpp>
#include <graphbit/runtime/chat.hpp>

namespace graphbit {

/// A function that an agent's model may call: what the model is told, and what runs.
/// `function` gets the model's arguments as an object. Its error is sent to the model as text.
struct tool {
  tool_spec spec;     ///< what the model is told of it
  callable function;  ///< what is called
};

/// The tool named `name`, or nullptr.
[[nodiscard]] inline const tool* find_tool(const std::vector<tool>& tools,
                                           std::string_view name) noexcept {
  for (const tool& t : tools)
    if (t.spec.name == name) return &t;
  return nullptr;
}

}  // namespace graphbit
