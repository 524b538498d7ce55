#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <graphbit/runtime/json_value.hpp>

namespace graphbit {
namespace {

using namespace std::string_view_literals;

json_value parsed(std::string_view text) {
  auto v = parse_json(text);
  EXPECT_TRUE(v.has_value()) << text << ": " << (v ? "" : v.error().message);
  return v.value_or(nullptr);
}

TEST(json_value, keeps_the_order_of_members) {
  const std::string text = R"({"z":1,"a":[true,null,"x"],"m":{"n":-2.5}})";
  EXPECT_EQ(to_json(parsed(text)), text);
}

TEST(json_value, tells_integers_from_doubles) {
  EXPECT_TRUE(parsed("1").is_int());
  EXPECT_TRUE(parsed("3000000000").is_int());
  EXPECT_TRUE(parsed("-9223372036854775808").is_int());
  EXPECT_TRUE(parsed("18446744073709551615").is_uint());
  EXPECT_TRUE(parsed("1.0").is_double());
  EXPECT_TRUE(parsed("1e3").is_double());
  EXPECT_EQ(parsed("18446744073709551615").as_double(), 18446744073709551615.0);
  EXPECT_EQ(to_json(1.0), "1.0");
  EXPECT_EQ(to_json(1e300), "1e+300");
}

TEST(json_value, doubles_survive_a_round_trip) {
  for (const double d : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0})
    EXPECT_EQ(parsed(to_json(d)).as_double(), d);
}

TEST(json_value, zero_with_an_exponent_is_zero) {
  for (const char* zero : {"0e-71", "-0e5", "0.0e-400", "0E+300"})
    EXPECT_EQ(parsed(zero).as_double(), 0.0) << zero;
}

TEST(json_value, not_a_number_becomes_null) {
  EXPECT_EQ(to_json(std::nan("")), "null");
  EXPECT_EQ(to_json(std::numeric_limits<double>::infinity()), "null");
}

TEST(json_value, finds_and_sets_members) {
  json_value v;
  v.set("a", 1);
  v.set("b", "two");
  v.set("a", 3);
  EXPECT_EQ(to_json(v), R"({"a":3,"b":"two"})");
  EXPECT_EQ(v.string_or("b"), "two");
  EXPECT_EQ(v.string_or("a", "no text"), "no text");
  EXPECT_EQ(v.find("c"), nullptr);
  EXPECT_EQ(json_value(1).find("c"), nullptr);
}

TEST(json_value, last_of_equal_keys_wins) {
  EXPECT_EQ(parsed(R"({"a":1,"a":2})").find("a")->as_int(), 2);
}

TEST(json_value, push_back_makes_an_array_of_null) {
  json_value v;
  v.push_back(1);
  v.push_back("x");
  EXPECT_EQ(to_json(v), R"([1,"x"])");
}

TEST(json_value, pretty_text_is_indented_by_two) {
  EXPECT_EQ(to_json_pretty(parsed(R"({"a":[1,2],"e":[],"o":{}})")),
            "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"e\": [],\n  \"o\": {}\n}");
}

TEST(json_value, text_in_prompts_is_bare_for_strings) {
  EXPECT_EQ(to_text("a\"b"), "a\"b");
  EXPECT_EQ(to_text(parsed("[1, \"x\"]")), "[1,\"x\"]");
}

TEST(json_value, escapes_what_json_asks_for) {
  std::string out;
  append_json_string(out, "q\" b\\ \n\r\t\b\f \0\x1f é €"sv);
  EXPECT_EQ(out, "\"q\\\" b\\\\ \\n\\r\\t\\b\\f \\u0000\\u001f é €\"");
}

TEST(json_value, every_byte_of_text_survives_escaping_and_parsing) {
  for (std::size_t length = 0; length < 40; ++length) {
    for (int byte = 0; byte < 0x80; ++byte) {
      std::string text(length, 'x');
      if (length > 0) text[length / 2] = static_cast<char>(byte);
      std::string quoted;
      append_json_string(quoted, text);
      EXPECT_EQ(parsed(quoted).as_string(), text);
    }
  }
}

TEST(parse_json, reads_surrogate_pairs) { EXPECT_EQ(parsed(R"("\ud83d\ude00")").as_string(), "😀"); }

TEST(parse_json, names_the_byte_of_a_fault) {
  for (const char* bad :
       {"", "{", "[1,]", "{\"a\":}", "tru", "01", "1 2", "\"\x01\"", "'a'", "NaN", "\"\\ud83d\"",
        "\"\\ude00\"", "{\"\\ude00\":1}", "\"\xff\"", "1e400", "[1}"}) {
    const auto v = parse_json(bad);
    ASSERT_FALSE(v.has_value()) << bad;
    EXPECT_EQ(v.error().kind, error_kind::validation) << bad;
    EXPECT_EQ(v.error().field, "json");
    EXPECT_NE(v.error().message.find("at byte "), std::string::npos) << v.error().message;
  }
}

TEST(parse_json, refuses_a_nul_byte_after_the_value) {
  EXPECT_FALSE(parse_json(std::string_view("1\0x", 3)).has_value());
  EXPECT_FALSE(parse_json(std::string_view("\0", 1)).has_value());
}

TEST(parse_json, has_a_limit_on_depth) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(128)).has_value());
  const auto deep = parse_json(nested(129));
  ASSERT_FALSE(deep.has_value());
  EXPECT_EQ(deep.error().kind, error_kind::resource_exhausted);
  EXPECT_EQ(deep.error().resource_type, "json_depth");
  // Far past the limit neither time nor the thread's stack is used up.
  EXPECT_FALSE(parse_json(std::string(8'000'000, '[')).has_value());
}

}  // namespace
}  // namespace graphbit
