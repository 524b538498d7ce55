#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace graphbit::policy {

/// Guesses a call's tokens before it is sent: prompt bytes / 4, corrected by what the same model's
/// answers reported, plus the answer's expected length. One object per model; a plain value; not
/// thread-safe. No tokenizer: an estimate within some per cent is enough for a rate limit, because
/// the limiter puts the true number in its place afterwards.
class token_estimate {
 public:
  /// `max_tokens`: the request's own bound of its answer.
  [[nodiscard]] std::uint64_t estimate(std::size_t prompt_bytes,
                                       std::optional<std::uint64_t> max_tokens = {}) const noexcept;
  /// An answer's usage. Values that cannot be (0 prompt tokens, 100 x off) are not believed.
  void observed(std::size_t prompt_bytes, std::uint64_t prompt_tokens,
                std::uint64_t completion_tokens) noexcept;
  [[nodiscard]] double bytes_per_token() const noexcept { return bytes_per_token_; }

 private:
  double bytes_per_token_ = 4.0;
  double completion_ = 256.0;  // of a usual answer, until some were seen
  std::uint32_t seen_ = 0;
};

}  // namespace graphbit::policy
