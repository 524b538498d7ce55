#include "http_date.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>

namespace graphbit {

namespace {

struct date_parts {
  int day = 0, year = 0, hour = 0, minute = 0, second = 0;
  std::array<char, 4> month{};
};

std::optional<unsigned> month_number(std::string_view name) {
  constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto at = names.find(name);
  if (name.size() != 3 || at == std::string_view::npos || at % 3 != 0) return std::nullopt;
  return static_cast<unsigned>(at / 3 + 1);
}

std::optional<date_parts> scan(const char* text) {
  date_parts p;
  // "Sun, 06 Nov 1994 08:49:37 GMT" and, its dashes made spaces, "Sunday, 06-Nov-94 08:49:37 GMT"
  if (std::sscanf(text, "%*9[A-Za-z], %2d %3s %4d %2d:%2d:%2d GMT", &p.day, p.month.data(), &p.year,
                  &p.hour, &p.minute, &p.second) == 6) {
    if (p.year < 100) p.year += p.year < 70 ? 2000 : 1900;
    return p;
  }
  // "Sun Nov  6 08:49:37 1994"
  if (std::sscanf(text, "%*3[A-Za-z] %3s %2d %2d:%2d:%2d %4d", p.month.data(), &p.day, &p.hour,
                  &p.minute, &p.second, &p.year) == 6)
    return p;
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  if (text.size() > 64) return std::nullopt;
  std::string terminated(text);
  std::replace(terminated.begin(), terminated.end(), '-', ' ');
  const auto parts = scan(terminated.c_str());
  if (!parts) return std::nullopt;
  const auto month = month_number(parts->month.data());
  if (!month || parts->hour < 0 || parts->hour > 23 || parts->minute < 0 || parts->minute > 59 ||
      parts->second < 0 || parts->second > 60)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{parts->year}, std::chrono::month{*month},
                                         std::chrono::day{static_cast<unsigned>(parts->day)}};
  if (!date.ok()) return std::nullopt;
  const auto days = std::chrono::sys_days{date}.time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(days).count() + parts->hour * 3600 +
         parts->minute * 60 + parts->second;
}

}  // namespace graphbit
