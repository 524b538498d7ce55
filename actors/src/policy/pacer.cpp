#include <graphbit/actors/policy/pacer.hpp>

#include <algorithm>

namespace graphbit::policy {

namespace {

constexpr double used_share = 0.985;  // the rest is room for jitter on the way to the provider

}  // namespace

duration pacer::cost(std::uint64_t amount) const noexcept {
  if (!limited()) return duration{0};
  const double minutes = static_cast<double>(std::min(amount, per_minute_)) /
                         (static_cast<double>(per_minute_) * used_share);
  return std::chrono::duration_cast<duration>(minutes * std::chrono::minutes(1));
}

void pacer::set_per_minute(std::uint64_t per_minute) noexcept {
  if (per_minute == per_minute_) return;
  per_minute_ = per_minute;
  next_at_ = {};  // it was a schedule of the old rate; the window still counts what went before
}

time_point pacer::free_at(std::uint64_t amount, time_point now) noexcept {
  if (!limited()) return now;
  const auto ahead = std::chrono::duration_cast<duration>(burst_share_ * std::chrono::minutes(1));
  const time_point due = next_at_ - std::min(ahead, next_at_.time_since_epoch());
  const std::uint64_t others_max = per_minute_ - std::min(amount, per_minute_);
  return std::max({now, due, window_.falls_to(others_max, now)});
}

void pacer::spend(std::uint64_t amount, time_point now) noexcept {
  if (!limited()) return;
  next_at_ = std::max(next_at_, now) + cost(amount);
  window_.add(amount, now);
}

void pacer::raise_to(std::uint64_t amount, time_point now) noexcept {
  const std::uint64_t known = window_.sum(now);
  if (amount > known) window_.add(amount - known, now);
}

void pacer::correct(std::uint64_t spent, std::uint64_t actual, time_point then,
                    time_point now) noexcept {
  if (!limited() || spent == actual) return;
  if (actual > spent) {
    next_at_ = std::max(next_at_, now) + cost(actual - spent);
    window_.add(actual - spent, now);
  } else {
    next_at_ -= std::min(cost(spent - actual), next_at_.time_since_epoch());
    window_.subtract(spent - actual, then, now);
  }
}

}  // namespace graphbit::policy
