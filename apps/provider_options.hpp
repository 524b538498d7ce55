#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include <graphbit/net/provider_config.hpp>

namespace graphbit::app {

/// The options by which every subcommand that calls a provider names it.
struct provider_options {
  std::string provider;
  std::string base_url;
  std::string model;
  std::string key_variable;  ///< environment variable that holds the key
  std::optional<std::uint32_t> max_in_flight;
  std::optional<std::uint32_t> rpm;
  std::optional<std::uint64_t> tpm;
  std::optional<std::uint32_t> max_retries;

  void add_to(CLI::App& app);
  [[nodiscard]] bool given() const noexcept { return !provider.empty() || !base_url.empty(); }
  /// Errors: Configuration for an unset key variable; Validation for none of provider and base_url.
  [[nodiscard]] expected<provider_config> config() const;
};

}  // namespace graphbit::app
