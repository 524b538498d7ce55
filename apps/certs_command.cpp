// graphbit certs: a small certificate authority for one cluster.
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <graphbit/cluster/certificate_authority.hpp>

#include "command.hpp"

namespace graphbit::app {

namespace {

struct certs_options {
  std::string directory = "certs";
  std::string name;
  std::vector<std::string> hosts;
  int days = 0;
};

int finish(const expected<void>& made, const std::string& what) {
  if (!made) return complain(made.error().message, failed);
  std::printf("%s\n", what.c_str());
  return done;
}

const command registered{
    "certs", "make certificates for the nodes of a cluster", [](CLI::App& app) {
      auto init_options = std::make_shared<certs_options>();
      auto issue_options = std::make_shared<certs_options>();
      auto* init = app.add_subcommand("init", "make the authority: DIR/ca.pem and DIR/ca.key");
      init->add_option("--dir", init_options->directory, "where")->capture_default_str();
      init->add_option("--name", init_options->name,
                       "the authority's name (default: graphbit cluster)");
      init->add_option("--days", init_options->days, "valid for so long (default 3650)")
          ->check(CLI::Range(1, 36'500));
      auto* issue =
          app.add_subcommand("issue", "make DIR/NAME.pem and DIR/NAME.key for one machine");
      issue->add_option("name", issue_options->name, "the certificate's name")->required();
      issue->add_option("--dir", issue_options->directory, "where the authority is")
          ->capture_default_str();
      issue->add_option("--host", issue_options->hosts,
                        "host name or address by which the machine is dialled (default: its name; "
                        "owners are never dialled); may be repeated");
      issue->add_option("--days", issue_options->days, "valid for so long (default 365)")
          ->check(CLI::Range(1, 36'500));
      app.require_subcommand(1);
      return [init, init_options, issue_options] {
        const auto hours = [](int days, int otherwise) {
          return std::chrono::hours(24) * (days > 0 ? days : otherwise);
        };
        if (init->parsed()) {
          const auto& o = *init_options;
          return finish(
              cluster::make_authority(o.directory, o.name.empty() ? "graphbit cluster" : o.name,
                                      hours(o.days, 3650)),
              o.directory + "/ca.pem: give it to every node; " + o.directory +
                  "/ca.key: keep it off the nodes");
        }
        auto& o = *issue_options;
        if (o.hosts.empty()) o.hosts = {o.name};
        return finish(cluster::issue_certificate(o.directory, o.name, o.hosts, hours(o.days, 365)),
                      o.directory + "/" + o.name + ".pem and .key: for this machine alone");
      };
    }};

}  // namespace

}  // namespace graphbit::app
