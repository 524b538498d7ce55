#include "link_settings.hpp"

namespace graphbit::cluster {

namespace {

constexpr milliseconds heartbeat_min{50};
constexpr milliseconds most{60'000};

}  // namespace

expected<link_settings> links_with(milliseconds heartbeat, milliseconds pause_max) {
  if (heartbeat < heartbeat_min || heartbeat > most)
    return fail(configuration_error("heartbeat", "heartbeat must be between 0.05 and 60 seconds"));
  if (pause_max < milliseconds{0} || pause_max > most)
    return fail(configuration_error("pause_max", "pause_max must be between 0 and 60 seconds"));
  link_settings links;
  links.detector.interval = heartbeat;
  links.detector.pause = pause_max;
  return links;
}

}  // namespace graphbit::cluster
