#include <graphbit/runtime/decimal.hpp>

#include <charconv>
#include <cstdint>
#include <limits>
#include <system_error>

namespace graphbit {

namespace {

constexpr double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

double parse_any(std::string_view text) noexcept {
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  static_cast<void>(end);
  if (ec != std::errc::result_out_of_range) return value;
  // Out of range is too large or too small; only a negative exponent makes a number small.
  const bool tiny =
      text.find("e-") != std::string_view::npos || text.find("E-") != std::string_view::npos;
  if (tiny) return 0;
  const double infinite = std::numeric_limits<double>::infinity();
  return text.front() == '-' ? -infinite : infinite;
}

}  // namespace

double parse_decimal(std::string_view text) noexcept {
  // Clinger's fast path: up to 2^53 times or over a power of ten up to 10^22 is one exact
  // operation on doubles, rounded once.
  constexpr std::uint64_t exact_max = std::uint64_t{1} << 53;
  const char* at = text.data();
  const char* const end = at + text.size();
  const bool negative = at != end && *at == '-';
  if (negative) ++at;
  std::uint64_t mantissa = 0;
  const char* const first = at;
  while (at != end && *at >= '0' && *at <= '9')
    mantissa = mantissa * 10 + static_cast<unsigned>(*at++ - '0');
  std::size_t fraction_digits = 0;
  if (at != end && *at == '.') {
    const char* const fraction = ++at;
    while (at != end && *at >= '0' && *at <= '9')
      mantissa = mantissa * 10 + static_cast<unsigned>(*at++ - '0');
    fraction_digits = static_cast<std::size_t>(at - fraction);
  }
  // 19 digits (and the point) cannot overflow 64 bits.
  const bool fast = at == end && at - first <= 19 && mantissa <= exact_max && fraction_digits <= 22;
  if (!fast) return parse_any(text);
  const double value = static_cast<double>(mantissa) / powers_of_ten[fraction_digits];
  return negative ? -value : value;
}

}  // namespace graphbit
