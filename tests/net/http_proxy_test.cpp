#include <gtest/gtest.h>

#include <map>

#include <src/http_proxy.hpp>

namespace graphbit {
namespace {

/// The host of the proxy chosen for `url` under `variables`; "direct", or "error".
std::string chosen(const std::string& url, std::map<std::string, std::string> variables) {
  const auto proxy = proxy_for(parse_url(url)->at, [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
  if (!proxy) return "error";
  return *proxy ? (*proxy)->at.host + ':' + std::to_string((*proxy)->at.port) : "direct";
}

TEST(proxy_for, takes_the_variable_of_the_scheme_then_the_one_for_all) {
  EXPECT_EQ(chosen("https://h/", {}), "direct");
  EXPECT_EQ(chosen("https://h/", {{"HTTPS_PROXY", "http://p:1"}}), "p:1");
  EXPECT_EQ(chosen("http://h/", {{"HTTPS_PROXY", "http://p:1"}}), "direct");
  EXPECT_EQ(chosen("http://h/", {{"HTTP_PROXY", "http://p"}}), "p:80");
  EXPECT_EQ(chosen("https://h/", {{"ALL_PROXY", "p:3128"}}), "p:3128");
  EXPECT_EQ(chosen("https://h/", {{"HTTPS_PROXY", "u:1"}, {"https_proxy", "l:2"}}), "l:2");
  EXPECT_EQ(chosen("https://h/", {{"HTTPS_PROXY", ""}, {"ALL_PROXY", "a:9"}}), "a:9");
}

TEST(proxy_for, leaves_out_what_no_proxy_lists) {
  const auto direct = [](const std::string& url, const std::string& list) {
    return chosen(url, {{"ALL_PROXY", "p:1"}, {"NO_PROXY", list}}) == "direct";
  };
  EXPECT_TRUE(direct("http://h/", "*"));
  EXPECT_TRUE(direct("http://api.example.com/", "x, example.com"));
  EXPECT_TRUE(direct("http://api.example.com/", ".Example.com"));
  EXPECT_TRUE(direct("http://api.example.com/", "*.example.com"));
  EXPECT_TRUE(direct("http://example.com/", "example.com"));
  EXPECT_FALSE(direct("http://badexample.com/", "example.com"));
  EXPECT_TRUE(direct("http://h:8080/", "h:8080"));
  EXPECT_FALSE(direct("http://h:8081/", "h:8080"));
  EXPECT_TRUE(direct("http://127.0.0.1:9/", "localhost,127.0.0.1"));
  EXPECT_TRUE(direct("http://10.9.8.7/", "10.0.0.0/8"));
  EXPECT_TRUE(direct("http://10.255.8.7/", "10.240.0.0/12"));
  EXPECT_FALSE(direct("http://10.1.8.7/", "10.240.0.0/12"));
  EXPECT_FALSE(direct("http://10.1.8.7/", "10.0.0.0/99"));
  EXPECT_FALSE(direct("http://example.com/", "10.0.0.0/0"));
  EXPECT_TRUE(direct("http://[fd00::1]/", "fd00::/8"));
  EXPECT_TRUE(direct("http://[::1]/", "[::1]"));
  EXPECT_FALSE(direct("http://h/", " , ,"));
}

TEST(parse_proxy, reads_credentials_and_hides_them) {
  const auto proxy = parse_proxy("http://us%40er:pa%3Ass@proxy.example:3128/");
  ASSERT_TRUE(proxy);
  EXPECT_EQ(proxy->at.host, "proxy.example");
  EXPECT_EQ(proxy->authorization, "Basic dXNAZXI6cGE6c3M=");
  for (const auto* bad : {"socks5://secret:secret@h:1", "https://secret@h", "http://secret%4@h",
                          "http://secret:secret@h:x", "http://secret@"}) {
    const auto refused = parse_proxy(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().kind, error_kind::configuration);
    EXPECT_EQ(describe(refused.error()).find("secret"), std::string::npos) << bad;
  }
}

}  // namespace
}  // namespace graphbit
