#include <graphbit/net/price_table.hpp>

#include <gtest/gtest.h>

namespace graphbit {
namespace {

TEST(price_table, the_longest_beginning_of_a_models_name_holds) {
  price_table table;
  table.set("gpt-4o", {.input = 2});
  table.set("gpt-4o-mini", {.input = 1});
  table.set("gpt-4p", {.input = 9});
  EXPECT_EQ(table.find("openai", "gpt-4o-2024-08-06")->input, 2);
  EXPECT_EQ(table.find("openai", "gpt-4o-mini-2024-07-18")->input, 1);
  EXPECT_EQ(table.find("openai", "gpt-4o-nano")->input, 2);
  EXPECT_FALSE(table.find("openai", "gpt-4"));
  EXPECT_FALSE(table.find("openai", ""));
}

TEST(price_table, a_providers_own_entry_goes_first_and_vendors_are_left_out) {
  price_table table;
  table.set("llama", {.input = 1});
  table.set("groq/llama", {.input = 2});
  EXPECT_EQ(table.find("groq", "llama-3")->input, 2);
  EXPECT_EQ(table.find("together", "llama-3")->input, 1);
  EXPECT_EQ(table.find("openrouter", "meta/llama-3")->input, 1);
}

TEST(price_table, finds_what_a_plain_search_finds) {
  price_table table;
  const std::vector<std::string> entries{"a", "ab", "abc", "abd", "b", "ba", "bb", "abcde"};
  for (std::size_t i = 0; i < entries.size(); ++i)
    table.set(entries[i], {.input = static_cast<double>(i + 1)});
  for (const std::string name :
       {"a", "abcd", "abcdf", "abe", "ac", "bab", "bz", "c", "abdz", "abcdez"}) {
    double wanted = 0;
    std::size_t longest = 0;
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (name.starts_with(entries[i]) && entries[i].size() > longest) {
        longest = entries[i].size();
        wanted = static_cast<double>(i + 1);
      }
    const auto found = table.find("p", name);
    EXPECT_EQ(found ? found->input : 0, wanted) << name;
  }
}

TEST(price_table, costs_cached_and_written_tokens_by_their_own_price) {
  token_usage usage{.prompt_tokens = 1'000'000, .completion_tokens = 500'000};
  EXPECT_DOUBLE_EQ(cost_of({.input = 2, .output = 8}, usage), 6);
  usage.cache_read_tokens = 400'000;
  usage.cache_creation_tokens = 100'000;
  EXPECT_DOUBLE_EQ(cost_of({.input = 2, .output = 8}, usage), 6);
  EXPECT_DOUBLE_EQ(cost_of({.input = 2, .cached_input = 0.5, .cache_write = 3, .output = 8}, usage),
                   1 + 0.2 + 0.3 + 4);
}

TEST(price_table, reads_json_over_what_it_has) {
  auto table = price_table::built_in();
  const auto size = table.size();
  ASSERT_TRUE(table.add_json(
      R"({"gpt-4o": {"input": 1, "output": 2}, "mine": {"input": 0.5, "cached_input": 0.1}})"));
  EXPECT_EQ(table.size(), size + 1);
  EXPECT_EQ(table.find("openai", "gpt-4o"), (model_price{.input = 1, .output = 2}));
  EXPECT_EQ(table.find("x", "mine-2")->cached_input, 0.1);
}

TEST(price_table, a_bad_entry_changes_nothing_and_is_named) {
  auto table = price_table::built_in();
  const auto before = table.find("openai", "gpt-4o");
  for (const auto* text :
       {"[]", R"({"gpt-4o": 1})", R"({"gpt-4o": {"output": 1}})", R"({"gpt-4o": {"input": -1}})",
        R"({"gpt-4o": {"input": "1"}})", R"({"gpt-4o": {"input": 1, "inptu": 2}})"}) {
    const auto done = table.add_json(text);
    ASSERT_FALSE(done) << text;
    EXPECT_EQ(done.error().kind, error_kind::configuration) << text;
    EXPECT_EQ(done.error().field, "prices");
  }
  EXPECT_FALSE(table.add_json("{"));
  EXPECT_EQ(table.add_file("/nowhere/prices.json").error().kind, error_kind::configuration);
  EXPECT_EQ(table.find("openai", "gpt-4o"), before);
}

TEST(price_table, knows_hosted_models_and_that_local_ones_are_free) {
  const auto table = price_table::built_in();
  EXPECT_GT(table.find("openai", "gpt-4o-mini")->output, 0);
  EXPECT_GT(table.find("anthropic", "claude-sonnet-4-20250514")->output, 0);
  EXPECT_EQ(table.find("anthropic", "claude-opus-4-1-20250805")->output, 75);
  EXPECT_EQ(table.find("anthropic", "claude-opus-4-8")->output, 25);
  EXPECT_EQ(table.find("ollama", "llama3.2"), model_price{});
  EXPECT_EQ(table.find("gemini", "gemini-2.5-flash")->output, 2.5);
  EXPECT_EQ(table.find("gemini", "gemini-2.5-flash-lite-preview-09-2025")->output, 0.4);
  EXPECT_EQ(table.find("mistralai", "mistral-large-2512")->input, 0.5);
  EXPECT_EQ(table.find("deepseek", "deepseek-v4-pro")->cached_input, 0.044);
  EXPECT_FALSE(table.find("fireworks", "deepseek-v4-pro")) << "another host, another price";
  EXPECT_FALSE(table.find("openai", "a-model-of-next-year"));
}

}  // namespace
}  // namespace graphbit
