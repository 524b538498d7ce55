#pragma once

#include <array>
#include <cstdint>

#include <graphbit/runtime/clock.hpp>

namespace graphbit::policy {

/// How much was spent in the last 60 s, in bounded memory: quarter-second buckets. A bucket counts
/// until all of it has left the minute, so that the sum is never too small: what holds for it holds
/// for every sliding 60 s window. A plain value; not thread-safe. Times must not go back.
class sliding_minute {
 public:
  static constexpr duration bucket_width = milliseconds(250);

  void add(std::uint64_t amount, time_point now) noexcept;
  /// Takes back what was added at `then`; without effect once that has left the minute.
  void subtract(std::uint64_t amount, time_point then, time_point now) noexcept;
  [[nodiscard]] std::uint64_t sum(time_point now) noexcept;
  /// The first time when the sum is at most `amount` if nothing is added until then.
  [[nodiscard]] time_point falls_to(std::uint64_t amount, time_point now) noexcept;

 private:
  static constexpr std::int64_t bucket_count = 241;  // 240 and the one that is leaving

  void advance(time_point now) noexcept;
  [[nodiscard]] static std::int64_t index_of(time_point t) noexcept {
    return t.time_since_epoch() / bucket_width;
  }
  [[nodiscard]] std::uint64_t& bucket(std::int64_t index) noexcept {
    return buckets_[static_cast<std::size_t>(index % bucket_count)];
  }

  std::array<std::uint64_t, bucket_count> buckets_{};
  std::int64_t newest_ = 0;
  std::uint64_t sum_ = 0;
};

}  // namespace graphbit::policy
