#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <graphbit/cluster/observer.hpp>
#include <graphbit/cluster/owner.hpp>

namespace graphbit::app {

/// The options by which a subcommand finds a cluster and proves itself to it.
struct cluster_options {
  std::vector<std::string> seeds;
  cluster::certificate_files certificates;
  std::string name = "graphbit";

  /// `seed_option`: "--cluster" where a cluster is a choice, "--seed" where it is the subject.
  void add_to(CLI::App& app, const std::string& seed_option);
  [[nodiscard]] bool given() const noexcept { return !seeds.empty(); }
  /// For work: a cluster to run calls on.
  [[nodiscard]] expected<cluster::owner> own(runtime& rt) const;
  /// For looking at it.
  [[nodiscard]] expected<std::unique_ptr<cluster::observer>> observe() const;
};

}  // namespace graphbit::app
