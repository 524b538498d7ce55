#pragma once

#include <cstddef>
#include <cstdint>

namespace graphbit::policy {

/// Keeps retries (and hedges) from becoming a storm: a token bucket per provider. A retry costs 1,
/// a success gives 0.5, and none is allowed at or under half. A dead provider therefore sees a
/// bounded number of retries, while 25 % of transient faults are still absorbed for ever.
/// A plain value; not thread-safe.
class retry_budget {
 public:
  /// `in_flight_limit` 0: none. The bucket holds max(100, 2 x limit) tokens and starts full.
  explicit retry_budget(std::size_t in_flight_limit = 0) noexcept;

  /// Takes the token of one retry or hedge; false: none is left for it.
  [[nodiscard]] bool take() noexcept;
  [[nodiscard]] bool available() const noexcept { return halves_ > capacity_halves_ / 2; }
  /// Gives a token back whose retry or hedge was not sent after all.
  void give_back() noexcept { add(2); }
  void succeeded() noexcept { add(1); }
  /// Resizes the bucket; what was spent stays spent.
  void set_in_flight_limit(std::size_t in_flight_limit) noexcept;

  [[nodiscard]] double tokens() const noexcept { return static_cast<double>(halves_) / 2; }
  [[nodiscard]] double capacity() const noexcept {
    return static_cast<double>(capacity_halves_) / 2;
  }

 private:
  void add(std::int64_t halves) noexcept;

  std::int64_t capacity_halves_;  // counted in half tokens, so that no rounding adds up
  std::int64_t halves_;
};

}  // namespace graphbit::policy
