#include <netinet/tcp.h>
#include <sys/stat.h>

#include <cstdlib>

#include <net/http_client_fixture.hpp>
#include <net/test_certificates.hpp>

namespace graphbit::test {
namespace {

/// A server's connection after its TLS handshake.
class tls_socket {
 public:
  tls_socket(server_socket& socket, SSL_CTX* context) : ssl_(SSL_new(context)) {
    SSL_set_fd(ssl_.get(), socket.fd());
    ready_ = SSL_accept(ssl_.get()) == 1;
  }
  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  void send(const std::string& bytes) {
    SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  }
  /// What the client sends until `end` was seen or it closed.
  std::string read_until(const std::string& end) {
    std::string all;
    char buffer[16384];
    while (all.find(end) == std::string::npos) {
      const int got = SSL_read(ssl_.get(), buffer, sizeof buffer);
      if (got <= 0) break;
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }
  void close_in_order() { SSL_shutdown(ssl_.get()); }

 private:
  ssl_ptr ssl_;
  bool ready_ = false;
};

class http_client_tls_test : public http_client_test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/graphbit_tls_XXXXXX";
    folder_ = ::mkdtemp(pattern);
    authority_.write(folder_ + "/ca.pem");
  }
  void TearDown() override {
    for (const auto* name : {"/ca.pem", "/client.pem", "/client.key", "/empty.pem"})
      std::remove((folder_ + name).c_str());
    ::rmdir(folder_.c_str());
  }
  [[nodiscard]] http_client_options trusting() const {
    http_client_options options;
    options.tls.ca_file = folder_ + "/ca.pem";
    return options;
  }
  /// Asks a server with `identity` at `host` once and gives the failure.
  error failure_with(const certified_key& identity, const std::string& host,
                     const http_client_options& options) {
    const auto tls = make_server_tls(identity);
    socket_server server([&](server_socket& s, int) {
      tls_socket secured(s, tls.get());
      EXPECT_FALSE(secured.ready() && !secured.read_until("\r\n\r\n").empty());
    });
    const auto client = connect_to(origin{true, host, server.port()}, options);
    const auto answer = ask();
    return answer ? core_error("no failure") : answer.error();
  }

  std::string folder_;
  certified_key authority_ = make_certificate("test authority", "");
  certified_key good_ = make_certificate("localhost", "DNS:localhost,IP:127.0.0.1", &authority_);
};

void expect_certificate_fault(const error& e, const std::string& advice) {
  EXPECT_EQ(e.kind, error_kind::network) << e.message;
  EXPECT_EQ(e.retry, retry_rule::never) << e.message;
  EXPECT_NE(e.message.find(advice), std::string::npos) << e.message;
}

TEST_F(http_client_tls_test, asks_and_answers_and_reuses) {
  const auto tls = make_server_tls(good_);
  std::string seen;
  socket_server server([&](server_socket& s, int) {
    tls_socket secured(s, tls.get());
    while (!(seen = secured.read_until("{}")).empty()) secured.send(ok("hello"));
  });
  for (const auto* host : {"localhost", "127.0.0.1"}) {
    const auto client = connect_to(origin{true, host, server.port()}, trusting());
    for (int i = 0; i < 3; ++i) {
      const auto answer = ask();
      ASSERT_TRUE(answer) << answer.error().message;
      EXPECT_EQ(answer->body, "hello");
    }
    EXPECT_EQ(stats().opened, 1u);
  }
}

TEST_F(http_client_tls_test, moves_megabytes_both_ways) {
  const auto tls = make_server_tls(good_);
  const std::string big(2'000'000, 'x');
  std::size_t seen = 0;
  socket_server server([&](server_socket& s, int) {
    tls_socket secured(s, tls.get());
    seen = secured.read_until("!").size();
    secured.send(ok(big));
    static_cast<void>(secured.read_until("never"));
  });
  const auto client = connect_to(origin{true, "localhost", server.port()}, trusting());
  const auto answer = ask(post(big + "!"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, big);
  EXPECT_GT(seen, big.size());
}

TEST_F(http_client_tls_test, never_takes_a_record_after_an_answer_for_the_next_answer) {
  const auto tls = make_server_tls(good_);
  socket_server server([&](server_socket& s, int) {
    tls_socket secured(s, tls.get());
    while (!secured.read_until("{}").empty()) {
      for (const int hold : {1, 0}) {  // both records in one segment
        ::setsockopt(s.fd(), IPPROTO_TCP, TCP_CORK, &hold, sizeof hold);
        if (hold == 0) break;
        secured.send(ok("right"));
        secured.send(ok("smuggled"));
      }
    }
  });
  const auto client = connect_to(origin{true, "localhost", server.port()}, trusting());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask()->body, "right");
  EXPECT_EQ(server.connections(), 3);
}

TEST_F(http_client_tls_test, hands_over_together_what_came_in_many_records) {
  const auto tls = make_server_tls(good_);
  std::string sent;
  socket_server server([&](server_socket& s, int) {
    tls_socket secured(s, tls.get());
    static_cast<void>(secured.read_until("{}"));
    const int hold = 1, go = 0;
    ::setsockopt(s.fd(), IPPROTO_TCP, TCP_CORK, &hold, sizeof hold);
    secured.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 50; ++i) {
      secured.send("3\r\n" + std::to_string(100 + i) + "\r\n");
      sent += std::to_string(100 + i);
    }
    secured.send("0\r\n\r\n");
    ::setsockopt(s.fd(), IPPROTO_TCP, TCP_CORK, &go, sizeof go);
    static_cast<void>(secured.read_until("never"));
  });
  const auto client = connect_to(origin{true, "localhost", server.port()}, trusting());
  recorder to;
  start(to, post("{}", true));
  ASSERT_TRUE(to.wait());
  EXPECT_EQ(to.text(), sent);
  EXPECT_LT(to.pieces().size(), 10u);
}

