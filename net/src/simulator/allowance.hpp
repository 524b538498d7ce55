#pragma once

#include <cstddef>

#include <graphbit/runtime/clock.hpp>

namespace graphbit::sim {

/// What a rate limit of so much per minute still allows: a bucket that refills steadily, as the
/// hosted providers describe theirs. A limit of 0 allows everything.
class allowance {
 public:
  void limit(double per_minute, time_point now);
  [[nodiscard]] double limit() const noexcept { return per_minute_; }
  /// Takes `amount`, or nothing and false when it is not there.
  [[nodiscard]] bool take(double amount, time_point now);
  [[nodiscard]] double left(time_point now) const;
  /// Seconds until the bucket is full again.
  [[nodiscard]] double full_in_s(time_point now) const;
  /// Seconds until `amount` is there.
  [[nodiscard]] double ready_in_s(double amount, time_point now) const;

 private:
  double per_minute_ = 0;
  double left_ = 0;
  time_point at_{};
};

struct allowances {
  allowance requests;
  allowance tokens;
  time_point now{};
};

}  // namespace graphbit::sim
