// graphbit exec: start a program with jemalloc preloaded.
//
// The Python extension cannot bring an allocator of its own: one that is loaded after the process
// has begun to allocate finds no room in its static thread storage, and memory that crosses the
// border between two allocators ends the process. So the process gets it from its start.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include "allocator.hpp"
#include "command.hpp"

namespace graphbit::app {

namespace {

/// Puts jemalloc before whatever is preloaded already.
void preload(const std::string& library) {
  const char* before = std::getenv("LD_PRELOAD");
  const std::string all = before && *before ? library + ":" + before : library;
  setenv("LD_PRELOAD", all.c_str(), 1);
}

int run_exec(const std::vector<std::string>& words) {
  if (words.empty())
    return complain("exec: say what to run: graphbit exec -- python script.py", wrong_usage);
  const auto library = jemalloc_library();
  if (library.empty())
    return complain("exec: this graphbit was built without jemalloc, so there is none to preload",
                    failed);
  preload(library);
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  return complain("exec: cannot run " + words[0] + ": " + std::strerror(errno), failed);
}

const command registered{
    "exec", "run a program with jemalloc: graphbit exec -- python script.py", [](CLI::App& app) {
      auto words = std::make_shared<std::vector<std::string>>();
      app.add_option("command", *words, "the program and its arguments, after --");
      return [words] { return run_exec(*words); };
    }};

}  // namespace

}  // namespace graphbit::app
