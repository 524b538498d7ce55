#pragma once

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>

#include "src/policy/failure_detector.hpp"

namespace graphbit::cluster {

struct link_settings {
  failure_detector_settings detector;
  milliseconds connect_patience{2'000};    ///< of one TCP connection
  milliseconds handshake_patience{5'000};  ///< from the connection to the last word
  milliseconds backoff_first{100};
  milliseconds backoff_max{5'000};
};

/// Those of a process that says so often that it lives, and forgives so long a silence beyond the
/// usual. Error: Configuration{heartbeat, pause_max}.
[[nodiscard]] expected<link_settings> links_with(milliseconds heartbeat, milliseconds pause_max);

}  // namespace graphbit::cluster
