#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <graphbit/net/http_types.hpp>
#include <graphbit/runtime/clock.hpp>

namespace graphbit::policy {

/// One resource (requests or tokens) as the provider's headers describe it.
struct rate_limit_state {
  std::optional<std::uint64_t> limit;
  std::optional<std::uint64_t> remaining;
  std::optional<duration> reset_after;  ///< until the provider calls it replenished
  friend bool operator==(const rate_limit_state&, const rate_limit_state&) = default;
};

/// What one answer's headers say about the limits. Absent parts are unset.
struct rate_limit_headers {
  rate_limit_state requests;
  rate_limit_state tokens;
  [[nodiscard]] bool empty() const noexcept { return *this == rate_limit_headers{}; }
  friend bool operator==(const rate_limit_headers&, const rate_limit_headers&) = default;
};

/// Reads `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` (OpenAI and those that copy it;
/// resets such as "6m0s", "20ms" or plain seconds), the same with `-minute` behind (Cerebras;
/// Mistral with `req` for `requests`), and
/// `anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}` (RFC 3339 resets against
/// `now_unix_s`). Values that cannot be understood are left unset.
[[nodiscard]] rate_limit_headers learn(const http_headers& headers, std::int64_t now_unix_s);

/// "1s", "6m0s", "1h2m3.5s", "20ms", or plain seconds; nothing for anything else or over 30 days.
[[nodiscard]] std::optional<duration> parse_reset(std::string_view text) noexcept;

/// The limit per minute that a state implies. Providers report limits per minute and per day under
/// one name, so the period is derived from how long the used part takes to come back; nothing when
/// it is plainly not a minute's, is zero, or is missing.
[[nodiscard]] std::optional<std::uint64_t> per_minute(const rate_limit_state& state) noexcept;

}  // namespace graphbit::policy
