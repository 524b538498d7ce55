// The `graphbit` command.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <optional>

#include "command.hpp"
#include "nearest_name.hpp"

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

/// The command whose subcommand is not known, with its name as it was typed: "graphbit runs".
std::pair<const CLI::App*, std::string> deepest(const CLI::App& app) {
  const CLI::App* at = &app;
  std::string path = app.get_name();
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    path += " " + at->get_name();
  }
  return {at, path};
}

/// CLI11 only says that a subcommand is missing; whoever typed one wants to know what is wrong with
/// it. Nothing: that is not what happened.
std::optional<std::string> unknown_command(const CLI::App& app) {
  const auto [at, path] = deepest(app);
  const auto not_understood = app.remaining(true);
  if (at->get_require_subcommand_min() == 0 || not_understood.empty() ||
      not_understood.front().starts_with('-'))
    return {};
  std::vector<std::string> names;
  for (const auto* sub : at->get_subcommands({})) names.push_back(sub->get_name());
  const std::string nearest = nearest_name(not_understood.front(), names);
  return "there is no '" + path + " " + not_understood.front() + "'" +
         (nearest.empty() ? "" : "; did you mean '" + path + " " + nearest + "'?") + " (" + path +
         " --help names all)";
}

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
  } catch (const CLI::RequiredError& e) {
    if (const auto unknown = unknown_command(app)) return complain(*unknown, wrong_usage);
    return app.exit(e) == 0 ? done : wrong_usage;
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
