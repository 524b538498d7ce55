#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/random.hpp>

namespace graphbit {

/// The state of a circuit breaker as others see it.
enum class breaker_state : std::uint8_t { closed, open, half_open };

}  // namespace graphbit

namespace graphbit::policy {

/// What a breaker learns from one attempt.
enum class attempt_outcome : std::uint8_t {
  success,
  failure,  ///< the provider's fault: 5xx, 408, 429, reset, refused, timeout
  ignored,  ///< the caller's fault, a cancellation, one stale pooled connection
};

struct breaker_settings {
  std::size_t window_min = 50;             ///< attempts looked at, or 2 x in flight if that is more
  duration window_age = seconds(30);       ///< older attempts are forgotten
  double failure_ratio = 0.8;              ///< opens at this share of failures ...
  std::size_t judged_min = 20;             ///< ... of at least so many attempts,
  std::size_t judged_min_no_success = 10;  ///< or of so many failures when nothing succeeded
  duration open_first = seconds(2);
  double open_growth = 2.0;  ///< per failed probe
  duration open_max = seconds(5);
  double open_jitter = 0.1;  ///< each open period is longer or shorter by up to this share
  duration probe_recheck = milliseconds(100);  ///< `retry_after` of those who wait for a probe
};

enum class admission_kind : std::uint8_t { admitted, probe, rejected };

/// A breaker's answer to one who wants to send.
struct admission {
  admission_kind kind = admission_kind::admitted;
  duration retry_after{0};  ///< rejected: time until half-open
  [[nodiscard]] bool rejected() const noexcept { return kind == admission_kind::rejected; }
};

/// What the owner of a breaker publishes, so that others' gates need not ask it.
struct breaker_snapshot {
  breaker_state state = breaker_state::closed;
  time_point open_until{};     ///< while open
  std::uint32_t failures = 0;  ///< among the attempts looked at
  friend bool operator==(const breaker_snapshot&, const breaker_snapshot&) = default;
};

/// Names one attempt between `started` and `finished`.
using attempt_id = std::uint64_t;

/// Stops sending to a provider that is down, and finds out cheaply when it is back.
///
/// Looks at the last attempts in order of their START, because errors often answer much faster than
/// successes: in order of their end a burst of quick errors would look like a dead provider.
/// Attempts still in flight count as not failed, under both opening rules.
///
/// One attempt: `admit` (rejected: do not send), `started`, then exactly one `finished`. An
/// admitted probe that never starts is given back by `release_probe`. A plain value; not
/// thread-safe; O(1) amortised per attempt, memory bounded by 4 x max(50, 2 x in flight) records.
class breaker {
 public:
  explicit breaker(breaker_settings settings = {});

  /// The gate without a side effect: what `admit` would say now.
  [[nodiscard]] admission check(time_point now) const noexcept;
  /// The gate right before sending: the answer `probe` takes the one place of half-open.
  [[nodiscard]] admission admit(time_point now) noexcept;
  /// Gives back the place of a probe that was admitted and will not start.
  void release_probe() noexcept;
  /// The attempt goes out; `probe` when `admit` said so.
  [[nodiscard]] attempt_id started(time_point now, bool probe = false);
  /// The attempt ended. A probe that is `ignored` frees its place for the next.
  void finished(attempt_id id, attempt_outcome outcome, time_point now, random_source& random);

  /// An open breaker whose period has passed is half-open.
  [[nodiscard]] breaker_state state(time_point now) const noexcept;
  /// Failures among the attempts looked at.
  [[nodiscard]] std::uint32_t failures() const noexcept { return failed_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] breaker_snapshot snapshot(time_point now) const noexcept;
  /// New settings from now on; the state and the record stay.
  void configure(const breaker_settings& settings) { settings_ = settings; }
  [[nodiscard]] const breaker_settings& settings() const noexcept { return settings_; }

 private:
  enum class mark : std::uint8_t { in_flight, success, failure, ignored };
  struct record {
    time_point started_at;
    mark what;
  };

  [[nodiscard]] record& at(attempt_id id) noexcept { return ring_[id & (ring_.size() - 1)]; }
  [[nodiscard]] std::size_t window() const noexcept;
  void forget_front() noexcept;
  void forget_old(time_point now) noexcept;
  void grow();
  [[nodiscard]] bool should_open() const noexcept;
  void open(time_point now, random_source& random) noexcept;
  void close() noexcept;
  void probe_finished(attempt_outcome outcome, time_point now, random_source& random) noexcept;

  breaker_settings settings_;
  std::vector<record> ring_;  // a power of two; attempt n lies at n modulo its size
  attempt_id first_ = 1;      // oldest attempt on record
  attempt_id next_ = 1;
  std::uint32_t succeeded_ = 0, failed_ = 0, pending_ = 0;  // on record, the ignored left out
  std::size_t in_flight_ = 0;                               // on record or not

  breaker_state state_ = breaker_state::closed;
  time_point open_until_{};
  duration open_period_;
  bool probe_out_ = false;   // the place is taken
  attempt_id probe_id_ = 0;  // 0 until it has started
};

}  // namespace graphbit::policy
