#include <graphbit/actors/policy/rate_limit_headers.hpp>

#include <gtest/gtest.h>

#include <initializer_list>

namespace graphbit::policy {
namespace {

using namespace std::chrono_literals;

http_headers fields(std::initializer_list<http_headers::field> all) {
  http_headers headers;
  for (const auto& [name, value] : all) headers.add(name, value);
  return headers;
}

TEST(PolicyRateLimitHeaders, ReadsOpenAi) {
  const auto learnt = learn(fields({{"content-type", "application/json"},
                                    {"x-ratelimit-limit-requests", "5000"},
                                    {"x-ratelimit-limit-tokens", "800000"},
                                    {"x-ratelimit-remaining-requests", "4999"},
                                    {"x-ratelimit-remaining-tokens", "799975"},
                                    {"x-ratelimit-reset-requests", "12ms"},
                                    {"x-ratelimit-reset-tokens", "6m0s"}}),
                            0);
  EXPECT_EQ(learnt.requests, (rate_limit_state{5000, 4999, 12ms}));
  EXPECT_EQ(learnt.tokens, (rate_limit_state{800'000, 799'975, 6min}));
}

TEST(PolicyRateLimitHeaders, ReadsAnthropic) {
  const auto learnt = learn(fields({{"anthropic-ratelimit-requests-limit", "50"},
                                    {"anthropic-ratelimit-requests-remaining", "49"},
                                    {"anthropic-ratelimit-requests-reset", "2026-11-23T00:00:30Z"},
                                    {"anthropic-ratelimit-tokens-limit", "40000"},
                                    {"anthropic-ratelimit-input-tokens-limit", "7"}}),
                            1'795'392'000);  // 2026-11-23T00:00:00Z
  EXPECT_EQ(learnt.requests, (rate_limit_state{50, 49, 30s}));
  EXPECT_EQ(learnt.tokens.limit, 40'000u);
}

TEST(PolicyRateLimitHeaders, ReadsNamesWithTheirMinute) {
  const auto learnt = learn(fields({{"x-ratelimit-limit-req-minute", "60"},
                                    {"x-ratelimit-remaining-req-minute", "59"},
                                    {"x-ratelimit-limit-tokens-minute", "60000"},
                                    {"x-ratelimit-reset-tokens-minute", "11.5"},
                                    {"x-ratelimit-limit-requests-day", "7"}}),
                            0);
  EXPECT_EQ(learnt.requests, (rate_limit_state{60, 59, std::nullopt}));
  EXPECT_EQ(learnt.tokens, (rate_limit_state{60'000, std::nullopt, 11500ms}));
}

TEST(PolicyRateLimitHeaders, ATimeOfDayInAnotherZoneOrPast) {
  const auto reset = [](const char* text) {
    return learn(fields({{"anthropic-ratelimit-requests-reset", text}}), 1'795'392'000)
        .requests.reset_after;
  };
  EXPECT_EQ(reset("2026-11-23T01:00:30+01:00"), 30s);
  EXPECT_EQ(reset("2026-11-22T23:00:30-01:00"), 30s);
  EXPECT_EQ(reset("2026-11-23T00:00:30.25Z"), 31s);
  EXPECT_EQ(reset("2026-11-22T00:00:00Z"), 0s);
  for (const char* text : {"", "soon", "2026-13-23T00:00:30Z", "2026-11-23T00:00:30", "2026-11-23",
                           "2026-11-23T00:00:30+1", "2126-11-23T00:00:30Z"}) {
    EXPECT_EQ(reset(text), std::nullopt) << text;
  }
}

TEST(PolicyRateLimitHeaders, NonsenseIsLeftUnset) {
  EXPECT_TRUE(learn(fields({{"x-ratelimit-limit-requests", "-5"},
                            {"x-ratelimit-limit-tokens", "many"},
                            {"x-ratelimit-remaining-requests", "1e9"},
                            {"x-ratelimit-remaining-tokens", "99999999999999999999999"},
                            {"x-ratelimit-reset-requests", "eventually"},
                            {"x-ratelimit-", "1"},
                            {"x-ratelimit-limit-", "1"},
                            {"anthropic-ratelimit-", "1"}}),
                    0)
                  .empty());
}

TEST(PolicyRateLimitHeaders, ResetDurations) {
  EXPECT_EQ(parse_reset("1s"), 1s);
  EXPECT_EQ(parse_reset("6m0s"), 6min);
  EXPECT_EQ(parse_reset("20ms"), 20ms);
  EXPECT_EQ(parse_reset("1h2m3.5s"), 1h + 2min + 3500ms);
  EXPECT_EQ(parse_reset("17"), 17s);
  EXPECT_EQ(parse_reset("0.5"), 500ms);
  EXPECT_EQ(parse_reset("0"), 0s);
  for (const char* text : {"", "s", "1x", "1s2", "-1s", "1e99s", "inf", "nan", "999999h", " 1s"}) {
    EXPECT_EQ(parse_reset(text), std::nullopt) << text;
  }
}

TEST(PolicyRateLimitHeaders, ADaysLimitIsNotTakenForAMinutes) {
  EXPECT_EQ(per_minute({600, 599, 100ms}), 600u);
  EXPECT_EQ(per_minute({600, {}, {}}), 600u);
  EXPECT_EQ(per_minute({14'400, 14'000, 40min}), std::nullopt);
  EXPECT_EQ(per_minute({0, 0, 1s}), std::nullopt);
  EXPECT_EQ(per_minute({}), std::nullopt);
}

}  // namespace
}  // namespace graphbit::policy
