#include <graphbit/net/price_table.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>

#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

namespace {

struct row {
  const char* name;
  double input, cached_input, cache_write, output;  // -1: as input
};

// List prices in US dollars per million tokens, standard tier, short prompts. Compiled and checked
// on 2026-11-23, never from a bill: the Claude rows against a copy of Anthropic's own page
// (platform.claude.com/docs/en/about-claude/pricing, of autumn 2026; the 5-5 rows from others who
// quote it), the GPT rows from copies of
// openai.com/api/pricing (March to June 2026) and from GitHub's table for Copilot
// (github.com/github/docs, data/tables/copilot/models-and-pricing.yml, of autumn 2026), and the
// Gemini, Mistral and DeepSeek rows where two collections that name the providers' pages as their
// source (ai.google.dev/gemini-api/ docs/pricing, docs.mistral.ai/models,
// api-docs.deepseek.com/quick_start/pricing) say the same: PyPI's genai-prices 0.2.3 and
// litellm 1.109.1, both of November 2026. DeepSeek's are those of its peak hours; the others are
// half. Models on which the two disagree have no row (mistral-large-latest, deepseek-chat). Prices
// change: give your own with price_table::add_json.
constexpr row rows[] = {
    {"gpt-5", 1.25, 0.125, -1, 10},
    {"gpt-5-pro", 15, -1, -1, 120},
    {"gpt-5-mini", 0.25, 0.025, -1, 2},
    {"gpt-5-nano", 0.05, 0.005, -1, 0.4},
    {"gpt-5.2", 1.75, 0.175, -1, 14},
    {"gpt-5.3", 1.75, 0.175, -1, 14},
    {"gpt-5.4", 2.5, 0.25, -1, 15},
    {"gpt-5.4-pro", 30, -1, -1, 180},
    {"gpt-5.4-mini", 0.75, 0.075, -1, 4.5},
    {"gpt-5.4-nano", 0.2, 0.02, -1, 1.25},
    {"gpt-5.5", 5, 0.5, -1, 30},
    {"gpt-5.5-pro", 30, -1, -1, 180},
    {"gpt-4.1", 2, 0.5, -1, 8},
    {"gpt-4.1-mini", 0.4, 0.1, -1, 1.6},
    {"gpt-4.1-nano", 0.1, 0.025, -1, 0.4},
    {"gpt-4o", 2.5, 1.25, -1, 10},
    {"gpt-4o-mini", 0.15, 0.075, -1, 0.6},
    {"gpt-3.5-turbo", 0.5, -1, -1, 1.5},
    {"o1", 15, 7.5, -1, 60},
    {"o3", 2, 0.5, -1, 8},
    {"o3-pro", 20, -1, -1, 80},
    {"o3-mini", 1.1, 0.55, -1, 4.4},
    {"o4-mini", 1.1, 0.275, -1, 4.4},
    {"text-embedding-3-small", 0.02, -1, -1, 0},
    {"text-embedding-3-large", 0.13, -1, -1, 0},
    {"claude-3-haiku", 0.25, 0.03, 0.3, 1.25},
    {"claude-3-5-haiku", 0.8, 0.08, 1, 4},
    {"claude-3-5-sonnet", 3, 0.3, 3.75, 15},
    {"claude-3-7-sonnet", 3, 0.3, 3.75, 15},
    {"claude-3-opus", 15, 1.5, 18.75, 75},
    {"claude-haiku-4-5", 1, 0.1, 1.25, 5},
    {"claude-sonnet-4", 3, 0.3, 3.75, 15},
    {"claude-opus-4", 15, 1.5, 18.75, 75},
    {"claude-opus-4-5", 5, 0.5, 6.25, 25},
    {"claude-opus-4-6", 5, 0.5, 6.25, 25},
    {"claude-opus-4-7", 5, 0.5, 6.25, 25},
    {"claude-opus-4-8", 5, 0.5, 6.25, 25},
    {"claude-opus-5", 5, 0.5, 6.25, 25},
    {"claude-opus-5-5", 4, 0.2, 5, 20},
    {"claude-sonnet-5", 2, 0.2, 2.5, 10},
    {"claude-sonnet-5-5", 2, 0.1, 2.5, 10},
    {"claude-haiku-5-5", 0.1, 0.01, 0.125, 0.5},
    {"claude-fable-5", 10, 1, 12.5, 50},
    {"claude-fable-5-1", 10, 0.25, 12.5, 50},
    {"gemini-2.5-flash", 0.3, 0.03, -1, 2.5},
    {"gemini-2.5-flash-lite", 0.1, 0.01, -1, 0.4},
    {"gemini-2.5-pro", 1.25, 0.125, -1, 10},
    {"gemini-3-flash", 0.5, 0.05, -1, 3},
    {"gemini-3.1-flash-lite", 0.25, 0.025, -1, 1.5},
    {"gemini-3.1-pro", 2, 0.2, -1, 12},
    {"gemini-3.5-flash", 1.5, 0.15, -1, 9},
    {"gemini-3.5-flash-lite", 0.3, 0.03, -1, 2.5},
    {"gemini-3.6-flash", 0.75, 0.075, -1, 3.75},
    {"gemini-3.7-flash", 0.75, 0.075, -1, 3.75},
    {"gemini-3.8-flash", 0.75, 0.075, -1, 3.75},
    {"gemini-4-argon", 2, 0.1, -1, 10},
    {"gemini-embedding-001", 0.15, -1, -1, 0},
    {"gemini-embedding-2", 0.2, -1, -1, 0},
    {"mistralai/codestral-2508", 0.3, 0.03, -1, 0.9},
    {"mistralai/codestral-embed", 0.15, 0.015, -1, 0},
    {"mistralai/ministral-3b-2512", 0.1, 0.01, -1, 0.1},
    {"mistralai/ministral-8b-2512", 0.15, 0.015, -1, 0.15},
    {"mistralai/ministral-14b-2512", 0.2, 0.02, -1, 0.2},
    {"mistralai/mistral-embed", 0.1, -1, -1, 0},
    {"mistralai/mistral-large-2512", 0.5, 0.05, -1, 1.5},
    {"mistralai/mistral-medium-2604", 1.5, 0.15, -1, 7.5},
    {"mistralai/mistral-medium-latest", 1.5, 0.15, -1, 7.5},
    {"mistralai/mistral-small-2603", 0.15, 0.015, -1, 0.6},
    {"mistralai/mistral-small-latest", 0.15, 0.015, -1, 0.6},
    {"deepseek/deepseek-flash", 0.3, 0.006, -1, 1.2},
    {"deepseek/deepseek-v4-flash", 0.3, 0.006, -1, 1.2},
    {"deepseek/deepseek-v4-pro", 1.32, 0.044, -1, 3.96},
    {"ollama/", 0, -1, -1, 0},
};

[[nodiscard]] error bad_entry(const std::string& name, std::string_view what) {
  return configuration_error("prices", "the price of '" + name + "' " + std::string(what));
}

// A field's value; absent is fine unless it is needed.
[[nodiscard]] expected<std::optional<double>> number_in(const std::string& name,
                                                        const json_value& entry,
                                                        const char* field) {
  const auto* value = entry.find(field);
  if (value == nullptr) return std::optional<double>{};
  if (!value->is_number() || !(value->as_double() >= 0))
    return fail(bad_entry(name, std::string("needs a number of at least 0 as \"") + field + '"'));
  return std::optional<double>(value->as_double());
}

[[nodiscard]] expected<model_price> read_price(const std::string& name, const json_value& entry) {
  if (!entry.is_object()) return fail(bad_entry(name, "must be an object"));
  for (const auto& [field, value] : entry.as_object())
    if (field != "input" && field != "cached_input" && field != "cache_write" && field != "output")
      return fail(bad_entry(name, "has an unknown member \"" + field + '"'));
  const auto input = number_in(name, entry, "input");
  const auto cached = number_in(name, entry, "cached_input");
  const auto written = number_in(name, entry, "cache_write");
  const auto output = number_in(name, entry, "output");
  for (const auto* part : {&input, &cached, &written, &output})
    if (!*part) return fail(part->error());
  if (!*input) return fail(bad_entry(name, "needs \"input\", in US dollars per million tokens"));
  return model_price{**input, *cached, *written, output->value_or(0)};
}

}  // namespace

