#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <graphbit/runtime/clock.hpp>

namespace graphbit::policy {

/// Percentiles of latencies in 4 KiB, whatever their number: counts in buckets that are 1/32 of a
/// power of two wide (values within 3.2 %), from 1 us to 38 hours. A plain value; not thread-safe;
/// recording costs some nanoseconds, a percentile one pass over the buckets.
class percentiles {
 public:
  void record(duration latency) noexcept;
  /// A value that is only known to be longer than anything that could be measured.
  void record_beyond() noexcept {
    ++beyond_;
    ++count_;
  }
  /// The smallest value that at least `share` (0 to 1) of the records do not exceed, rounded up to
  /// its bucket's end. Zero without records; `duration::max()` when it lies beyond measure.
  [[nodiscard]] duration at(double share) const noexcept;
  /// The largest value that was measured, rounded up as by `at`. Zero without one.
  [[nodiscard]] duration largest() const noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Adds another's records to these.
  void add(const percentiles& other) noexcept;
  void clear() noexcept { *this = percentiles{}; }

 private:
  static constexpr unsigned sub_bits = 5;  // 32 buckets per power of two
  static constexpr std::size_t bucket_count = (37 - sub_bits + 1) << sub_bits;

  [[nodiscard]] static std::size_t bucket_of(std::uint64_t us) noexcept;
  [[nodiscard]] static std::uint64_t upper_us(std::size_t bucket) noexcept;

  std::array<std::uint32_t, bucket_count> counts_{};
  std::uint64_t count_ = 0;
  std::uint32_t beyond_ = 0;
};

}  // namespace graphbit::policy
