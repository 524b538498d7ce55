#include "provider_source.hpp"

#include <utility>

namespace graphbit::app {

expected<provider_config> provider_source::open(const provider_options& options) {
  if (options.given()) return options.config();
  sim::simulator_options settings;
  settings.behave.latency_ms = 40;
  simulator_ = std::make_unique<sim::simulator>(std::move(settings));
  if (auto started = simulator_->start(); !started) return fail(started.error());
  provider_config config;
  config.provider = "openai_compatible";
  config.base_url = simulator_->url() + "/v1";
  config.model = options.model.empty() ? "simulated" : options.model;
  return config;
}

std::string provider_source::name(const provider_config& config) const {
  if (simulator_) return "the embedded simulator at " + simulator_->url();
  return config.provider + " " + config.model;
}

}  // namespace graphbit::app
