// graphbit cluster: look at a cluster, and take a member out of it.
#include <cstdio>
#include <memory>
#include <string>

#include "cluster_options.hpp"
#include "cluster_table.hpp"
#include "command.hpp"

namespace graphbit::app {

namespace {

constexpr milliseconds patience{3'000};

int print_status(const cluster_options& o, bool json) {
  auto observer = o.observe();
  if (!observer) return complain(describe(observer.error()), wrong_usage);
  const auto members = (*observer)->look(patience);
  if (!members) return complain(describe(members.error()), failed);
  if (json)
    std::printf("%s\n", to_json(cluster_json(*members)).c_str());
  else
    std::fputs(cluster_table(*members, {}).c_str(), stdout);
  return done;
}

int drain(const cluster_options& o, const std::string& node) {
  auto observer = o.observe();
  if (!observer) return complain(describe(observer.error()), wrong_usage);
  if (const auto drained = (*observer)->drain(node, patience); !drained)
    return complain(describe(drained.error()), failed);
  std::printf("%s takes no more work, and ends when what it has is done\n", node.c_str());
  return done;
}

const command registered{
    "cluster", "look at a cluster (status), take a member out of it (drain)", [](CLI::App& app) {
      auto o = std::make_shared<cluster_options>();
      auto json = std::make_shared<bool>(false);
      auto node = std::make_shared<std::string>();
      auto* status = app.add_subcommand("status", "the members and what they do");
      o->add_to(*status, "--seed");
      status->add_flag("--json", *json, "as JSON");
      auto* draining = app.add_subcommand("drain", "let a member finish what it has, and end");
      draining->add_option("node", *node, "the member's name")->required();
      o->add_to(*draining, "--seed");
      app.require_subcommand(1);
      return [o, json, node, status] {
        return status->parsed() ? print_status(*o, *json) : drain(*o, *node);
      };
    }};

}  // namespace

}  // namespace graphbit::app
