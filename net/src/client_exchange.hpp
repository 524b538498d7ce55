#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <graphbit/net/http_client.hpp>

#include "body_budget.hpp"
#include "cassette/recorded_exchange.hpp"
#include "coding/content_decoder.hpp"

namespace graphbit {

class client_connection;

/// One request on its way through the pool, a connection and back.
struct client_exchange {
  http_client::exchange_id id = 0;  // 0: the slot is free
  http_handler* handler = nullptr;
  http_request request;
  http_timeouts timeouts;
  time_point started_at;
  client_connection* connection = nullptr;  // nullptr: waiting for one
  http_response response;
  std::unique_ptr<content_decoder> decoder;  // nullptr: the body comes as it is
  std::size_t streamed_bytes = 0;
  body_share share;
  std::unique_ptr<http_handler> recorder;           // stands before the caller's handler
  std::shared_ptr<const recorded_exchange> replay;  // answers in the network's place
  std::size_t replayed = 0;                         // steps of it: the head, then each chunk
  bool waiting = false;                             // in the queue for a connection
  bool warm_up = false;                             // only the connection is wanted
  bool retried = false;                             // a stale connection was forgiven once
  bool paused = false;
  bool replay_due = false;  // its next step is on the way
  bool starved = false;     // waits for the process's share of body bytes

  [[nodiscard]] bool collects() const noexcept { return !request.stream; }
};

}  // namespace graphbit
