#pragma once

#include <string>

namespace graphbit::app {

/// Becomes `python3 -m graphbit.node SETTINGS`: functions of a Python module need an interpreter.
/// The variable GRAPHBIT_PYTHON names another one. `settings`: what the node is told, as JSON.
/// Returns only when the interpreter cannot be started.
int run_python_node(const std::string& settings);

}  // namespace graphbit::app
