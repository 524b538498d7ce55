#include <graphbit/actors/condition_expression.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "value_of.hpp"

namespace graphbit {
namespace {

json_value evaluate(std::string_view text) {
  static const json_value output("The quick brown fox"), score(std::int64_t{7}), text_score(" 7 "),
      data = value_of(parse_json(R"({"items": ["a", {"deep": true}], "empty": []})"));
  const auto parsed = condition_expression::parse(text);
  EXPECT_TRUE(parsed.has_value()) << text << ": " << (parsed ? "" : parsed.error().message);
  if (!parsed) return {};
  return parsed->evaluate([&](std::string_view name) -> const json_value* {
    if (name == "output") return &output;
    if (name == "score") return &score;
    if (name == "text_score") return &text_score;
    if (name == "data" || name == "with.dot") return &data;
    return nullptr;
  });
}

bool holds(std::string_view text) { return condition_expression::truth(evaluate(text)); }

TEST(ConditionExpressionTest, Compares) {
  for (const char* yes :
       {"score == 7", "score >= 7", "score != 8", "score < 10", "7 < 10", "'a' < 'b'",
        "text_score == 7", "text_score > 6.5", "score == '7'", "-1 < 0", "output == output"})
    EXPECT_TRUE(holds(yes)) << yes;
  for (const char* no : {"score > 7", "score == '8'", "output > 3", "unknown > 0", "unknown < 0",
                         "'7a' == 7", "null == false"})
    EXPECT_FALSE(holds(no)) << no;
}

TEST(ConditionExpressionTest, Combines) {
  EXPECT_TRUE(holds("score > 1 and output contains 'fox'"));
  EXPECT_TRUE(holds("false or not (score < 1)"));
  EXPECT_TRUE(holds("true || false && false")) << "and binds closer than or";
  EXPECT_FALSE(holds("not true or false"));
  EXPECT_TRUE(holds("!unknown"));
  EXPECT_TRUE(holds("not not score"));
}

TEST(ConditionExpressionTest, LooksIntoTextsListsAndObjects) {
  EXPECT_TRUE(holds("output startswith 'The' and output endswith \"fox\""));
  EXPECT_TRUE(holds("'a' in data.items"));
  EXPECT_TRUE(holds("data contains 'items'"));
  EXPECT_TRUE(holds("data.items.1.deep"));
  EXPECT_FALSE(holds("data.items.9"));
  EXPECT_FALSE(holds("data.empty"));
  EXPECT_TRUE(holds("with.dot.items.0 == 'a'"));
  EXPECT_TRUE(holds("{{node.data.items.0}} == 'a' and {score} == 7"));
  EXPECT_TRUE(holds("lower(output) contains 'the quick'"));
  EXPECT_EQ(evaluate("length(output)"), json_value(std::uint64_t{19}));
  EXPECT_EQ(evaluate("length('äö')"), json_value(std::uint64_t{2}));
  EXPECT_EQ(evaluate("length(data.items)"), json_value(std::uint64_t{2}));
}

TEST(ConditionExpressionTest, ChoosesATextByConditional) {
  EXPECT_EQ(evaluate("score > 5 ? 'high' : score > 2 ? 'middle' : 'low'"), json_value("high"));
  EXPECT_EQ(evaluate("score > 9 ? 'high' : 'it\\'s low'"), json_value("it's low"));
}

TEST(ConditionExpressionTest, ListsHoldWhatIsInThem) {
  EXPECT_TRUE(holds("'b' in ['a', \"b\", 3]"));
  EXPECT_TRUE(holds("score in [1, 7]"));
  EXPECT_TRUE(holds("score not in [] and score not in ['a', [7]]"));
  EXPECT_FALSE(holds("score not in [7]"));
  EXPECT_TRUE(holds("['a', 'b'] contains 'a'"));
}

TEST(ConditionExpressionTest, ErrorsSayWhere) {
  const auto error_of = [](std::string_view text) {
    const auto parsed = condition_expression::parse(text);
    return parsed ? std::string("parsed") : parsed.error().message;
  };
  EXPECT_EQ(error_of("score >"), "ended where a value was expected at offset 7");
  EXPECT_EQ(error_of("(score"), "expected ')' at offset 6");
  EXPECT_THAT(error_of("system('rm')"), ::testing::HasSubstr("is no function"));
  EXPECT_THAT(error_of("'open"), ::testing::HasSubstr("closing quote"));
  EXPECT_EQ(error_of("a b"), "unexpected text at offset 2");
  EXPECT_THAT(error_of(std::string(1000, '(')), ::testing::HasSubstr("nested too deeply"));
  EXPECT_THAT(error_of(std::string(1000, '[')), ::testing::HasSubstr("nested too deeply"));
  EXPECT_EQ(error_of("a in [b]"), "a list holds texts and numbers only at offset 7");
  EXPECT_EQ(error_of("a in [1 2]"), "expected ',' or ']' at offset 8");
  EXPECT_EQ(error_of("a not b"), "expected in or contains after not at offset 6");
  EXPECT_NE(error_of(""), "parsed");
}

}  // namespace
}  // namespace graphbit