double cost_of(const model_price& price, const token_usage& usage) noexcept {
  const double read = usage.cache_read_tokens.value_or(0);
  const double written = usage.cache_creation_tokens.value_or(0);
  const double plain = std::max(0.0, usage.prompt_tokens - read - written);
  return (plain * price.input + read * price.cached_input.value_or(price.input) +
          written * price.cache_write.value_or(price.input) +
          usage.completion_tokens * price.output) /
         1e6;
}

double blended(const model_price& price) noexcept { return (3 * price.input + price.output) / 4; }

price_table price_table::built_in() {
  const auto given = [](double value) {
    return value < 0 ? std::optional<double>{} : std::optional<double>(value);
  };
  price_table table;
  for (const auto& r : rows)
    table.set(r.name, {r.input, given(r.cached_input), given(r.cache_write), r.output});
  return table;
}

expected<void> price_table::add_json(std::string_view text) {
  const auto document = parse_json(text);
  if (!document) return fail(document.error());
  if (!document->is_object())
    return fail(configuration_error("prices", "prices must be an object of models"));
  auto merged = prices_;
  for (const auto& [name, entry] : document->as_object()) {
    const auto price = read_price(name, entry);
    if (!price) return fail(price.error());
    merged[name] = *price;
  }
  prices_ = std::move(merged);
  return {};
}

expected<void> price_table::add_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad())
    return fail(configuration_error("prices", "cannot read the price file '" + path + "'"));
  return add_json(text);
}

void price_table::set(std::string name_begin, model_price price) {
  prices_[std::move(name_begin)] = price;
}

std::optional<model_price> price_table::find(std::string_view provider,
                                             std::string_view model) const {
  const auto* found = longest(std::string(provider).append("/").append(model));
  if (found == nullptr) found = longest(model.substr(model.rfind('/') + 1));
  return found == nullptr ? std::nullopt : std::optional(*found);
}

// Of all entries that `name` begins with, the longest is the last in order that is not after it.
const model_price* price_table::longest(std::string_view name) const {
  for (auto length = name.size(); length > 0;) {
    auto at = prices_.upper_bound(name.substr(0, length));
    if (at == prices_.begin()) return nullptr;
    --at;
    if (name.starts_with(at->first)) return &at->second;
    // Only entries no longer than what both share can still fit.
    const auto [differs, end] =
        std::mismatch(name.begin(), name.end(), at->first.begin(), at->first.end());
    length = std::min(length - 1, static_cast<std::size_t>(differs - name.begin()));
  }
  return nullptr;
}

}  // namespace graphbit