TEST_F(http_client_tls_test, resumes_its_session_on_a_new_connection) {
  const auto tls = make_server_tls(good_);
  std::atomic<int> resumed{0};
  socket_server server([&](server_socket& s, int) {
    tls_socket secured(s, tls.get());
    resumed += secured.resumed() ? 1 : 0;
    static_cast<void>(secured.read_until("{}"));
    secured.send(ok("x", "Connection: close\r\n"));
    secured.close_in_order();
  });
  const auto client = connect_to(origin{true, "localhost", server.port()}, trusting());
  ASSERT_TRUE(ask());
  ASSERT_TRUE(ask());
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(resumed, 1);
}

TEST_F(http_client_tls_test, refuses_a_certificate_for_another_host) {
  const auto other = make_certificate("other", "DNS:other.example", &authority_);
  expect_certificate_fault(failure_with(other, "localhost", trusting()), "check the host");
  const auto name_only = make_certificate("localhost", "DNS:localhost", &authority_);
  expect_certificate_fault(failure_with(name_only, "127.0.0.1", trusting()), "check the host");
}

TEST_F(http_client_tls_test, refuses_self_signed_unknown_and_expired_certificates) {
  const auto self_signed = make_certificate("localhost", "DNS:localhost");
  expect_certificate_fault(failure_with(self_signed, "localhost", trusting()), "SSL_CERT_FILE");
  expect_certificate_fault(failure_with(good_, "localhost", {}), "SSL_CERT_FILE");
  const auto expired = make_certificate("localhost", "DNS:localhost", &authority_, -1);
  expect_certificate_fault(failure_with(expired, "localhost", trusting()), "clock");
}

TEST_F(http_client_tls_test, trusts_what_ssl_cert_file_names) {
  const auto tls = make_server_tls(good_);
  socket_server server([&](server_socket& s, int) {
    tls_socket secured(s, tls.get());
    static_cast<void>(secured.read_until("{}"));
    secured.send(ok("x"));
    static_cast<void>(secured.read_until("never"));
  });
  ::setenv("SSL_CERT_FILE", (folder_ + "/ca.pem").c_str(), 1);
  const auto client = connect_to(origin{true, "localhost", server.port()});
  const auto answer = ask();
  ::unsetenv("SSL_CERT_FILE");
  EXPECT_TRUE(answer) << answer.error().message;
}

