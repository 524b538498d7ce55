#pragma once

#include <memory>
#include <string>

#include <graphbit/net/simulator.hpp>

#include "provider_options.hpp"

namespace graphbit::app {

/// The provider asked for, or a simulator that lives as long as this.
class provider_source {
 public:
  [[nodiscard]] expected<provider_config> open(const provider_options& options);
  [[nodiscard]] std::string name(const provider_config& config) const;

 private:
  std::unique_ptr<sim::simulator> simulator_;
};

}  // namespace graphbit::app
