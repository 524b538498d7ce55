#include "call_statistics.hpp"

#include <algorithm>
#include <cmath>

namespace graphbit::python {

void call_statistics::record_success(std::uint64_t latency_us, const token_usage& usage,
                                     bool cached) {
  const double steps =
      std::log2(static_cast<double>(std::max<std::uint64_t>(1, latency_us))) * steps_per_doubling;
  const auto bucket = std::min(bucket_count - 1, static_cast<std::size_t>(steps));
  const std::lock_guard guard(mutex_);
  ++numbers_.total;
  ++numbers_.succeeded;
  numbers_.cached += cached ? 1 : 0;
  numbers_.prompt_tokens += usage.prompt_tokens;
  numbers_.completion_tokens += usage.completion_tokens;
  latency_sum_us_ += latency_us;
  ++latencies_[bucket];
}

void call_statistics::record_failure(const error& e) {
  const std::lock_guard guard(mutex_);
  ++numbers_.total;
  if (e.cancelled) {
    ++numbers_.cancelled;
  } else if (e.kind == error_kind::network && e.attempts == 0 && e.retry_after) {
    ++numbers_.rejected;  // by an open breaker: nothing was tried
  } else {
    ++numbers_.failed;
  }
}

call_statistics::numbers call_statistics::read() const {
  const std::lock_guard guard(mutex_);
  numbers result = numbers_;
  if (result.succeeded > 0) {
    result.average_ms =
        static_cast<double>(latency_sum_us_) / 1000.0 / static_cast<double>(result.succeeded);
    result.p50_ms = percentile_ms(0.50);
    result.p90_ms = percentile_ms(0.90);
    result.p95_ms = percentile_ms(0.95);
    result.p99_ms = percentile_ms(0.99);
  }
  return result;
}

void call_statistics::reset() {
  const std::lock_guard guard(mutex_);
  numbers_ = {};
  latency_sum_us_ = 0;
  latencies_.fill(0);
}

double call_statistics::percentile_ms(double share) const {
  const double wanted = share * static_cast<double>(numbers_.succeeded);
  double seen = 0;
  std::size_t bucket = 0;
  for (; bucket + 1 < bucket_count; ++bucket) {
    seen += latencies_[bucket];
    if (seen >= wanted) break;
  }
  const double middle = (static_cast<double>(bucket) + 0.5) / steps_per_doubling;
  return std::exp2(middle) / 1000.0;
}

}  // namespace graphbit::python
