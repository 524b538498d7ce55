#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "provider_shard.hpp"

namespace graphbit {

/// One HTTP exchange of a call with all that it holds: a connection, a slot of the limiter and an
/// entry in the breaker's record. A call has one out at a time, or two while it is hedged.
class provider_shard::attempt final : public http_handler {
 public:
  attempt(provider_shard& owner, live_call& call, policy::ticket ticket)
      : of(call), ticket(ticket), owner_(owner) {}

  void on_headers(const http_response& head) override;
  void on_data(std::string_view bytes) override;
  void on_done(expected<http_response> result) override;

  live_call& of;
  policy::ticket ticket;
  std::uint64_t sequence = 0;  // in the breaker's record
  bool probe = false;
  http_client::exchange_id exchange = 0;  // 0: none runs
  time_point sent_at{};
  trace_context span;        // where it is traced
  std::uint32_t number = 1;  // among the call's attempts
  bool hedge = false;
  int answer_status = 0;    // 0: no answer came
  std::string next_target;  // of a job that the provider took in: where to ask for its answer

  // A streamed answer as it comes in.
  std::unique_ptr<stream_decoder> decoder;
  std::vector<std::string> deltas;
  std::optional<error> stream_failure;
  std::string error_body;
  int status = 0;
  http_headers headers;

 private:
  void take(std::string_view bytes);
  template <class F>
  void guarded(F f);

  provider_shard& owner_;
};

/// One call on its way through the pipeline.
class provider_shard::live_call {
 public:
  enum class stage : std::uint8_t {
    arriving,
    following,
    looking_up,
    queued,
    probing,
    waiting,
    mending,
    in_flight
  };

  live_call(const provider_config& config, pending_call_ptr p);

  /// Which of the shard's hedges knows calls like this one.
  [[nodiscard]] std::size_t kind() const {
    return pending->stream ? 1 : pending->embedding() != nullptr ? 2 : 0;
  }
  [[nodiscard]] bool out() const { return first || second; }

  pending_call_ptr pending;
  std::shared_ptr<const provider_endpoint> endpoint;  // of the model that it names
  stage at = stage::arriving;
  policy::ticket ticket = 0;  // while it waits for an attempt to hold it
  std::unique_ptr<attempt> first;
  std::unique_ptr<attempt> second;  // the hedge of the first
  policy::retry_state retry;
  std::uint32_t retries_max = 0;
  std::uint32_t attempts_sent = 0;
  duration paused{0};
  time_point round_began{};  // when the first attempt of this try went out
  time_point wake_at = never;
  std::string delivered_text;
  call_meter* meter = nullptr;
  duration not_ours{0};      // spent for the provider, a limit, a backoff, a pause
  time_point waits_since{};  // unset: it does not wait
  time_point answered_at{};  // when the provider's time was last counted
  time_point first_chunk_at{}, last_chunk_at{};
  trace_context span;                   // invalid: it is not traced
  std::optional<error> refusal;         // that something beside the call is to mend, once
  std::string cached_as;                // the cache's key for its answer; empty: not kept
  std::unique_ptr<cache_lead> leading;  // equal calls wait for this one
  std::unique_ptr<std::stop_callback<std::function<void()>>> on_stop;
};

}  // namespace graphbit
