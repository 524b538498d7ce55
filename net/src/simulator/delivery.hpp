#pragma once

#include <cstdint>

#include <graphbit/net/http_server.hpp>

#include "conversation.hpp"

namespace graphbit::sim {

/// What goes wrong with a request, if anything.
enum class fault : std::uint8_t {
  none,
  status_429,
  status_500,
  status_503,
  reset,
  reset_mid,
  error_mid,
  truncate,
  stall,
  hang,
  drip,
};

/// When an answer is sent, at what pace, and where it breaks.
struct delivery_plan {
  duration delay{0};
  duration chunk_interval{0};
  fault broken = fault::none;  ///< of those that break an answer under way
  duration drip_interval{0};
  std::size_t drip_bytes = 1;
};

/// Sends a reply by plan. On the server's thread; returns at once.
void deliver(const http_exchange& exchange, reply&& what, const delivery_plan& plan);

}  // namespace graphbit::sim
