#include "python_node.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "command.hpp"

namespace graphbit::app {

int run_python_node(const std::string& settings) {
  const char* chosen = std::getenv("GRAPHBIT_PYTHON");
  const std::string python = chosen != nullptr && *chosen != '\0' ? chosen : "python3";
  execlp(python.c_str(), python.c_str(), "-m", "graphbit.node", settings.c_str(),
         static_cast<char*>(nullptr));
  return complain("cannot start " + python + " for --python: " + std::strerror(errno) +
                      "; GRAPHBIT_PYTHON names another interpreter",
                  failed);
}

}  // namespace graphbit::app
