#pragma once

#include <string>
#include <vector>

#include <graphbit/actors/workflow.hpp>

namespace graphbit::app {

/// Errors name the file.
[[nodiscard]] expected<workflow> read_workflow(const std::string& path);

/// An object of the given NAME=TEXT. Error: Validation{set}.
[[nodiscard]] expected<json_value> values_of(const std::vector<std::string>& given);

}  // namespace graphbit::app
