#pragma once

#include <cstdint>

#include <graphbit/actors/policy/sliding_minute.hpp>
#include <graphbit/runtime/clock.hpp>

namespace graphbit::policy {

/// Keeps one rate per minute: never over it in any sliding 60 s window, and evenly spread, because
/// providers refuse bursts within the minute too. Spreads by GCRA (a virtual schedule on which each
/// grant moves the next one on) at 98.5 % of the rate, which leaves room for jitter on the way to
/// the provider; the sliding sum is the proof for every window, also across changes of the rate.
/// A plain value; not thread-safe.
class pacer {
 public:
  /// `per_minute` 0: unlimited. `burst_share`: how much of a minute's amount may go at once after
  /// a rest; one grant may always go.
  explicit pacer(double burst_share, std::uint64_t per_minute = 0) noexcept
      : burst_share_(burst_share), per_minute_(per_minute) {}

  [[nodiscard]] bool limited() const noexcept { return per_minute_ != 0; }
  [[nodiscard]] std::uint64_t per_minute() const noexcept { return per_minute_; }
  void set_burst_share(double share) noexcept { burst_share_ = share; }
  /// The new rate counts what was granted before.
  void set_per_minute(std::uint64_t per_minute) noexcept;

  /// The first time at which `amount` may go. More than a minute's amount can never fit: it goes
  /// alone, after a minute without anything, and the provider decides.
  [[nodiscard]] time_point free_at(std::uint64_t amount, time_point now) noexcept;
  void spend(std::uint64_t amount, time_point now) noexcept;
  /// What was spent at `then` turned out to be `actual`.
  void correct(std::uint64_t spent, std::uint64_t actual, time_point then, time_point now) noexcept;
  /// Others spent from the same rate too: at least `amount` in all within the last minute.
  void raise_to(std::uint64_t amount, time_point now) noexcept;
  /// The time that `amount` takes at this rate, a minute at most.
  [[nodiscard]] duration cost(std::uint64_t amount) const noexcept;
  [[nodiscard]] std::uint64_t spent_in_last_minute(time_point now) noexcept {
    return window_.sum(now);
  }

 private:
  double burst_share_;
  std::uint64_t per_minute_;
  time_point next_at_{};  // the virtual schedule: when the next grant is due
  sliding_minute window_;
};

}  // namespace graphbit::policy
