#include <graphbit/net/listen_address.hpp>

#include <gtest/gtest.h>

namespace graphbit {
namespace {

TEST(listen_address_test, reads_hosts_and_ports) {
  http_server_options options;
  ASSERT_TRUE(set_listen_address(options, "0.0.0.0:9464"));
  EXPECT_EQ(options.host, "0.0.0.0");
  EXPECT_EQ(options.port, 9464);
  ASSERT_TRUE(set_listen_address(options, "[::1]:80"));
  EXPECT_EQ(options.host, "::1");
  EXPECT_EQ(options.port, 80);
  ASSERT_TRUE(set_listen_address(options, ":81"));
  EXPECT_EQ(options.host, "::1");
  EXPECT_EQ(options.port, 81);
  ASSERT_TRUE(set_listen_address(options, "localhost"));
  EXPECT_EQ(options.host, "localhost");
  EXPECT_EQ(options.port, 81);
}

TEST(listen_address_test, refuses_what_is_no_address) {
  for (const auto* text :
       {"", ":", "host:", "host:x", "host:65536", "::1:80", "[::1", "h:123456"}) {
    http_server_options options;
    EXPECT_FALSE(set_listen_address(options, text)) << text;
  }
}

TEST(listen_address_test, knows_what_only_this_machine_reaches) {
  for (const auto* host : {"localhost", "127.0.0.1", "127.1.2.3", "::1"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (const auto* host : {"0.0.0.0", "::", "10.0.0.1", "example.org", ""})
    EXPECT_FALSE(is_loopback(host)) << host;
}

}  // namespace
}  // namespace graphbit
