#pragma once

#include <functional>
#include <memory>
#include <string>

#include <graphbit/actors/status_server.hpp>
#include <graphbit/runtime/runtime.hpp>

#include "command.hpp"

namespace graphbit::app {

/// The options by which every subcommand that runs for long is looked at. Traces follow
/// OpenTelemetry's environment variables.
struct observation_options {
  std::string metrics_address;
  std::string dashboard;
  std::string dashboard_token;

  /// What is served, as long as it lives; it must end before its runtime.
  struct servers {
    std::unique_ptr<status_server> metrics, dashboard;
  };

  void add_to(CLI::App& app);
  /// Starts what was asked for, and tells on stderr where it is. Errors: as `status_server::start`
  /// and `start_tracing`.
  [[nodiscard]] expected<servers> start(runtime& rt,
                                        const std::function<health_check()>& own_check = {}) const;
};

}  // namespace graphbit::app
