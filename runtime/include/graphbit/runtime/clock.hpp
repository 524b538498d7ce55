#pragma once

#include <chrono>

namespace graphbit {

/// The clock of all deadlines: it never jumps.
using steady_clock = std::chrono::steady_clock;
/// A moment of that clock.
using time_point = steady_clock::time_point;
/// A length of time, in that clock's unit.
using duration = steady_clock::duration;
/// The unit of most settings.
using milliseconds = std::chrono::milliseconds;
/// The unit of the coarse ones.
using seconds = std::chrono::seconds;

/// A time that never comes: "no deadline".
inline constexpr time_point never = time_point::max();

/// Where time comes from. Policies take `time_point` arguments; actors and clients that must ask
/// hold a `const clock&`, so that tests and simulations fix it.
class clock {
 public:
  virtual ~clock() = default;
  /// The moment that it is.
  [[nodiscard]] virtual time_point now() const noexcept = 0;
};

/// The machine's monotonic clock.
[[nodiscard]] const clock& system_clock() noexcept;

/// A clock that stands still until it is told to move; for tests.
class manual_clock final : public clock {
 public:
  /// Stands at `start`.
  explicit manual_clock(time_point start = time_point{} + std::chrono::hours(1)) : now_(start) {}
  /// Where it was left.
  [[nodiscard]] time_point now() const noexcept override { return now_; }
  /// Moves on by `d`.
  void advance(duration d) noexcept { now_ += d; }

 private:
  time_point now_;
};

/// Milliseconds from `now` to `at`, never below zero; `milliseconds::max()` for `never`.
[[nodiscard]] constexpr milliseconds remaining(time_point at, time_point now) noexcept {
  if (at == never) return milliseconds::max();
  return at <= now ? milliseconds{0} : std::chrono::ceil<milliseconds>(at - now);
}

}  // namespace graphbit
