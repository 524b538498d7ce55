#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <graphbit/actors/policy/percentiles.hpp>
#include <graphbit/actors/policy/retry_budget.hpp>
#include <graphbit/runtime/clock.hpp>

namespace graphbit::policy {

struct hedge_settings {
  bool enabled = false;
  double percentile = 0.95;        ///< of the first attempts' latencies: wait so long for an answer
  std::size_t samples_min = 50;    ///< before so many answers nothing is hedged
  std::size_t samples_max = 2000;  ///< about so many of the latest answers are looked at
  duration delay_min = milliseconds(1);
  double share_max = 0.06;  ///< hedges per first attempt, over the latest `samples_max`
};

/// Sends a second attempt when the first takes longer than 95 % of its like: cuts the tail for 5 %
/// more requests. Learns from first attempts only, and counts a first attempt that lost to its
/// hedge as slower than any: otherwise the percentile would drift down and hedges run away. A plain
/// value; not thread-safe.
class hedge {
 public:
  explicit hedge(hedge_settings settings = {}) noexcept : settings_(settings) {}

  /// How long to wait for a first attempt before a second goes out; nothing: do not hedge.
  /// Cached, so that asking per call is cheap.
  [[nodiscard]] std::optional<duration> delay() const noexcept;
  /// Asked when that time is up and the first attempt is still out: takes the token of the second.
  [[nodiscard]] bool may_hedge(retry_budget& budget) noexcept;

  /// A first attempt answered well after `latency` (hedged or not).
  void first_answered(duration latency) noexcept;
  /// A first attempt was cancelled because its hedge had answered.
  void first_lost() noexcept;

  void configure(const hedge_settings& settings) noexcept { settings_ = settings; }
  [[nodiscard]] const hedge_settings& settings() const noexcept { return settings_; }
  [[nodiscard]] std::uint64_t hedges() const noexcept { return hedges_; }

 private:
  void sampled() noexcept;

  hedge_settings settings_;
  percentiles newer_, older_;  // two halves that take turns, so that old answers fade
  std::uint64_t hedges_ = 0;
  std::size_t newer_hedges_ = 0, older_hedges_ = 0;
  std::uint32_t since_refresh_ = 0;
  duration delay_{0};
};

}  // namespace graphbit::policy
