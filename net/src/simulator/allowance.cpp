#include "allowance.hpp"

#include <algorithm>

namespace graphbit::sim {

void allowance::limit(double per_minute, time_point now) {
  if (per_minute == per_minute_) return;
  per_minute_ = left_ = per_minute;
  at_ = now;
}

double allowance::left(time_point now) const {
  const auto passed_s = std::chrono::duration<double>(now - at_).count();
  return std::min(per_minute_, left_ + passed_s * per_minute_ / 60);
}

bool allowance::take(double amount, time_point now) {
  if (per_minute_ <= 0) return true;
  left_ = left(now);
  at_ = now;
  if (left_ < amount) return false;
  left_ -= amount;
  return true;
}

double allowance::full_in_s(time_point now) const {
  return per_minute_ <= 0 ? 0 : (per_minute_ - left(now)) * 60 / per_minute_;
}

double allowance::ready_in_s(double amount, time_point now) const {
  return per_minute_ <= 0 ? 0 : std::max(0.0, amount - left(now)) * 60 / per_minute_;
}

}  // namespace graphbit::sim
