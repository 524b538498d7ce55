#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace graphbit::app {

/// What every subcommand gives back to the shell.
enum exit_code : int { done = 0, failed = 1, wrong_usage = 2, interrupted = 130 };

/// One subcommand of `graphbit`. A file NAME_command.cpp beside this one holds its definition:
///
///     const command registered{"name", "what it does", [](CLI::App& app) {
///       auto options = std::make_shared<my_options>();
///       app.add_option("--x", options->x, "...");
///       return [options] { return run(*options); };
///     }};
///
/// and nothing else has to change. The run function gives an exit_code; an exception that leaves
/// it is printed as one line and means `failed`.
class command {
 public:
  using run = std::function<int()>;
  using setup = std::function<run(CLI::App&)>;

  command(std::string name, std::string description, setup prepare);
  command(const command&) = delete;
  command& operator=(const command&) = delete;

  /// Every registered command, by name.
  [[nodiscard]] static std::vector<const command*> all();

  const std::string name;
  const std::string description;
  const setup prepare;
};

/// Prints "graphbit: MESSAGE" to stderr and gives the code back.
int complain(const std::string& message, exit_code code);

}  // namespace graphbit::app
