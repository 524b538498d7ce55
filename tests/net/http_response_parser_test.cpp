#include <gtest/gtest.h>

#include <random>

#include <src/http_response_parser.hpp>

namespace graphbit {
namespace {

using event = http_response_parser::event;

/// All that can be seen of one parsed response.
struct outcome {
  event last = event::need_more;
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool keep_alive = false;
  std::string left;
  std::string fault;

  friend bool operator==(const outcome&, const outcome&) = default;
};

/// Feeds `wire` cut at `cuts` (positions in rising order), then the end of the connection.
outcome parse(std::string_view wire, const std::vector<std::size_t>& cuts = {},
              bool head_request = false, std::size_t header_bytes_max = 4096) {
  http_response_parser parser(header_bytes_max);
  http_headers headers;
  parser.start(headers, head_request);
  outcome out;
  std::size_t from = 0;
  const auto over = [&] { return out.last == event::complete || out.last == event::failed; };
  for (std::size_t i = 0; i <= cuts.size() && !over(); ++i) {
    const auto to = i < cuts.size() ? cuts[i] : wire.size();
    // A copy of its own, so that reading past a piece is seen by the sanitizer.
    const std::string piece(wire.substr(from, to - from));
    std::string_view input = piece;
    while ((out.last = parser.next(input)) != event::need_more && !over())
      if (out.last == event::body) out.body += parser.bytes();
    out.left = std::string(input) + std::string(wire.substr(to));
    from = to;
  }
  if (!over()) out.last = parser.finish();
  out.status = parser.status();
  for (const auto& [name, value] : headers.fields()) out.fields.emplace_back(name, value);
  out.keep_alive = parser.keep_alive();
  out.fault = parser.fault().message;
  return out;
}

const std::vector<std::string>& samples() {
  static const std::vector<std::string> all{
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nT: "
      "v\r\n\r\n",
      "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 429 Too Many\r\nRetry-After: 1\r\n"
      "content-length: 2\r\n\r\n{}leftover",
      "HTTP/1.0 200 OK\r\n\r\nuntil the end",
      "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
      "HTTP/1.1 200\nX-Folded: one\n  two\nContent-Length: 0\n\n",
      "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n",
      "SSH-2.0-OpenSSH_9.2\r\n"};
  return all;
}

TEST(http_response_parser, reads_a_sized_body) {
  const auto got = parse(samples()[0]);
  EXPECT_EQ(got.last, event::complete);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.fields[0],
            (std::pair<std::string, std::string>{"content-type", "application/json"}));
  EXPECT_TRUE(got.keep_alive);
}

TEST(http_response_parser, reads_chunks_extensions_and_trailers) {
  const auto got = parse(samples()[1]);
  EXPECT_EQ(got.last, event::complete);
  EXPECT_EQ(got.body, "hello!");
  EXPECT_TRUE(got.keep_alive);
  EXPECT_EQ(got.left, "");
}

TEST(http_response_parser, skips_interim_responses_and_leaves_what_follows) {
  const auto got = parse(samples()[2]);
  EXPECT_EQ(got.last, event::complete);
  EXPECT_EQ(got.status, 429);
  EXPECT_EQ(got.fields.size(), 2u);
  EXPECT_EQ(got.body, "{}");
  EXPECT_EQ(got.left, "leftover");
}

TEST(http_response_parser, a_body_without_length_ends_with_the_connection) {
  const auto got = parse(samples()[3]);
  EXPECT_EQ(got.last, event::complete);
  EXPECT_EQ(got.body, "until the end");
  EXPECT_FALSE(got.keep_alive);
}

TEST(http_response_parser, knows_which_responses_have_no_body) {
  EXPECT_EQ(parse(samples()[4]).last, event::complete);
  const auto wire = "HTTP/1.1 304 x\r\ncontent-length: 10\r\n\r\n";
  EXPECT_EQ(parse(wire).last, event::complete);
  const auto head = parse("HTTP/1.1 200 x\r\ncontent-length: 10\r\n\r\n", {}, true);
  EXPECT_EQ(head.last, event::complete);
  EXPECT_TRUE(head.keep_alive);
}

TEST(http_response_parser, takes_bare_line_feeds_and_folded_values) {
  const auto got = parse(samples()[5]);
  EXPECT_EQ(got.last, event::complete);
  EXPECT_EQ(got.fields[0].second, "one two");
}

TEST(http_response_parser, keeps_the_connection_by_the_rules) {
  const auto kept = [](std::string_view first, std::string_view connection) {
    return parse(std::string(first) + " 200 OK\r\ncontent-length: 0\r\n" + std::string(connection) +
                 "\r\n")
        .keep_alive;
  };
  EXPECT_TRUE(kept("HTTP/1.1", ""));
  EXPECT_FALSE(kept("HTTP/1.1", "Connection: Close\r\n"));
  EXPECT_FALSE(kept("HTTP/1.1", "Connection: x, close\r\n"));
  EXPECT_FALSE(kept("HTTP/1.0", ""));
  EXPECT_TRUE(kept("HTTP/1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_FALSE(kept("HTTP/1.1", "Transfer-Encoding: chunked\r\n"));  // both lengths: suspicious
}

TEST(http_response_parser, a_cut_body_is_a_fault) {
  for (const auto* wire :
       {"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab", "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", ""}) {
    const auto got = parse(wire);
    EXPECT_EQ(got.last, event::failed) << wire;
    EXPECT_NE(got.fault.find("closed"), std::string::npos) << wire;
  }
}

TEST(http_response_parser, refuses_what_two_readers_could_read_in_two_ways) {
  const auto with = [](std::string_view fields) {
    return parse("HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\nabcdef").last;
  };
  EXPECT_EQ(with("content-length: 3\r\ncontent-length: 4\r\n"), event::failed);
  EXPECT_EQ(with("content-length: 3, 4\r\n"), event::failed);
  EXPECT_EQ(with("content-length: 3\r\ncontent-length: 3\r\n"), event::complete);
  for (const auto* length : {"-1", "+3", "0x3", "3 3", "", "99999999999999999999999"})
    EXPECT_EQ(with("content-length: " + std::string(length) + "\r\n"), event::failed) << length;
  EXPECT_EQ(with("transfer-encoding: gzip, chunked\r\n"), event::failed);
  EXPECT_EQ(with("transfer-encoding: chunked, chunked\r\n"), event::failed);
  EXPECT_EQ(with("a : b\r\n"), event::failed);
  EXPECT_EQ(with("no colon\r\n"), event::failed);
  EXPECT_EQ(with(": b\r\n"), event::failed);
  EXPECT_EQ(with(std::string("a: b\0c\r\n", 8)), event::failed);
  EXPECT_EQ(with("a: b\rc\r\n"), event::failed);
}

TEST(http_response_parser, refuses_malformed_chunks) {
  const auto with = [](std::string_view body) {
    return parse("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + std::string(body)).last;
  };
  for (const auto* body : {"\r\n", "-1\r\n", "0x5\r\n", "5 5\r\nhello\r\n0\r\n\r\n",
                           "4\r\nhello\r\n0\r\n\r\n", "11111111111111111\r\n"})
    EXPECT_EQ(with(body), event::failed) << body;
}

TEST(http_response_parser, says_when_the_peer_does_not_speak_http) {
  EXPECT_NE(parse("SSH-2.0-OpenSSH_9.2\r\n").fault.find("SSH-2.0"), std::string::npos);
  EXPECT_EQ(parse("HTTP/2 200 OK\r\n\r\n").last, event::failed);
  EXPECT_EQ(parse("HTTP/1.1 2x0 OK\r\n\r\n").last, event::failed);
  EXPECT_EQ(parse("HTTP/1.1 101 Switching\r\n\r\n").last, event::failed);
  EXPECT_NE(parse("\x15\x03\x01\n").fault.find('?'), std::string::npos);
}

TEST(http_response_parser, bounds_the_header) {
  const auto endless = "HTTP/1.1 200 OK\r\nx: " + std::string(5000, 'a');
  EXPECT_EQ(parse(endless).last, event::failed);
  EXPECT_NE(parse(endless).fault.find("4096"), std::string::npos);
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 2000; ++i) many += "a:b\r\n";
  EXPECT_EQ(parse(many + "\r\n").last, event::failed);
  std::string empty_lines(5000, '\n');
  EXPECT_EQ(parse(empty_lines).last, event::failed);
}

TEST(http_response_parser, gives_the_same_at_every_split) {
  for (const auto& wire : samples()) {
    const auto whole = parse(wire);
    for (std::size_t cut = 0; cut <= wire.size(); ++cut)
      EXPECT_EQ(parse(wire, {cut}), whole) << cut;
    std::vector<std::size_t> every_byte;
    for (std::size_t i = 1; i < wire.size(); ++i) every_byte.push_back(i);
    EXPECT_EQ(parse(wire, every_byte), whole);
  }
}

TEST(http_response_parser, survives_random_changes_with_the_same_result_at_any_split) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t bound) { return random() % bound; };
  for (int round = 0; round < 20'000; ++round) {
    auto wire = samples()[below(samples().size())];
    for (std::size_t changes = below(4); changes > 0; --changes)
      wire[below(wire.size())] = "\r\n\t :0123456789af;,\0xX"[below(22)];
    const auto first = below(wire.size()), second = first + below(wire.size() - first);
    EXPECT_EQ(parse(wire, {first, second}), parse(wire)) << wire;
  }
}

}  // namespace
}  // namespace graphbit
