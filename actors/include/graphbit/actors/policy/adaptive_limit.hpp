#pragma once

#include <cstddef>
#include <cstdint>

#include <graphbit/runtime/clock.hpp>

namespace graphbit::policy {

struct adaptive_limit_settings {
  bool enabled = false;
  std::uint32_t initial = 16;
  std::uint32_t min = 1;
  std::uint32_t max = 1024;
  double overload_factor = 0.7;  ///< the limit shrinks to this share at a 429, 503, 529 or timeout
  double latency_tolerance = 2.0;  ///< so much slower than usual is still no queue at the provider
};

enum class limit_signal : std::uint8_t {
  answered,
  overloaded,  ///< 429, 503, 529, or a timeout
  ignored,     ///< says nothing about load: the caller's error, a cancellation
};

/// Finds how many calls a provider takes at once: grows by its square root per round trip while
/// calls use the limit and latency stays near its usual value, shrinks by the gradient of latency
/// when a queue builds up, and at once (one step per round trip) when the provider says it is
/// overloaded. A plain value; not thread-safe. Off by default: then `limit()` is the maximum.
class adaptive_limit {
 public:
  explicit adaptive_limit(adaptive_limit_settings settings = {}) noexcept;

  /// One call ended; `in_flight` as it was before its end.
  void finished(limit_signal signal, duration latency, std::uint32_t in_flight,
                time_point now) noexcept;
  [[nodiscard]] std::uint32_t limit() const noexcept;
  void configure(const adaptive_limit_settings& settings) noexcept;

 private:
  void end_round(time_point now) noexcept;
  void begin_round(time_point now) noexcept;

  adaptive_limit_settings settings_;
  double limit_ = 1;
  double usual_us_ = 0;  // slow average of rounds, the latency without a queue
  double round_us_ = 0;  // sum over this round's answers
  std::uint32_t round_count_ = 0;
  std::uint32_t round_in_flight_max_ = 0;
  time_point round_ends_at_{};
  time_point shrink_again_at_{};
};

}  // namespace graphbit::policy
