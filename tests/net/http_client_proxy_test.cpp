#include <sys/un.h>

#include <net/http_client_fixture.hpp>
#include <net/test_certificates.hpp>

namespace graphbit::test {
namespace {

class http_client_proxy_test : public http_client_test {
 protected:
  [[nodiscard]] static http_client_options through(const socket_server& proxy) {
    http_client_options options;
    options.proxy = "http://me:pw@127.0.0.1:" + std::to_string(proxy.port());
    options.tls.verify = false;
    return options;
  }
};

TEST_F(http_client_proxy_test, plain_requests_go_to_the_proxy_whole) {
  std::string seen;
  socket_server proxy([&](server_socket& s, int) {
    while (!(seen = s.read_request()).empty()) s.send(ok("x"));
  });
  const auto client = connect_to(origin{false, "far.example", 8080}, through(proxy));
  std::string first;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(ask());
    if (i == 0) first = seen;
  }
  EXPECT_EQ(proxy.connections(), 1);
  EXPECT_TRUE(
      first.starts_with("POST http://far.example:8080/v1/x?y=1 HTTP/1.1\r\n"
                        "Host: far.example:8080\r\nProxy-Authorization: Basic bWU6cHc=\r\n"))
      << first;
}

TEST_F(http_client_proxy_test, tls_goes_through_a_tunnel) {
  const auto identity = make_certificate("far", "DNS:far.example");
  const auto tls = make_server_tls(identity);
  std::string connect, asked, server_name;
  socket_server proxy([&](server_socket& s, int) {
    connect = s.read_request();
    s.send("HTTP/1.1 200 Connection established\r\nVia: p\r\n\r\n");
    ssl_ptr ssl(SSL_new(tls.get()));
    SSL_set_fd(ssl.get(), s.fd());
    if (SSL_accept(ssl.get()) != 1) return;
    server_name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name);
    char buffer[4096];
    const int got = SSL_read(ssl.get(), buffer, sizeof buffer);
    asked.assign(buffer, static_cast<std::size_t>(std::max(got, 0)));
    const auto answer = ok("secret");
    SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
    static_cast<void>(SSL_read(ssl.get(), buffer, sizeof buffer));
  });
  {
    const auto client = connect_to(origin{true, "far.example", 443}, through(proxy));
    const auto answer = ask();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "secret");
  }
  EXPECT_EQ(connect,
            "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n"
            "Proxy-Authorization: Basic bWU6cHc=\r\n\r\n");
  EXPECT_EQ(server_name, "far.example");
  EXPECT_TRUE(asked.starts_with("POST /v1/x?y=1 HTTP/1.1\r\nHost: far.example\r\n")) << asked;
  EXPECT_EQ(asked.find("Proxy-"), std::string::npos);
}

TEST_F(http_client_proxy_test, a_refused_tunnel_names_the_proxy_and_the_cure) {
  socket_server proxy([](server_socket& s, int n) {
    static_cast<void>(s.read_request());
    s.send(n == 0 ? "HTTP/1.1 407 Auth\r\nContent-Length: 5\r\n\r\nwords"
                  : "HTTP/1.1 503 Busy\r\n\r\n");
    static_cast<void>(s.sees_close());
  });
  const auto client = connect_to(origin{true, "far.example", 443}, through(proxy));
  const auto denied = ask();
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().kind, error_kind::network);
  EXPECT_EQ(denied.error().retry, retry_rule::never);
  EXPECT_NE(denied.error().message.find("HTTPS_PROXY"), std::string::npos);
  EXPECT_EQ(denied.error().message.find("pw"), std::string::npos);
  const auto busy = ask();
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().retry, retry_rule::transient);
}

TEST_F(http_client_proxy_test, a_silent_proxy_is_given_up_by_the_connect_clock) {
  socket_server proxy([](server_socket& s, int) { EXPECT_TRUE(s.sees_close()); });
  const auto client = connect_to(origin{true, "far.example", 443}, through(proxy));
  http_timeouts timeouts;
  timeouts.connect = 60ms;
  const auto answer = ask(post(), timeouts);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().operation, "connect");
}

TEST_F(http_client_proxy_test, a_proxy_that_cannot_be_used_is_a_configuration_error) {
  http_client_options options;
  options.proxy = "socks5://127.0.0.1:1080";
  const auto client = connect_to(origin{false, "far.example", 80}, options);
  const auto answer = ask();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::configuration);
}

TEST_F(http_client_proxy_test, asks_over_a_unix_socket) {
  const auto path = "/tmp/graphbit_http_" + std::to_string(::getpid()) + ".sock";
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  std::string seen;
  std::thread serving([&] {
    server_socket s(::accept(listener, nullptr, nullptr));
    seen = s.read_request();
    s.send(ok("local"));
    static_cast<void>(s.sees_close());
  });
  auto text = path;
  for (std::size_t at; (at = text.find('/')) != std::string::npos;) text.replace(at, 1, "%2F");
  const auto where = parse_url("http+unix://" + text + "/v1");
  ASSERT_TRUE(where);
  EXPECT_EQ(where->target, "/v1");
  {
    const auto client = connect_to(where->at);
    const auto answer = ask();
    EXPECT_TRUE(answer && answer->body == "local");
  }
  serving.join();
  EXPECT_NE(seen.find("Host: localhost\r\n"), std::string::npos);
  ::close(listener);
  ::unlink(path.c_str());
  const auto client = connect_to(where->at);
  const auto gone = ask();
  ASSERT_FALSE(gone);
  EXPECT_NE(gone.error().message.find(path), std::string::npos);
}

}  // namespace
}  // namespace graphbit::test
