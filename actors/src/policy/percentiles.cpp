#include <graphbit/actors/policy/percentiles.hpp>

#include <algorithm>
#include <cmath>

namespace graphbit::policy {

std::size_t percentiles::bucket_of(std::uint64_t us) noexcept {
  constexpr std::uint64_t linear = 1u << sub_bits;  // below: one bucket per microsecond
  if (us < linear) return static_cast<std::size_t>(us);
  const auto shift = static_cast<unsigned>(std::bit_width(us)) - 1 - sub_bits;
  const std::size_t bucket = ((shift + 1) << sub_bits) + ((us >> shift) - linear);
  return std::min(bucket, bucket_count - 1);
}

std::uint64_t percentiles::upper_us(std::size_t bucket) noexcept {
  constexpr std::uint64_t linear = 1u << sub_bits;
  if (bucket < linear) return bucket;
  const std::size_t shift = (bucket >> sub_bits) - 1;
  return (((bucket & (linear - 1)) + linear + 1) << shift) - 1;
}

void percentiles::record(duration latency) noexcept {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(latency).count();
  ++counts_[bucket_of(static_cast<std::uint64_t>(std::max<std::int64_t>(0, us)))];
  ++count_;
}

duration percentiles::at(double share) const noexcept {
  if (count_ == 0) return duration{0};
  const double exact = std::clamp(share, 0.0, 1.0) * static_cast<double>(count_);
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(exact)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < bucket_count; ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::chrono::microseconds(upper_us(i));
  }
  return duration::max();
}

duration percentiles::largest() const noexcept {
  for (std::size_t i = bucket_count; i-- > 0;) {
    if (counts_[i] != 0) return std::chrono::microseconds(upper_us(i));
  }
  return duration{0};
}

void percentiles::add(const percentiles& other) noexcept {
  for (std::size_t i = 0; i < bucket_count; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  beyond_ += other.beyond_;
}

}  // namespace graphbit::policy
