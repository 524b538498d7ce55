#include <graphbit/actors/policy/token_estimate.hpp>

#include <algorithm>
#include <cmath>

namespace graphbit::policy {

std::uint64_t token_estimate::estimate(std::size_t prompt_bytes,
                                       std::optional<std::uint64_t> max_tokens) const noexcept {
  const double prompt = std::ceil(static_cast<double>(prompt_bytes) / bytes_per_token_);
  double completion = completion_;
  if (max_tokens) {
    const auto bound = static_cast<double>(*max_tokens);
    completion = seen_ == 0 ? bound : std::min(bound, completion_);
  }
  return static_cast<std::uint64_t>(prompt + std::ceil(completion));
}

void token_estimate::observed(std::size_t prompt_bytes, std::uint64_t prompt_tokens,
                              std::uint64_t completion_tokens) noexcept {
  if (prompt_bytes == 0 || prompt_tokens == 0) return;
  const double ratio = static_cast<double>(prompt_bytes) / static_cast<double>(prompt_tokens);
  if (ratio < 0.04 || ratio > 400) return;
  seen_ = std::min(seen_ + 1, 20u);
  const double weight = 1.0 / seen_;  // a plain mean first, then the latest 20 or so count
  bytes_per_token_ += (ratio - bytes_per_token_) * weight;
  completion_ += (static_cast<double>(completion_tokens) - completion_) * weight;
}

}  // namespace graphbit::policy
