#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <new>

#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit::python {

/// What one client object has seen of its calls. Threads: all members from any thread.
class call_statistics {
 public:
  struct numbers {
    std::uint64_t total = 0, succeeded = 0, failed = 0, cancelled = 0, rejected = 0;
    std::uint64_t cached = 0;  ///< of the successful ones, from the response cache
    std::uint64_t prompt_tokens = 0, completion_tokens = 0;
    double average_ms = 0;  ///< of the successful ones, as the percentiles
    double p50_ms = 0, p90_ms = 0, p95_ms = 0, p99_ms = 0;
  };

  /// Of anything that has `latency_us` and `usage`: a chat or an embedding response.
  template <class Response>
  void record(const expected<Response>& result) {
    if (result)
      record_success(result->latency_us, result->usage, is_cached(*result));
    else
      record_failure(result.error());
  }
  void record_success(std::uint64_t latency_us, const token_usage& usage, bool cached = false);
  void record_failure(const error& e);
  [[nodiscard]] numbers read() const;
  void reset();
  /// In a forked child: a thread of the parent may have held the lock.
  void renew_lock() noexcept { new (&mutex_) std::mutex; }

 private:
  // Latencies by their order of magnitude in steps of about 9 %: 1 us to 2^32 us.
  static constexpr std::size_t steps_per_doubling = 8;
  static constexpr std::size_t bucket_count = 32 * steps_per_doubling;

  [[nodiscard]] static bool is_cached(const chat_response& r) noexcept { return r.cached; }
  [[nodiscard]] static bool is_cached(const embedding_response&) noexcept { return false; }
  [[nodiscard]] double percentile_ms(double share) const;

  mutable std::mutex mutex_;
  numbers numbers_;
  std::uint64_t latency_sum_us_ = 0;
  std::array<std::uint32_t, bucket_count> latencies_{};
};

}  // namespace graphbit::python
