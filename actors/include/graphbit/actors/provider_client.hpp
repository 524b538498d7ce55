#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <graphbit/actors/call.hpp>
#include <graphbit/actors/policy/breaker.hpp>
#include <graphbit/net/http_client.hpp>
#include <graphbit/net/provider_config.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit {

class reactor;

/// What a provider client has done since it was made, and does now.
struct provider_client_stats {
  breaker_state breaker = breaker_state::closed;  ///< as the next call will find it
  std::uint32_t breaker_failures = 0;  ///< failures among the attempts the breaker looks at
  std::uint64_t calls = 0;             ///< logical ones
  std::uint64_t succeeded = 0;         ///< calls that were answered
  std::uint64_t failed = 0;            ///< calls that ended by an error
  std::uint64_t cancelled = 0;         ///< calls that their callers gave up
  std::uint64_t rejected = 0;          ///< calls that the circuit breaker refused
  std::uint64_t attempts = 0;          ///< requests that were sent
  std::uint64_t retries = 0;           ///< of these, after another of the same call
  std::uint64_t hedges = 0;            ///< second attempts, sent while the first was out
  std::uint64_t hedges_won = 0;        ///< of these, those that answered first
  std::uint64_t cache_hits = 0;        ///< calls answered by an earlier or an equal one's answer
  std::size_t in_flight = 0;           ///< calls under way
  std::size_t waiting = 0;             ///< calls that wait for their turn
  std::uint32_t in_flight_max = 0;     ///< as it is now, set or adapted; 0: no bound of its own
  http_pool_stats pool;                ///< connections of all its reactors

  /// Adds another's numbers to these; the breaker's stay.
  provider_client_stats& operator+=(const provider_client_stats& more);
};

/// A handle to one provider client: the actor (one shard per reactor) that owns the request
/// pipeline of a configuration, shared by every client object, executor and node that uses it.
/// Cheap to copy; all members may be called from any thread.
class provider_client {
 public:
  provider_client() = default;
  /// The provider client for `config`, made under the runtime's root executor at first use.
  /// Error: as `resolve` gives.
  [[nodiscard]] static expected<provider_client> open(runtime& rt, provider_config config);
  class impl;
  /// Around another way to carry calls out (provider_client_impl.hpp): other machines.
  /// Error: Runtime when the runtime is down.
  [[nodiscard]] static expected<provider_client> around(runtime& rt, std::shared_ptr<impl> p);

  /// Hands over one call. `stream` delivers text deltas to the sink as they come.
  /// Returns the call's id, for `resume`. `home`: the reactor whose shard takes it (where the
  /// caller's own actors live); nullptr: round robin.
  std::uint64_t submit(chat_request request, call_options options, std::unique_ptr<chat_sink> sink,
                       bool stream = false, reactor* home = nullptr) const;
  /// The same for embeddings.
  std::uint64_t submit(embedding_request request, call_options options,
                       std::unique_ptr<embedding_sink> sink, reactor* home = nullptr) const;
  /// Reads on in a stream whose sink said false.
  void resume(std::uint64_t call_id) const;
  /// Cancels one call: its socket is closed, its sink gets a cancelled error.
  void cancel(std::uint64_t call_id) const;

  /// Waits for the answer on this thread, which runs the reactor meanwhile. `interrupted` is
  /// asked every 50 ms; when it says true the call is cancelled and a cancelled error returned.
  /// Not from a reactor's thread.
  [[nodiscard]] expected<chat_response> complete(
      chat_request request, call_options options = {},
      const std::function<bool()>& interrupted = {}) const;
  /// The same for embeddings.
  [[nodiscard]] expected<embedding_response> embed(
      embedding_request request, call_options options = {},
      const std::function<bool()>& interrupted = {}) const;
  /// DNS, TCP and TLS made ready; nothing billable is sent.
  void warm_up(std::function<void(expected<void>)> done) const;

  /// As it was resolved.
  [[nodiscard]] const provider_config& config() const;
  /// With the pools of all reactors, which are asked; see `counters`.
  [[nodiscard]] provider_client_stats stats() const;
  /// The same without the pool; cheap.
  [[nodiscard]] provider_client_stats counters() const;
  /// The reactor on which this thread's blocking calls run.
  [[nodiscard]] reactor& home() const;
  /// New limits from now on; an empty optional leaves one as it is, 0 removes it.
  void set_limits(std::optional<std::uint32_t> max_in_flight, std::optional<std::uint32_t> rpm,
                  std::optional<std::uint64_t> tpm) const;
  /// Whether it was opened.
  [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }

 private:
  explicit provider_client(std::shared_ptr<impl> p) : impl_(std::move(p)) {}
  std::shared_ptr<impl> impl_;
};

}  // namespace graphbit