TEST_F(http_client_tls_test, turning_verification_off_accepts_any_certificate) {
  const auto self_signed = make_certificate("other", "DNS:other.example");
  const auto tls = make_server_tls(self_signed);
  socket_server server([&](server_socket& s, int) {
    tls_socket secured(s, tls.get());
    static_cast<void>(secured.read_until("{}"));
    secured.send(ok("x"));
    static_cast<void>(secured.read_until("never"));
  });
  http_client_options options;
  options.tls.verify = false;
  const auto client = connect_to(origin{true, "localhost", server.port()}, options);
  EXPECT_TRUE(ask());
}

TEST_F(http_client_tls_test, files_that_cannot_be_used_are_configuration_errors) {
  { std::fclose(std::fopen((folder_ + "/empty.pem").c_str(), "w")); }
  const auto client_for = [&](tls_options tls) {
    http_client_options options;
    options.tls = std::move(tls);
    const auto client = connect_to(origin{true, "localhost", 1}, options);
    const auto answer = ask();
    return answer ? core_error("no failure") : answer.error();
  };
  const auto no_ca = client_for({true, folder_ + "/missing.pem", "", ""});
  EXPECT_EQ(no_ca.kind, error_kind::configuration);
  EXPECT_NE(no_ca.message.find("missing.pem"), std::string::npos);
  EXPECT_EQ(client_for({true, folder_ + "/empty.pem", "", ""}).kind, error_kind::configuration);
  const auto no_key = client_for({true, folder_ + "/ca.pem", folder_ + "/ca.pem", ""});
  EXPECT_EQ(no_key.field, "client_key_file");
}

TEST_F(http_client_tls_test, shows_its_client_certificate) {
  const auto tls = make_server_tls(good_, &authority_);
  socket_server server([&](server_socket& s, int) {
    tls_socket secured(s, tls.get());
    if (!secured.ready()) return;
    static_cast<void>(secured.read_until("{}"));
    secured.send(ok("x"));
    static_cast<void>(secured.read_until("never"));
  });
  {
    const auto client = connect_to(origin{true, "localhost", server.port()}, trusting());
    const auto without = ask();
    ASSERT_FALSE(without);
    EXPECT_EQ(without.error().kind, error_kind::network);
  }
  make_certificate("me", "DNS:me", &authority_)
      .write(folder_ + "/client.pem", folder_ + "/client.key");
  auto options = trusting();
  options.tls.client_cert_file = folder_ + "/client.pem";
  options.tls.client_key_file = folder_ + "/client.key";
  const auto client = connect_to(origin{true, "localhost", server.port()}, options);
  const auto answer = ask();
  EXPECT_TRUE(answer) << answer.error().message;
}

TEST_F(http_client_tls_test, a_plain_server_and_a_silent_one_are_told_apart) {
  socket_server plain([](server_socket& s, int) { s.send("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  {
    const auto client = connect_to(origin{true, "localhost", plain.port()}, trusting());
    const auto answer = ask();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, error_kind::network);
  }
  socket_server silent([](server_socket& s, int) { EXPECT_TRUE(s.sees_close()); });
  const auto client = connect_to(origin{true, "localhost", silent.port()}, trusting());
  http_timeouts timeouts;
  timeouts.tls = 60ms;
  const auto answer = ask(post(), timeouts);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::timeout);
  EXPECT_EQ(answer.error().operation, "tls_handshake");
}

TEST_F(http_client_tls_test, only_an_end_in_order_ends_a_body_without_length) {
  const auto tls = make_server_tls(good_);
  socket_server server([&](server_socket& s, int n) {
    tls_socket secured(s, tls.get());
    static_cast<void>(secured.read_until("{}"));
    secured.send("HTTP/1.1 200 OK\r\n\r\nsome text");
    if (n == 1) secured.close_in_order();
  });
  const auto client = connect_to(origin{true, "localhost", server.port()}, trusting());
  const auto cut = ask();
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().kind, error_kind::network);
  const auto whole = ask();
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->body, "some text");
}

}  // namespace
}  // namespace graphbit::test
