#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include <graphbit/actors/policy/rate_limit_headers.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/random.hpp>

namespace graphbit::sim {

enum class reply_kind : std::uint8_t {
  answered,
  server_error,   ///< 500
  reset,          ///< connection reset or refused
  rate_limited,   ///< 429
  bad_request,    ///< 400: the caller's fault
  unparsable,     ///< a 2xx body that cannot be understood
  stale,          ///< a pooled connection that the server had closed
  never_answers,  ///< the client's own timeout must end it
};

struct reply {
  reply_kind kind = reply_kind::answered;
  duration after{0};
  std::optional<milliseconds> retry_after{};
  policy::rate_limit_headers limits{};
};

/// How a provider behaves for a while. Shares are of all requests; what is left is answered.
struct provider_phase {
  duration length = seconds(60);
  double server_error = 0, reset = 0, rate_limited = 0, bad_request = 0, unparsable = 0, stale = 0,
         never_answers = 0;
  duration latency = milliseconds(50);        ///< median of the answers
  double latency_sigma = 0;                   ///< log-normal
  double slow_share = 0;                      ///< of the answers, ten times as slow
  duration error_latency{0};                  ///< errors often come at once
  std::optional<milliseconds> retry_after{};  ///< with every 429
  bool lies = false;                          ///< about limits and waits
};

/// A provider that goes through its phases in a circle, and may refuse what is over its own limit
/// of requests per minute.
class provider_model {
 public:
  explicit provider_model(std::vector<provider_phase> phases, std::uint32_t requests_per_minute = 0)
      : phases_(std::move(phases)),
        requests_(phases_.size()),
        requests_per_minute_(requests_per_minute) {}

  void start(time_point at) { started_at_ = at; }
  [[nodiscard]] reply answer(time_point now, random_source& random);
  /// Requests that were over the provider's own limit.
  [[nodiscard]] std::uint64_t over_limit() const noexcept { return over_limit_; }
  /// Requests that came while it was in the phase of that number.
  [[nodiscard]] std::uint64_t requests_in(std::size_t phase) const { return requests_.at(phase); }

 private:
  [[nodiscard]] std::size_t phase_at(time_point now) const;
  [[nodiscard]] bool exceeds_limit(time_point now);

  std::vector<provider_phase> phases_;
  std::vector<std::uint64_t> requests_;  // that came in each phase
  std::uint32_t requests_per_minute_;
  time_point started_at_{};
  std::deque<time_point> minute_;
  std::uint64_t over_limit_ = 0;
};

}  // namespace graphbit::sim
