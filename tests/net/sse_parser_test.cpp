#include <gtest/gtest.h>

#include <graphbit/net/sse_parser.hpp>

#include <string>
#include <utility>
#include <vector>

namespace graphbit {
namespace {

using events = std::vector<std::pair<std::string, std::string>>;

/// Feeds pieces, each from a buffer of its own that is overwritten afterwards, so that a view into
/// an earlier receive shows.
events parse(const std::vector<std::string_view>& pieces) {
  sse_parser parser;
  events out;
  for (const std::string_view piece : pieces) {
    std::string receive(piece);
    parser.feed(receive);
    sse_event event;
    while (true) {
      const auto got = parser.next(event);
      EXPECT_TRUE(got.has_value());
      if (!got.value_or(false)) break;
      out.emplace_back(event.name, event.data);
    }
    receive.assign(receive.size(), '#');
  }
  return out;
}

/// Parses `text` whole, split at every byte, split at every two bytes, and byte by byte.
void expect_events(std::string_view text, const events& want) {
  EXPECT_EQ(parse({text}), want);
  for (std::size_t a = 0; a <= text.size(); ++a) {
    EXPECT_EQ(parse({text.substr(0, a), text.substr(a)}), want) << "split at " << a;
    for (std::size_t b = a; b <= text.size(); ++b)
      ASSERT_EQ(parse({text.substr(0, a), text.substr(a, b - a), text.substr(b)}), want)
          << "split at " << a << " and " << b;
  }
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
  EXPECT_EQ(parse(bytes), want);
}

TEST(sse_parser, reads_events_with_lf) {
  expect_events("data: one\n\ndata: two\n\n", {{"", "one"}, {"", "two"}});
}

TEST(sse_parser, reads_events_with_cr) {
  expect_events("data: one\r\rdata: two\r\r", {{"", "one"}, {"", "two"}});
}

TEST(sse_parser, reads_events_with_crlf) {
  expect_events("data: one\r\n\r\ndata: two\r\n\r\n", {{"", "one"}, {"", "two"}});
}

TEST(sse_parser, reads_mixed_line_ends) {
  expect_events("data: one\r\ndata: more\n\rdata: two\r\n\n", {{"", "one\nmore"}, {"", "two"}});
}

TEST(sse_parser, names_events_but_for_message) {
  expect_events("event: ping\ndata: {}\n\nevent: message\ndata: x\n\ndata: y\n\n",
                {{"ping", "{}"}, {"", "x"}, {"", "y"}});
}

TEST(sse_parser, joins_data_lines) {
  expect_events("data: a\ndata: b\ndata:\ndata\ndata:  c\n\n", {{"", "a\nb\n\n\n c"}});
}

TEST(sse_parser, gives_an_event_for_empty_data_but_none_without_data) {
  expect_events("data:\n\nevent: gone\n\nid: 7\nretry: 10\n\ndata: x\n\n", {{"", ""}, {"", "x"}});
}

TEST(sse_parser, skips_comments_and_unknown_fields) {
  expect_events(": OPENROUTER PROCESSING\n\nfoo: bar\ndata:x\n: keep\n\n", {{"", "x"}});
}

TEST(sse_parser, skips_one_bom_at_the_start_only) {
  expect_events(
      "\xef\xbb\xbf"
      "data: a\n\n\xef\xbb\xbf"
      "data: b\n\n",
      {{"", "a"}});
}

TEST(sse_parser, keeps_text_of_several_bytes_whole) {
  expect_events("data: {\"c\":\"Grüße 😀\"}\n\n", {{"", "{\"c\":\"Grüße 😀\"}"}});
}

TEST(sse_parser, drops_an_unfinished_event) { expect_events("data: a\n\ndata: b\n", {{"", "a"}}); }

TEST(sse_parser, takes_a_line_of_the_limit_and_refuses_one_more_byte) {
  const auto parse_line = [](std::size_t bytes) {
    sse_parser parser;
    const std::string text = "data: " + std::string(bytes - 6, 'x') + "\n\n";
    parser.feed(text);
    sse_event event;
    return parser.next(event);
  };
  EXPECT_TRUE(parse_line(limits::sse_line_bytes_max).has_value());
  const auto refused = parse_line(limits::sse_line_bytes_max + 1);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, error_kind::resource_exhausted);
  EXPECT_EQ(refused.error().resource_type, "sse_line_bytes");
}

TEST(sse_parser, bounds_a_line_that_never_ends) {
  sse_parser parser;
  const std::string piece(64 * 1024, 'x');
  expected<bool> got = false;
  std::size_t fed = 0;
  for (; got && fed <= 2 * limits::sse_line_bytes_max; fed += piece.size()) {
    parser.feed(piece);
    sse_event event;
    got = parser.next(event);
  }
  ASSERT_FALSE(got.has_value());
  EXPECT_LE(fed, limits::sse_line_bytes_max + piece.size());
}

TEST(sse_parser, bounds_an_event_of_many_lines) {
  sse_parser parser;
  const std::string line = "data: " + std::string(64 * 1024, 'x') + "\n";
  expected<bool> got = false;
  for (std::size_t fed = 0; got && fed <= 2 * limits::sse_event_bytes_max; fed += line.size()) {
    parser.feed(line);
    sse_event event;
    got = parser.next(event);
  }
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().resource_type, "sse_event_bytes");
}

TEST(sse_parser, borrows_an_event_that_one_receive_brought) {
  sse_parser parser;
  const std::string receive = "event: ping\ndata: here\n\n";
  parser.feed(receive);
  sse_event event;
  ASSERT_TRUE(parser.next(event).value_or(false));
  EXPECT_EQ(event.data.data(), receive.data() + receive.find("here"));
  EXPECT_EQ(event.name.data(), receive.data() + receive.find("ping"));
}

std::vector<std::string> lines(const std::vector<std::string_view>& pieces) {
  ndjson_parser parser;
  std::vector<std::string> out;
  for (const std::string_view piece : pieces) {
    std::string receive(piece);
    parser.feed(receive);
    std::string_view line;
    while (parser.next(line).value_or(false)) out.emplace_back(line);
    receive.assign(receive.size(), '#');
  }
  out.push_back("rest:" + std::string(parser.rest()));
  return out;
}

TEST(ndjson_parser, is_right_at_every_split) {
  const std::string_view text = "{\"a\":\"é\"}\n\r\n\n{\"b\":2}\r\n{\"c\":3}";
  const std::vector<std::string> want = {"{\"a\":\"é\"}", "{\"b\":2}", "rest:{\"c\":3}"};
  for (std::size_t a = 0; a <= text.size(); ++a)
    for (std::size_t b = a; b <= text.size(); ++b)
      ASSERT_EQ(lines({text.substr(0, a), text.substr(a, b - a), text.substr(b)}), want)
          << "split at " << a << " and " << b;
}

TEST(ndjson_parser, refuses_a_line_past_the_limit) {
  ndjson_parser parser;
  const std::string line(limits::sse_line_bytes_max + 1, 'x');
  parser.feed(line);
  std::string_view out;
  const auto got = parser.next(out);
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().kind, error_kind::resource_exhausted);
}

}  // namespace
}  // namespace graphbit
