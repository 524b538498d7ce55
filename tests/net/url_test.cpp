#include <gtest/gtest.h>

#include <graphbit/net/url.hpp>

namespace graphbit {
namespace {

TEST(url, splits_scheme_host_port_and_target) {
  const auto u = parse_url("https://API.Example.com:8443/v1/chat?x=1&y=2#part");
  ASSERT_TRUE(u);
  EXPECT_EQ(u->at, (origin{true, "api.example.com", 8443}));
  EXPECT_EQ(u->target, "/v1/chat?x=1&y=2");
  EXPECT_EQ(u->at.authority(), "api.example.com:8443");
}

TEST(url, default_ports_stay_out_of_the_authority) {
  EXPECT_EQ(parse_url("http://h")->at.authority(), "h");
  EXPECT_EQ(parse_url("https://h:443/")->at.authority(), "h");
  EXPECT_EQ(parse_url("http://h:443/")->at.authority(), "h:443");
  EXPECT_EQ(parse_url("HTTP://h:/x")->at.port, 80);
}

TEST(url, a_missing_path_is_a_slash) {
  EXPECT_EQ(parse_url("http://h")->target, "/");
  EXPECT_EQ(parse_url("http://h?q=1")->target, "/?q=1");
  EXPECT_EQ(parse_url("http://h#f")->target, "/");
}

TEST(url, reads_ipv6_hosts) {
  const auto u = parse_url("http://[::1]:8080/x");
  ASSERT_TRUE(u);
  EXPECT_EQ(u->at.host, "::1");
  EXPECT_EQ(u->at.authority(), "[::1]:8080");
}

TEST(url, reads_unix_sockets) {
  const auto u = parse_url("http+unix://%2Frun%2Fllm.sock/v1");
  ASSERT_TRUE(u);
  EXPECT_EQ(u->at.unix_path, "/run/llm.sock");
  EXPECT_EQ(u->at.authority(), "localhost");
  EXPECT_EQ(u->target, "/v1");
  for (const auto* bad :
       {"http+unix:///run/x", "http+unix://run/x", "http+unix://%2/", "http+unix://%2Fx%00/"})
    EXPECT_FALSE(parse_url(bad)) << bad;
  EXPECT_FALSE(parse_url("http+unix://%2F" + std::string(120, 'x') + "/"));
}

TEST(url, refuses_what_cannot_be_asked) {
  for (const auto* bad :
       {"", "h", "ftp://h/", "//h", "http://", "http:///x", "http://h:0/", "http://h:65536/",
        "http://h:12x/", "http://[::1/", "http://[v]/", "http://[::1]x/", "http://a b/",
        "http://h/a b", "http://h/\r\nX: y", "http://h\xc3\xa4/", "http://h%41/", "http://h\\x/"}) {
    const auto u = parse_url(bad);
    ASSERT_FALSE(u) << bad;
    EXPECT_EQ(u.error().kind, error_kind::validation) << bad;
    EXPECT_EQ(u.error().field, "url") << bad;
  }
  EXPECT_FALSE(parse_url("http://h/" + std::string(9000, 'x')));
}

TEST(url, never_repeats_a_password_or_a_query) {
  const auto with_password = parse_url("https://me:hunter2@h/");
  ASSERT_FALSE(with_password);
  EXPECT_EQ(with_password.error().message.find("hunter2"), std::string::npos);
  EXPECT_EQ(with_password.error().value.find("hunter2"), std::string::npos);
  const auto with_key = parse_url("ftp://h/?key=hunter2");
  ASSERT_FALSE(with_key);
  EXPECT_EQ(with_key.error().value, "ftp://h/");
}

}  // namespace
}  // namespace graphbit
