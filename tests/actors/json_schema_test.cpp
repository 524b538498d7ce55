#include "src/json_schema.hpp"

#include <gtest/gtest.h>

#include "src/structured_answer.hpp"

namespace graphbit {
namespace {

json_value parsed(const char* text) { return parse_json(text).value(); }

struct schema_case {
  const char* schema;
  std::vector<const char*> good, bad;
};

TEST(JsonSchemaTest, KnowsTheKeywordsThatModelsAreGiven) {
  const schema_case cases[] = {
      {R"({"type": "integer"})", {"1", "2.0"}, {"1.5", "true", "\"1\"", "null"}},
      {R"({"type": ["string", "null"]})", {"\"a\"", "null"}, {"1"}},
      {R"({"enum": [1, "a", null]})", {"1", "1.0", "\"a\"", "null"}, {"true", "\"b\""}},
      {R"({"const": {"a": [1], "b": 2}})", {R"({"b": 2, "a": [1.0]})"}, {R"({"a": [1]})", "{}"}},
      {R"({"minimum": 1, "maximum": 3})", {"1", "3", "\"x\""}, {"0", "4"}},
      {R"({"exclusiveMinimum": 1, "exclusiveMaximum": 3})", {"2"}, {"1", "3"}},
      {R"({"multipleOf": 0.5})", {"1.5", "2"}, {"0.7"}},
      {R"({"minLength": 2, "maxLength": 3})", {"\"éé\"", "5"}, {"\"é\"", "\"abcd\""}},
      {R"({"pattern": "^[A-Z]\\d+$"})", {"\"A12\"", "5"}, {"\"a12\"", "\"A12 \""}},
      {R"({"minItems": 1, "maxItems": 2, "uniqueItems": true})",
       {"[1]", "[1, true]"},
       {"[]", "[1, 2, 3]", "[1, 1.0]"}},
      {R"({"prefixItems": [{"type": "integer"}], "items": {"type": "string"}})",
       {"[1, \"a\"]", "[]"},
       {"[\"a\"]", "[1, 2]"}},
      {R"({"properties": {"a": {"type": "integer"}}, "required": ["a"]})",
       {R"({"a": 1, "b": 2})", "5"},
       {"{}", R"({"a": "x"})"}},
      {R"({"properties": {"a": {}}, "additionalProperties": false})",
       {R"({"a": 1})"},
       {R"({"b": 1})"}},
      {R"({"additionalProperties": {"type": "integer"}, "minProperties": 1})",
       {R"({"a": 1})"},
       {"{}", R"({"a": "x"})"}},
      {R"({"anyOf": [{"type": "integer"}, {"type": "string"}]})", {"1", "\"a\""}, {"null"}},
      {R"({"oneOf": [{"type": "integer"}, {"minimum": 2}]})", {"1", "2.5"}, {"3", "1.5"}},
      {R"({"allOf": [{"type": "integer"}, {"minimum": 2}]})", {"2"}, {"1", "2.5"}},
      {R"({"not": {"type": "integer"}})", {"\"a\""}, {"1"}},
      {R"({"$ref": "#/$defs/a~1t", "$defs": {"a/t": {"type": "array", "items": {"$ref": "#/$defs/a~1t"}}}})",
       {"[]", "[[], [[]]]"},
       {"1", "[[1]]"}},
      {"true", {"1"}, {}},
      {"false", {}, {"1"}},
  };
  for (const auto& [schema, good, bad] : cases) {
    for (const char* value : good)
      EXPECT_FALSE(first_fault(parsed(value), parsed(schema))) << schema << " " << value;
    for (const char* value : bad)
      EXPECT_TRUE(first_fault(parsed(value), parsed(schema))) << schema << " " << value;
  }
}

TEST(JsonSchemaTest, NamesThePath) {
  const auto schema = parsed(
      R"({"properties": {"the items": {"items": {"properties": {"price": {"type": "number"}}}}}})");
  const auto fault =
      first_fault(parsed(R"({"the items": [{"price": 1}, {"price": "two"}]})"), schema);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->path, R"($["the items"][1].price)");
  EXPECT_EQ(fault->message, R"("two" is not of type number)");
}

TEST(JsonSchemaTest, EndsOnSchemasWithoutEnd) {
  EXPECT_EQ(first_fault(parsed("1"), parsed(R"({"$ref": "#"})"))->message, "nested too deep");
  EXPECT_TRUE(first_fault(parsed("1"), parsed(R"({"$ref": "#/nowhere"})")));
  EXPECT_TRUE(first_fault(parsed("1"), parsed(R"({"$ref": "https://example.org"})")));
}

class StructuredAnswerTest : public ::testing::Test {
 protected:
  StructuredAnswerTest() { settings.output_schema = R"({"type":"object","required":["n"]})"; }
  [[nodiscard]] static chat_request question(const model_settings& settings) {
    chat_request request;
    request.messages.push_back({chat_role::user, "how many?", {}, {}, {}});
    request.response_format = settings.output_schema;
    return request;
  }
  model_settings settings;
};

TEST_F(StructuredAnswerTest, ProvidersWithAFormGetTheSchemaInIt) {
  structured_answer structure(settings, "openai");
  auto request = question(settings);
  structure.demand(request);
  EXPECT_EQ(request.messages.back().text, "how many?");
  EXPECT_EQ(request.response_format, settings.output_schema);
  const auto verdict = structure.judge(node_output::from_answer(R"({"n": 5})"));
  ASSERT_TRUE(verdict.output);
  EXPECT_EQ(verdict.output->text(), R"({"n":5})");
}

TEST_F(StructuredAnswerTest, OthersGetItInThePrompt) {
  structured_answer structure(settings, "replicate");
  auto request = question(settings);
  structure.demand(request);
  EXPECT_TRUE(request.response_format.empty());
  EXPECT_NE(request.messages.back().text.find(settings.output_schema), std::string::npos);
  const auto verdict = structure.judge(node_output::from_answer("Sure:\n```json\n{\"n\": 5}\n```"));
  ASSERT_TRUE(verdict.output);
  EXPECT_EQ(verdict.output->text(), R"({"n":5})");
}

TEST_F(StructuredAnswerTest, AsksAgainAndGivesUp) {
  structured_answer structure(settings, "openai");
  auto request = question(settings);
  structure.demand(request);
  for (const char* answer : {"five", R"({"m": 5})"}) {
    const auto verdict = structure.judge(node_output::from_answer(answer));
    ASSERT_TRUE(verdict.next) << answer;
    const auto& messages = verdict.next->messages;
    EXPECT_EQ(messages[messages.size() - 2].role, chat_role::assistant);
    EXPECT_NE(messages.back().text.find("$"), std::string::npos);
  }
  const auto verdict = structure.judge(node_output::from_answer(R"({"m": 5})"));
  ASSERT_TRUE(verdict.failure);
  EXPECT_EQ(verdict.failure->kind, error_kind::validation);
  EXPECT_EQ(verdict.failure->field, "$");
  EXPECT_NE(verdict.failure->message.find("'n' is a required property"), std::string::npos);
}

TEST_F(StructuredAnswerTest, ARefusedFormIsLeftOutOnce) {
  structured_answer structure(settings, "openai");
  auto request = question(settings);
  structure.demand(request);
  error refused = validation_error("request", "response_format is not supported");
  EXPECT_FALSE(structure.instead_of(refused));  // not the provider's words
  refused.status = 400;
  const auto next = structure.instead_of(refused);
  ASSERT_TRUE(next);
  EXPECT_TRUE(next->response_format.empty());
  EXPECT_NE(next->messages.back().text.find(settings.output_schema), std::string::npos);
  EXPECT_FALSE(structure.instead_of(refused));
}

TEST_F(StructuredAnswerTest, WithoutASchemaEveryAnswerFits) {
  const model_settings free;
  structured_answer structure(free, "openai");
  auto request = question(free);
  structure.demand(request);
  EXPECT_EQ(request.messages.back().text, "how many?");
  EXPECT_EQ(structure.judge(node_output::from_answer("five")).output->text(), "five");
}

TEST(JsonSchemaTest, APatternThatCannotBeMatchedInLinearTimeIsNamed) {
  const auto fault = first_unusable_pattern(parsed(
      R"+({"properties": {"pattern": {"type": "string"}, "b": {"items": {"pattern": "(?=a)"}}}})+"));
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->path, "$.properties.b.items.pattern");
  EXPECT_FALSE(first_unusable_pattern(parsed(R"({"pattern": "a|b", "enum": [{"pattern": "["}]})")));
}

}  // namespace
}  // namespace graphbit
