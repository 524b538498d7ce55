#pragma once

#include <graphbit/runtime/clock.hpp>

#include "src/policy/failure_detector.hpp"

namespace graphbit::cluster {

struct link_settings {
  failure_detector_settings detector;
  milliseconds connect_patience{2'000};    ///< of one TCP connection
  milliseconds handshake_patience{5'000};  ///< from the connection to the last word
  milliseconds backoff_first{100};
  milliseconds backoff_max{5'000};
};

}  // namespace graphbit::cluster
