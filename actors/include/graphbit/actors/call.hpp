#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/trace_context.hpp>

namespace graphbit {

class call_budget;

/// Live calls go first; batch keeps at least a tenth of the slots.
enum class priority_class : std::uint8_t { live, batch };

/// What happens when a stream breaks after text was delivered. Such a call is never retried unseen.
enum class stream_failure : std::uint8_t {
  error,      ///< it fails; the text so far is in the error
  restart,    ///< it is asked again from the start; the sink is told to forget what it has
  continue_,  ///< the model is asked to go on after the text so far
};

/// What part of which run makes a call; for logs and traces.
struct call_origin {
  std::string run_id;  ///< which run
  std::string node;    ///< the node's name
};

/// How one logical call is treated. Values that are not given come from the configuration.
struct call_options {
  time_point deadline_at = never;           ///< the caller's `timeout_s=`; nothing waits past it
  std::optional<milliseconds> work_budget;  ///< spent by attempts and backoff only
  priority_class priority = priority_class::live;  ///< live calls go first
  /// Attempts after the first; none: the configuration's.
  std::optional<std::uint32_t> max_retries;
  /// Calls of one flow (an executor) share an in-flight bound of their own; 0: no flow.
  std::uint64_t flow = 0;
  std::uint32_t flow_in_flight_max = 0;  ///< of the flow's calls; 0: no bound
  /// Wait this long in all (not failing) while the breaker is open or Retry-After runs.
  milliseconds pause_max{0};
  /// Fail at once where the call would have to wait longer than this for a rate limit or for what
  /// the server said; `retry_after` of the error tells how long. For callers that park.
  std::optional<milliseconds> wait_max;
  /// If given, `pause_max` holds only once this is true (a batch pauses after its first success).
  std::shared_ptr<const std::atomic<bool>> pause_when;
  std::stop_token stop;         ///< cancels: closes the socket at once
  std::string idempotency_key;  ///< empty: made for the call
  std::string session;          ///< calls of one session go to the same route (strategy `session`)
  stream_failure on_stream_failure = stream_failure::error;  ///< of a streamed call
  /// The purse this call is paid from (spending.hpp); none: not limited.
  std::shared_ptr<call_budget> budget;
  /// The caller's span: the call's spans are its children, and providers are told of them
  /// (`traceparent`). Not valid: the call begins a trace of its own where tracing is on.
  trace_context trace;
  std::shared_ptr<const call_origin> origin;  ///< none: a client's own call
  /// Fails with ResourceExhausted instead of waiting for a slot, a rate or a connection.
  bool never_wait = false;
  bool fresh = false;  ///< not answered from the response cache
  bool debug = false;  ///< log attempts, waits and breaker changes of this call
};

/// Receives what happens to one call, on the reactor's thread. Must not block and must not throw.
/// `on_done` comes exactly once, also when the runtime ends; afterwards the sink is destroyed.
class chat_sink {
 public:
  virtual ~chat_sink() = default;
  /// Streamed calls: the text deltas of one receive. May be moved from. Return false to stop
  /// reading until `provider_client::resume`: backpressure.
  virtual bool on_text(std::vector<std::string>& deltas) { return deltas.empty() || true; }
  /// The stream starts anew (stream_failure::restart): what came so far is void.
  virtual void on_restart() {}
  /// The answer, or why there is none. Last.
  virtual void on_done(expected<chat_response> result) = 0;
};

/// As `chat_sink`, for one embedding call.
class embedding_sink {
 public:
  virtual ~embedding_sink() = default;
  /// The vectors, or why there are none.
  virtual void on_done(expected<embedding_response> result) = 0;
};

}  // namespace graphbit
