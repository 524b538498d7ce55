#include <graphbit/actors/policy/sliding_minute.hpp>

#include <algorithm>

namespace graphbit::policy {

void sliding_minute::advance(time_point now) noexcept {
  const std::int64_t current = index_of(now);
  if (current <= newest_) return;
  const std::int64_t steps = std::min(current - newest_, bucket_count);
  for (std::int64_t i = current - steps + 1; i <= current; ++i) {
    sum_ -= bucket(i);
    bucket(i) = 0;
  }
  newest_ = current;
}

void sliding_minute::add(std::uint64_t amount, time_point now) noexcept {
  advance(now);
  bucket(newest_) += amount;
  sum_ += amount;
}

void sliding_minute::subtract(std::uint64_t amount, time_point then, time_point now) noexcept {
  advance(now);
  const std::int64_t index = index_of(then);
  if (index > newest_ || index <= newest_ - bucket_count) return;
  const std::uint64_t taken = std::min(amount, bucket(index));
  bucket(index) -= taken;
  sum_ -= taken;
}

std::uint64_t sliding_minute::sum(time_point now) noexcept {
  advance(now);
  return sum_;
}

time_point sliding_minute::falls_to(std::uint64_t amount, time_point now) noexcept {
  advance(now);
  std::uint64_t left = sum_;
  if (left <= amount) return now;
  for (std::int64_t i = newest_ - bucket_count + 1; i <= newest_; ++i) {
    left -= bucket(i);
    // Bucket i is out as soon as its place is needed for bucket i + bucket_count.
    if (left <= amount) return time_point{} + (i + bucket_count) * bucket_width;
  }
  return now;
}

}  // namespace graphbit::policy
