#include <graphbit/actors/policy/rate_limit_headers.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace graphbit::policy {

namespace {

constexpr duration reset_max = std::chrono::hours(24 * 30);

std::optional<std::uint64_t> parse_count(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Takes a non-negative decimal number off the front of `text`.
std::optional<double> take_number(std::string_view& text) noexcept {
  double value = 0;
  const auto [end, fault] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (fault != std::errc{} || !(value >= 0)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// Takes a unit off the front; its length in seconds, 0 for none that is known.
double take_unit(std::string_view& text) noexcept {
  struct unit {
    std::string_view name;
    double seconds;
  };
  for (const auto& [name, length] : {unit{"ms", 1e-3}, unit{"us", 1e-6}, unit{"d", 86400.0},
                                     unit{"h", 3600.0}, unit{"m", 60.0}, unit{"s", 1.0}}) {
    if (!text.starts_with(name)) continue;
    text.remove_prefix(name.size());
    return length;
  }
  return 0;
}

std::optional<duration> from_seconds(double value) noexcept {
  const std::chrono::duration<double> wait(value);
  if (!(wait <= reset_max)) return std::nullopt;
  return std::chrono::duration_cast<duration>(wait);
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) noexcept {
  if (text.size() < at + count) return std::nullopt;
  int value = 0;
  const auto [end, fault] = std::from_chars(text.data() + at, text.data() + at + count, value);
  if (fault != std::errc{} || end != text.data() + at + count) return std::nullopt;
  return value;
}

/// Seconds to UTC that the end of an RFC 3339 time names: "Z", "+hh:mm" or "-hh:mm".
std::optional<std::int64_t> zone_offset_s(std::string_view zone) noexcept {
  if (zone == "Z" || zone == "z") return 0;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  const auto hours = digits(zone, 1, 2);
  const auto minutes = digits(zone, 4, 2);
  if (!hours || !minutes) return std::nullopt;
  const std::int64_t offset = *hours * 3600 + *minutes * 60;
  return zone[0] == '+' ? offset : -offset;
}

/// "2026-01-02T03:04:05Z" as seconds since 1970, fractions rounded up.
std::optional<std::int64_t> parse_rfc3339(std::string_view text) noexcept {
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  std::string_view rest = text.substr(19);
  const bool fraction = rest.starts_with('.');
  if (fraction) rest.remove_prefix(std::min(rest.find_first_not_of("0123456789", 1), rest.size()));
  const auto offset = zone_offset_s(rest);
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!offset || !date.ok()) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return std::int64_t{days} * 86400 + *hour * 3600 + *minute * 60 + *second - *offset + fraction;
}

std::optional<duration> reset_at(std::string_view text, std::int64_t now_unix_s) noexcept {
  const auto at = parse_rfc3339(text);
  if (!at) return std::nullopt;
  return from_seconds(static_cast<double>(std::max<std::int64_t>(0, *at - now_unix_s)));
}

bool take_prefix(std::string_view& text, std::string_view prefix) noexcept {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

void learn_openai(std::string_view name, std::string_view value, rate_limit_headers& out) noexcept {
  const auto dash = name.find('-');
  if (dash == std::string_view::npos) return;
  const auto what = name.substr(0, dash);
  auto of = name.substr(dash + 1);
  if (of.ends_with("-minute")) of.remove_suffix(std::string_view("-minute").size());
  const bool requests = of == "requests" || of == "req";
  if (!requests && of != "tokens") return;
  rate_limit_state& state = requests ? out.requests : out.tokens;
  if (what == "limit") state.limit = parse_count(value);
  if (what == "remaining") state.remaining = parse_count(value);
  if (what == "reset") state.reset_after = parse_reset(value);
}

void learn_anthropic(std::string_view name, std::string_view value, std::int64_t now_unix_s,
                     rate_limit_headers& out) noexcept {
  const auto dash = name.find('-');
  if (dash == std::string_view::npos) return;
  const auto of = name.substr(0, dash), what = name.substr(dash + 1);
  if (of != "requests" && of != "tokens") return;
  rate_limit_state& state = of == "requests" ? out.requests : out.tokens;
  if (what == "limit") state.limit = parse_count(value);
  if (what == "remaining") state.remaining = parse_count(value);
  if (what == "reset") state.reset_after = reset_at(value, now_unix_s);
}

}  // namespace

rate_limit_headers learn(const http_headers& headers, std::int64_t now_unix_s) {
  rate_limit_headers out;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    auto [name, value] = headers[i];
    if (take_prefix(name, "x-ratelimit-")) {
      learn_openai(name, value, out);
    } else if (take_prefix(name, "anthropic-ratelimit-")) {
      learn_anthropic(name, value, now_unix_s, out);
    }
  }
  return out;
}

std::optional<duration> parse_reset(std::string_view text) noexcept {
  const auto first = take_number(text);
  if (!first) return std::nullopt;
  if (text.empty()) return from_seconds(*first);
  double total = 0;
  for (auto number = first; number; number = take_number(text)) {
    const double unit = take_unit(text);
    if (unit == 0) return std::nullopt;
    total += *number * unit;
    if (text.empty()) return from_seconds(total);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> per_minute(const rate_limit_state& state) noexcept {
  // A minute's resource is back within a minute, whatever scheme the provider uses. Taking a day's
  // limit for a minute's while little of it is used is harmless: it is too large to bind.
  if (state.reset_after && *state.reset_after > seconds(61)) return std::nullopt;
  if (!state.limit || *state.limit == 0) return std::nullopt;
  return state.limit;
}

}  // namespace graphbit::policy
