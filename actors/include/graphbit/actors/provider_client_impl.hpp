#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include <graphbit/actors/pending_call.hpp>
#include <graphbit/actors/provider_client.hpp>

namespace graphbit {

class call_gate;

/// New limits: what is given replaces, 0 removes.
struct limits_change {
  std::optional<std::uint32_t> in_flight_max;
  std::optional<std::uint32_t> requests_per_minute;
  std::optional<std::uint64_t> tokens_per_minute;
};

/// What all handles of one provider client share: one pipeline, a router over several, or the
/// machines of a cluster. All members may be called from any thread.
class provider_client::impl {
 public:
  virtual ~impl() = default;
  std::shared_ptr<call_gate> gate;  ///< entered by every handle's function; set by who opens it
  /// Returns the call's id. The call's sink is told on `home`'s thread, never from inside this
  /// call; nullptr: on any reactor's.
  virtual std::uint64_t submit(pending_call_ptr call, reactor* home) = 0;
  virtual void cancel(std::uint64_t call_id) = 0;
  virtual void resume(std::uint64_t call_id) = 0;
  virtual void warm_up(std::function<void(expected<void>)> done) = 0;
  virtual void set_limits(const limits_change& to) = 0;
  [[nodiscard]] virtual const provider_config& config() const = 0;
  [[nodiscard]] virtual provider_client_stats stats() const = 0;
  /// The same without the pool; cheap.
  [[nodiscard]] virtual provider_client_stats counters() const = 0;
  /// The reactor on which a thread that waits should drive its calls.
  [[nodiscard]] virtual reactor& home_of_this_thread() const = 0;
};

}  // namespace graphbit
