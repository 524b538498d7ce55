#include "src/json_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <graphbit/runtime/json_value.hpp>

namespace graphbit {
namespace {

std::string unescaped(std::string text) {
  json_reader reader(text);
  const std::string out(reader.string());
  EXPECT_TRUE(reader.finish()) << text;
  return out;
}

bool sound(std::string text) {
  json_reader reader(text);
  reader.skip();
  return reader.finish();
}

TEST(json_reader, reads_wanted_members_and_skips_the_rest) {
  std::string text =
      R"( { "a" : 1, "skip": {"deep": [1, "]}", {"x": null}]}, "b": ["x", true, 2.5e1], "c": null } )";
  json_reader reader(text);
  std::uint32_t a = 0;
  std::vector<std::string> b;
  std::string c = "kept";
  reader.object([&](std::string_view key) {
    if (key == "a")
      reader.read(a);
    else if (key == "b")
      reader.array([&] { b.emplace_back(reader.raw()); });
    else if (key == "c")
      reader.read(c);
    else
      reader.skip();
  });
  EXPECT_TRUE(reader.finish());
  EXPECT_EQ(a, 1u);
  EXPECT_EQ(b, (std::vector<std::string>{"\"x\"", "true", "2.5e1"}));
  EXPECT_EQ(c, "kept");
}

TEST(json_reader, unescapes_in_place) {
  EXPECT_EQ(unescaped(R"("")"), "");
  EXPECT_EQ(unescaped(R"("plain")"), "plain");
  EXPECT_EQ(unescaped(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(unescaped(R"("\u0041\u00e9\u20ac\ud83d\ude00")"), "Aé€😀");
  EXPECT_EQ(unescaped(R"("\u0000")"), std::string(1, '\0'));
}

TEST(json_reader, replaces_half_a_surrogate_pair) {
  EXPECT_EQ(unescaped(R"("\ud83d")"), "\xef\xbf\xbd");
  EXPECT_EQ(unescaped(R"("\ude00x")"), "\xef\xbf\xbdx");
  EXPECT_EQ(unescaped(R"("\ud83d\u0041")"),
            "\xef\xbf\xbd"
            "A");
}

TEST(json_reader, unescapes_what_append_json_string_wrote_at_every_length) {
  for (std::size_t length = 0; length < 80; ++length) {
    for (const char* special : {"\"", "\\", "\n", "\x01", "é", "😀"}) {
      for (std::size_t at = 0; at <= length; at += 3) {
        std::string want(length, 'x');
        want.insert(at, special);
        std::string quoted;
        append_json_string(quoted, want);
        ASSERT_EQ(unescaped(quoted), want);
      }
    }
  }
}

TEST(json_reader, a_value_of_another_type_is_skipped) {
  std::string text = R"([{"a":1},[2],"s",3,null,true])";
  json_reader reader(text);
  int items = 0;
  reader.array([&] {
    ++items;
    if (items == 3)
      EXPECT_EQ(reader.number(), 0);
    else if (items == 4)
      EXPECT_TRUE(reader.boolean() == false);
    else
      EXPECT_EQ(reader.string(), "");
  });
  EXPECT_EQ(items, 6);
  EXPECT_TRUE(reader.finish());
}

TEST(json_reader, counts_are_kept_in_their_range) {
  for (const auto& [text, want] :
       std::vector<std::pair<std::string, std::uint32_t>>{{"0", 0},
                                                          {"7", 7},
                                                          {"12.9", 12},
                                                          {"-3", 0},
                                                          {"4294967295", 4294967295u},
                                                          {"99999999999999999999", 4294967295u},
                                                          {"1e400", 4294967295u}}) {
    std::string copy = text;
    json_reader reader(copy);
    std::uint32_t got = 5;
    reader.read(got);
    EXPECT_EQ(got, want) << text;
    EXPECT_TRUE(reader.finish());
  }
}

TEST(json_reader, reads_floats) {
  std::string text = "[0.25, -1, 1e-3, 0.012345679104328156, 3.4028235e38]";
  json_reader reader(text);
  std::vector<float> got;
  EXPECT_TRUE(reader.floats(got));
  EXPECT_EQ(got, (std::vector<float>{0.25f, -1.f, 1e-3f, 0.012345679104328156f, 3.4028235e38f}));
  EXPECT_TRUE(reader.finish());
}

TEST(json_reader, floats_refuse_other_items) {
  std::string text = R"([[1, "x", 2], [1, null], {"a": 1}])";
  json_reader reader(text);
  std::vector<float> got;
  reader.array([&] { EXPECT_FALSE(reader.floats(got)); });
  EXPECT_TRUE(reader.finish());
}

TEST(json_reader, takes_all_of_json_and_nothing_else) {
  for (const char* good : {"{}", "[]", "\"\"", "0", "-0.5e+10", "true", "false", "null", " [ ] ",
                           "{\"\":{}}", "[[],[[]]]", "1E5"})
    EXPECT_TRUE(sound(good)) << good;
  for (const char* bad : {"",
                          " ",
                          "{",
                          "}",
                          "[1,]",
                          "[,1]",
                          "{\"a\"}",
                          "{\"a\":}",
                          "{\"a\":1,}",
                          "{a:1}",
                          "tru",
                          "truex",
                          "nul",
                          "01",
                          "-",
                          "1.",
                          ".5",
                          "1e",
                          "+1",
                          "1 2",
                          "\"",
                          "\"\\x\"",
                          "\"\\u12g4\"",
                          "\"\\",
                          "\"\n\"",
                          "'a'",
                          "[1}",
                          "{\"a\":1]",
                          "NaN",
                          "[1 2]",
                          "{\"a\":1 \"b\":2}"})
    EXPECT_FALSE(sound(bad)) << bad;
  EXPECT_FALSE(sound(std::string("1\0", 2)));
  EXPECT_FALSE(sound(std::string("\"a\0b\"", 5)));
}

TEST(json_reader, every_cut_of_a_document_is_a_fault) {
  const std::string whole = R"({"a":[1.5e3,"x\u00e9\n",{"b":null}],"c":true})";
  for (std::size_t cut = 0; cut < whole.size(); ++cut) EXPECT_FALSE(sound(whole.substr(0, cut)));
  EXPECT_TRUE(sound(whole));
}

TEST(json_reader, after_a_fault_everything_is_empty) {
  std::string text = R"({"a":x,"b":"later"})";
  json_reader reader(text);
  int members = 0;
  reader.object([&](std::string_view) {
    ++members;
    EXPECT_EQ(reader.string(), "");
  });
  EXPECT_EQ(members, 1);
  EXPECT_EQ(reader.string(), "");
  EXPECT_FALSE(reader.finish());
}

TEST(json_reader, depth_is_limited) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_TRUE(sound(nested(128)));
  EXPECT_FALSE(sound(nested(129)));
  EXPECT_FALSE(sound(std::string(1'000'000, '[')));
}

TEST(is_json, asks_for_the_type_too) {
  EXPECT_TRUE(is_json("{\"a\":1}", json_reader::type::object));
  EXPECT_FALSE(is_json("[1]", json_reader::type::object));
  EXPECT_FALSE(is_json("{\"a\":1} x", json_reader::type::object));
}

}  // namespace
}  // namespace graphbit
