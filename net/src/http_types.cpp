#include <graphbit/net/http_types.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "http_date.hpp"

namespace graphbit {

namespace {

/// Longer waits than this are as good as "never" and would overflow what is computed from them.
constexpr double retry_after_seconds_max = 1e9;

std::optional<milliseconds> parse_number(std::string_view text, double milliseconds_per_unit) {
  double number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (failed != std::errc{} || stop != end || !std::isfinite(number) || number < 0)
    return std::nullopt;
  const auto ms = std::min(number * milliseconds_per_unit, retry_after_seconds_max * 1000);
  return milliseconds{static_cast<std::int64_t>(ms)};
}

/// The statuses after which the same request may succeed.
bool may_pass(int status) {
  constexpr std::array passing{408, 429, 500, 502, 503, 504, 529};
  return std::find(passing.begin(), passing.end(), status) != passing.end();
}

}  // namespace

bool is_header_value(std::string_view value) noexcept {
  return std::none_of(value.begin(), value.end(),
                      [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

error error_from_status(int status, std::string provider, std::string words) {
  const auto of_kind = [&]() -> error {
    if (status == 401 || status == 403) return authentication_error(provider, std::move(words));
    if (status == 402 || status == 429) return rate_limit_error(std::move(words));
    if (status == 408 || status == 504)
      return timeout_error("request", milliseconds{0}, std::move(words));
    if (status == 413) return resource_error("request_size", std::move(words));
    if (status >= 500) return network_error(std::move(words));
    return validation_error("request", std::move(words));
  };
  auto e = of_kind();
  e.status = status;
  e.provider = std::move(provider);
  e.retry = may_pass(status) ? retry_rule::transient : retry_rule::never;
  e.breaker = status == 408 || status == 429 || status >= 500 ? breaker_rule::counts
                                                              : breaker_rule::ignored;
  return e;
}

std::optional<milliseconds> retry_after(const http_headers& headers, std::int64_t now_unix_s) {
  if (const auto ms = headers.get("retry-after-ms"); !ms.empty())
    if (const auto wait = parse_number(ms, 1)) return wait;
  const auto text = headers.get("retry-after");
  if (text.empty()) return std::nullopt;
  if (const auto wait = parse_number(text, 1000)) return wait;
  const auto at = parse_http_date(text);
  if (!at) return std::nullopt;
  return milliseconds{std::max<std::int64_t>(*at - now_unix_s, 0) * 1000};
}

}  // namespace graphbit
