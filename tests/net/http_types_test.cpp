#include <gtest/gtest.h>

#include <graphbit/net/http_types.hpp>
#include <src/http_date.hpp>

#include "value_of.hpp"

namespace graphbit {
namespace {

using namespace std::chrono_literals;

struct status_row {
  int status;
  error_kind kind;
  retry_rule retry;
  breaker_rule breaker;
};

TEST(error_from_status, follows_the_table) {
  using enum error_kind;
  constexpr auto no = retry_rule::never;
  constexpr auto yes = retry_rule::transient;
  constexpr auto counts = breaker_rule::counts;
  constexpr auto ignored = breaker_rule::ignored;
  for (const auto& row : std::vector<status_row>{{301, validation, no, ignored},
                                                 {304, validation, no, ignored},
                                                 {400, validation, no, ignored},
                                                 {401, authentication, no, ignored},
                                                 {402, rate_limit, no, ignored},
                                                 {403, authentication, no, ignored},
                                                 {404, validation, no, ignored},
                                                 {408, timeout, yes, counts},
                                                 {409, validation, no, ignored},
                                                 {413, resource_exhausted, no, ignored},
                                                 {422, validation, no, ignored},
                                                 {429, rate_limit, yes, counts},
                                                 {500, network, yes, counts},
                                                 {501, network, no, counts},
                                                 {502, network, yes, counts},
                                                 {503, network, yes, counts},
                                                 {504, timeout, yes, counts},
                                                 {529, network, yes, counts}}) {
    const auto e = error_from_status(row.status, "openai", "their words");
    EXPECT_EQ(e.kind, row.kind) << row.status;
    EXPECT_EQ(e.retry, row.retry) << row.status;
    EXPECT_EQ(e.breaker, row.breaker) << row.status;
    EXPECT_EQ(e.status, row.status);
    EXPECT_EQ(e.provider, "openai");
    EXPECT_EQ(e.message, "their words");
  }
  EXPECT_EQ(error_from_status(400, "p", "w").field, "request");
  EXPECT_EQ(error_from_status(413, "p", "w").resource_type, "request_size");
}

http_headers headers_of(std::initializer_list<http_headers::field> fields) {
  http_headers headers;
  for (const auto& [name, value] : fields) headers.add(name, value);
  return headers;
}

TEST(retry_after, reads_milliseconds_first) {
  EXPECT_EQ(retry_after(headers_of({{"retry-after", "9"}, {"retry-after-ms", "1500"}}), 0), 1500ms);
  EXPECT_EQ(retry_after(headers_of({{"retry-after", "9"}, {"retry-after-ms", "soon"}}), 0), 9s);
}

TEST(retry_after, reads_seconds_and_dates) {
  EXPECT_EQ(retry_after(headers_of({{"retry-after", "20"}}), 0), 20s);
  EXPECT_EQ(retry_after(headers_of({{"retry-after", "0.25"}}), 0), 250ms);
  const auto date = headers_of({{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}});
  EXPECT_EQ(retry_after(date, 784111777 - 30), 30s);
  EXPECT_EQ(retry_after(date, 784111777 + 30), 0ms);
}

TEST(retry_after, says_nothing_when_the_server_said_nothing_that_makes_sense) {
  EXPECT_FALSE(retry_after({}, 0));
  for (const auto* text : {"", "-1", "soon", "1 s", "nan", "inf", "Sun, 99 Nov 1994 08:49:37 GMT"})
    EXPECT_FALSE(retry_after(headers_of({{"retry-after", text}}), 0)) << text;
  EXPECT_GT(value_of(retry_after(headers_of({{"retry-after", "999999999999999999999"}}), 0)), 1h);
}

TEST(http_date, reads_all_three_forms) {
  constexpr std::int64_t expected_time = 784111777;
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected_time);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected_time);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), expected_time);
  for (const auto* bad :
       {"", "tomorrow", "Sun, 31 Feb 2025 08:00:00 GMT", "Sun, 06 Xyz 1994 08:49:37 GMT",
        "Sun, 06 anF 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT"})
    EXPECT_FALSE(parse_http_date(bad)) << bad;
}

TEST(http_headers, keeps_order_and_gives_the_first_of_a_name) {
  auto headers = headers_of({{"a", "1"}, {"b", ""}, {"a", "2"}});
  EXPECT_EQ(headers.get("a"), "1");
  EXPECT_TRUE(headers.has("b"));
  EXPECT_EQ(headers.get("b"), "");
  EXPECT_FALSE(headers.has("c"));
  headers.extend_last(" more");
  const std::vector<http_headers::field> all{{"a", "1"}, {"b", ""}, {"a", "2 more"}};
  EXPECT_EQ(headers.fields(), all);
  const auto copy = headers;
  headers.clear();
  EXPECT_EQ(copy.fields(), all);
  EXPECT_TRUE(headers.empty());
}

TEST(header_value, has_no_line_ends_and_no_nul) {
  EXPECT_TRUE(is_header_value("Bearer sk-x y"));
  EXPECT_FALSE(is_header_value("a\r\nb"));
  EXPECT_FALSE(is_header_value("a\nb"));
  EXPECT_FALSE(is_header_value(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace graphbit
