#include <src/transform.hpp>

#include <gtest/gtest.h>

#include <string>

namespace graphbit {
namespace {

std::string transformed(std::string_view transformation, std::string_view input,
                        std::string_view argument = {}) {
  const auto named = parse_transform(transformation, argument);
  if (!named) return "unknown";
  const auto out = apply_transform(*named, node_output::from_answer(std::string(input)));
  return out ? out->text() : "error: " + out.error().message;
}

TEST(TransformTest, Texts) {
  EXPECT_EQ(transformed("uppercase", "straße, naïve ω"), "STRAßE, NAÏVE Ω");
  EXPECT_EQ(transformed("lowercase", "ÀÉ ДА \xff"), "àé да \xff") << "bytes that are no UTF-8 stay";
  EXPECT_EQ(transformed(" trim ", "\n a b \t"), "a b");
  EXPECT_EQ(transformed("first", "\none\ntwo\n"), "one");
  EXPECT_EQ(transformed("last", "\none\ntwo\n"), "two");
  EXPECT_EQ(transformed("reverse", "x"), "unknown");
}

TEST(TransformTest, Lists) {
  EXPECT_EQ(transformed("split", "a\n\n\n\nb"), R"(["a","b"])");
  EXPECT_EQ(transformed("split:,", "a, b"), R"(["a","b"])");
  EXPECT_EQ(transformed("join", R"(["a",{"b":1}])"), "a\n{\"b\":1}");
  EXPECT_EQ(transformed("join", R"(["a","b"])", " + "), "a + b");
  EXPECT_EQ(transformed("first", "[1,2]"), "1");
  EXPECT_EQ(transformed("last", "[1,2]"), "2");
  EXPECT_EQ(transformed("first", "[]"), "");
}

TEST(TransformTest, Json) {
  EXPECT_EQ(transformed("json_extract", R"({"a":[1,{"b":"c"}]})", "a.1.b"), "c");
  EXPECT_EQ(transformed("json_extract:a", R"({"a":[1]})"), "[1]");
  EXPECT_EQ(transformed("json_extract:z", R"({"a":1})"),
            "error: json_extract found nothing under this path");
  EXPECT_NE(transformed("json_extract:a", "no json").find("error: "), std::string::npos);
}

TEST(TransformTest, ChunksEndWhereAReaderPausesAndLoseNothing) {
  EXPECT_EQ(transformed("chunk:12", "One two. Three four.\n\nFive"),
            R"(["One two.","Three four.","Five"])");
  EXPECT_EQ(transformed("chunk:4", "ääää"), R"(["ää","ää"])") << "never inside a character";
  EXPECT_EQ(transformed("chunk:5", "ääää"), R"(["ää","ää"])");
  EXPECT_EQ(transformed("chunk", "short"), R"(["short"])");
  EXPECT_NE(transformed("chunk:many", "x").find("error: "), std::string::npos);
}

TEST(NodeOutputTest, TextIsJsonOnlyWhenAllOfItIs) {
  EXPECT_EQ(node_output::from_answer(" 42 ").json(), json_value(std::int64_t{42}));
  EXPECT_EQ(node_output::from_answer("42 apples").json(), json_value("42 apples"));
  EXPECT_EQ(node_output::from_answer("[1] see below").json(), json_value("[1] see below"));
  EXPECT_EQ(node_output::from_answer("\"quoted\"").text(), "quoted");
  EXPECT_EQ(node_output::from_answer("true").json(), json_value(true));
  EXPECT_TRUE(node_output::from_answer("null").is_null());
  EXPECT_EQ(node_output::from_answer("").text(), "");
  EXPECT_FALSE(node_output::from_answer("").is_null());
  EXPECT_EQ(node_output::from_text("{}").json(), json_value("{}"));
  EXPECT_EQ(node_output::from_text("a\"b").json_text(), "\"a\\\"b\"");
}

}  // namespace
}  // namespace graphbit
