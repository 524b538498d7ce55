#include <graphbit/runtime/decimal.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <string>

#include <graphbit/runtime/random.hpp>

namespace graphbit {
namespace {

TEST(parse_decimal, agrees_with_strtod_on_edges) {
  for (const char* text : {"0",
                           "-0",
                           "1",
                           "-1",
                           "0.1",
                           "123456789",
                           "9007199254740992",
                           "9007199254740993",
                           "9007199254740993.0",
                           "0.30000000000000004",
                           "1e22",
                           "1e23",
                           "1.7976931348623157e308",
                           "5e-324",
                           "2.2250738585072011e-308",
                           "0.0000000000000000000000012345",
                           "1e-5",
                           "-2.5E+3",
                           "123456789012345678901234567890",
                           "0.012345679104328156",
                           "18446744073709551616"})
    EXPECT_EQ(parse_decimal(text), std::strtod(text, nullptr)) << text;
}

TEST(parse_decimal, agrees_with_strtod_on_chance) {
  random_source random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = random.below(2) == 0 ? "-" : "";
    text += std::to_string(random.next() >> random.below(64));
    if (random.below(4) != 0) text += "." + std::to_string(random.next() >> random.below(64));
    if (random.below(4) == 0)
      text += "e" + std::to_string(static_cast<int>(random.below(600)) - 300);
    EXPECT_EQ(parse_decimal(text), std::strtod(text.c_str(), nullptr)) << text;
  }
}

TEST(parse_decimal, overflows_to_infinity_and_underflows_to_zero) {
  EXPECT_EQ(parse_decimal("1e400"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_decimal("-1e400"), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_decimal("1e-400"), 0.0);
}

}  // namespace
}  // namespace graphbit
