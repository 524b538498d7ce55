#pragma once

#include <cstdint>
#include <string>

#include <simulation/virtual_client.hpp>

namespace graphbit::sim {

/// Everything about one run, drawn from its seed: settings, callers, and a provider that is
/// healthy, slow, flapping, in a storm of 429s, hanging, dead, lying, or one after the other.
struct scenario {
  client_settings client;
  workload work;
  std::vector<provider_phase> phases;
  std::uint32_t provider_requests_per_minute = 0;
  std::string text;  ///< for a person
};

[[nodiscard]] scenario draw_scenario(std::uint64_t seed);

/// Runs a seed's scenario. Throws `violation` with the seed and the scenario in its text.
client_report run_seed(std::uint64_t seed);

}  // namespace graphbit::sim
