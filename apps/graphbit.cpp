// The `graphbit` command.
#include <algorithm>
#include <cstdio>
#include <exception>

#include "command.hpp"

namespace graphbit::app {

namespace {

std::vector<const command*>& registry() {
  static std::vector<const command*> commands;
  return commands;
}

}  // namespace

command::command(std::string its_name, std::string its_description, setup its_prepare)
    : name(std::move(its_name)),
      description(std::move(its_description)),
      prepare(std::move(its_prepare)) {
  registry().push_back(this);
}

std::vector<const command*> command::all() {
  auto commands = registry();
  std::sort(commands.begin(), commands.end(),
            [](const command* a, const command* b) { return a->name < b->name; });
  return commands;
}

int complain(const std::string& message, exit_code code) {
  std::fprintf(stderr, "graphbit: %s\n", message.c_str());
  return code;
}

namespace {

int run(int argc, char** argv) {
  CLI::App app("An actor runtime for workflows of language models.", "graphbit");
  app.set_version_flag("--version", "graphbit " GRAPHBIT_VERSION);
  app.require_subcommand(1);
  std::vector<std::pair<CLI::App*, command::run>> commands;
  for (const auto* c : command::all()) {
    auto* sub = app.add_subcommand(c->name, c->description);
    commands.emplace_back(sub, c->prepare(*sub));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? done : wrong_usage;
  }
  for (const auto& [sub, start] : commands)
    if (sub->parsed()) return start();
  return wrong_usage;
}

}  // namespace

}  // namespace graphbit::app

int main(int argc, char** argv) {
  try {
    return graphbit::app::run(argc, argv);
  } catch (const std::exception& e) {
    return graphbit::app::complain(e.what(), graphbit::app::failed);
  }
}
