#include <graphbit/actors/policy/retry_budget.hpp>

#include <algorithm>

namespace graphbit::policy {

namespace {

std::int64_t capacity_halves(std::size_t in_flight_limit) noexcept {
  return 2 * std::max<std::int64_t>(100, 2 * static_cast<std::int64_t>(in_flight_limit));
}

}  // namespace

retry_budget::retry_budget(std::size_t in_flight_limit) noexcept
    : capacity_halves_(capacity_halves(in_flight_limit)), halves_(capacity_halves_) {}

bool retry_budget::take() noexcept {
  if (!available()) return false;
  halves_ -= 2;
  return true;
}

void retry_budget::add(std::int64_t halves) noexcept {
  halves_ = std::min(halves_ + halves, capacity_halves_);
}

void retry_budget::set_in_flight_limit(std::size_t in_flight_limit) noexcept {
  const std::int64_t spent = capacity_halves_ - halves_;
  capacity_halves_ = capacity_halves(in_flight_limit);
  halves_ = std::max<std::int64_t>(0, capacity_halves_ - spent);
}

}  // namespace graphbit::policy
