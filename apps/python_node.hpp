#pragma once

#include <string>

namespace graphbit::app {

/// Becomes `python3 -m graphbit.node` with this process's own arguments: functions of a Python
/// module need an interpreter. The variable GRAPHBIT_PYTHON names another interpreter.
/// Returns only when that cannot be started.
int run_python_node(const std::string& module);

}  // namespace graphbit::app
