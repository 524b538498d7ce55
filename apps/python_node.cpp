#include "python_node.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "command.hpp"

namespace graphbit::app {

namespace {

// The arguments as they were given, behind the subcommand's name.
[[nodiscard]] std::vector<std::string> own_arguments() {
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin < all.size();) {
    const auto end = all.find('\0', begin);
    out.push_back(all.substr(begin, end - begin));
    begin = end == std::string::npos ? all.size() : end + 1;
  }
  out.erase(out.begin(), out.begin() + std::min<std::ptrdiff_t>(2, std::ssize(out)));
  return out;
}

}  // namespace

int run_python_node(const std::string& module) {
  const char* chosen = std::getenv("GRAPHBIT_PYTHON");
  const std::string python = chosen != nullptr && *chosen != '\0' ? chosen : "python3";
  auto arguments = own_arguments();
  std::vector<char*> argv{const_cast<char*>(python.c_str()), const_cast<char*>("-m"),
                          const_cast<char*>("graphbit.node")};
  for (auto& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  execvp(python.c_str(), argv.data());
  return complain(
      "cannot start " + python + " for the functions of " + module + ": " + std::strerror(errno),
      failed);
}

}  // namespace graphbit::app
