#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/actors/workflow.hpp>

namespace graphbit {

/// The names that records of a workflow's nodes go by. Ids are made anew whenever a program builds
/// its workflow; what stays is a node's name. The second node of one name is "name#2"; `/`, `#` and
/// `%` inside names are written as %2F, %23 and %25.
[[nodiscard]] std::vector<std::string> node_keys(const workflow& flow);

/// A call of a model or a tool inside a node: "name#call:1", "name#tool:0".
[[nodiscard]] std::string call_key(std::string_view node_key, std::size_t slot);
[[nodiscard]] std::string tool_key(std::string_view node_key, std::size_t slot);

}  // namespace graphbit
