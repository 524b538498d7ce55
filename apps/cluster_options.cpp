#include "cluster_options.hpp"

#include <graphbit/runtime/log.hpp>

namespace graphbit::app {

void cluster_options::add_to(CLI::App& app, const std::string& seed_option) {
  app.add_option(seed_option, seeds, "members of the cluster, HOST:PORT,...")->delimiter(',');
  app.add_option("--ca", certificates.ca, "the cluster's certificate authority, PEM");
  app.add_option("--cert", certificates.certificate, "this process's certificate, PEM");
  app.add_option("--key", certificates.key, "its key, PEM");
  app.add_option("--cluster-name", name, "the cluster's name")->capture_default_str();
}

expected<cluster::owner> cluster_options::own(runtime& rt) const {
  return cluster::owner::open(rt, {.seeds = seeds, .certificates = certificates, .cluster = name});
}

expected<std::unique_ptr<cluster::observer>> cluster_options::observe() const {
  set_log_level(log_level::error);  // why a member cannot be reached is in what the observer says
  return cluster::observer::open({.seeds = seeds, .certificates = certificates, .cluster = name});
}

}  // namespace graphbit::app
