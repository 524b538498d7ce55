#include <graphbit/net/http_server.hpp>

#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "raw_client.hpp"

namespace graphbit {
namespace {

using test::raw_client;

/// A server on loopback that answers with whatever the test gave it.
class HttpServer : public ::testing::Test {
 protected:
  void serve(http_server::handler on_request, http_server_options options = {}) {
    server_ = std::make_unique<http_server>(std::move(options), std::move(on_request));
    const auto started = server_->start();
    ASSERT_TRUE(started) << describe(started.error());
  }
  static void echo(const http_exchange& exchange) {
    const auto& r = exchange.request();
    exchange.respond(200, "text/plain",
                     std::string(r.method()) + " " + std::string(r.target()) + " " + r.body());
  }

  std::unique_ptr<http_server> server_;
};

TEST_F(HttpServer, AnswersAndKeepsTheConnection) {
  serve(echo);
  raw_client client(server_->port());
  for (int i = 0; i < 3; ++i) {
    const auto r = client.post("/a?b=" + std::to_string(i), "body");
    EXPECT_EQ(r.status, 200);
    EXPECT_EQ(r.body, "POST /a?b=" + std::to_string(i) + " body");
    EXPECT_NE(r.head.find("Date: "), std::string::npos);
  }
  http_server_stats stats;
  server_->call([&] { stats = server_->stats(); });
  EXPECT_EQ(stats.connections_opened, 1u);
  EXPECT_EQ(stats.connections_open, 1u);
}

TEST_F(HttpServer, ReadsHeadersInAnyCase) {
  serve([](const http_exchange& e) {
    e.respond(200, "text/plain",
              std::string(e.request().header("X-THING")) + "|" + std::string(e.request().path()) +
                  "|" + std::string(e.request().query()));
  });
  raw_client client(server_->port());
  EXPECT_EQ(client.get("/p/q?x=1&y=2", "x-Thing: some value\r\n").body, "some value|/p/q|x=1&y=2");
}

TEST_F(HttpServer, AnswersPipelinedRequestsInOrder) {
  serve([](const http_exchange& e) {
    // Every second request takes a while: the others must wait for it.
    if (e.request().target().back() % 2 == 0) return echo(e);
    e.after(milliseconds(2), [e] { echo(e); });
  });
  raw_client client(server_->port());
  std::string all;
  for (int i = 0; i < 20; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  client.send(all);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(client.read_response().body, "GET /" + std::to_string(i) + " ");
}

TEST_F(HttpServer, TakesARequestSplitAtEveryByte) {
  serve(echo);
  raw_client client(server_->port());
  const std::string request =
      "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  for (const char c : request) client.send({&c, 1});
  EXPECT_EQ(client.read_response().body, "POST /x abcde");
}

TEST_F(HttpServer, TakesBigBodies) {
  serve([](const http_exchange& e) { e.respond(200, "text/plain", e.request().body()); });
  raw_client client(server_->port());
  for (int i = 0; i < 2; ++i) {
    const std::string body(3'000'000, static_cast<char>('a' + i));
    EXPECT_EQ(client.post("/", body).body, body);
  }
}

TEST_F(HttpServer, SendsContinueWhenAsked) {
  serve(echo);
  raw_client client(server_->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_EQ(client.read_response().body, "POST / ok");
}

TEST_F(HttpServer, StreamsChunksWithBackpressure) {
  static constexpr int chunks = 2'000;
  serve([](const http_exchange& e) {
    e.begin(200, "text/event-stream");
    auto left = std::make_shared<int>(chunks);
    auto step = std::make_shared<std::function<void()>>();
    *step = [e, left, weak = std::weak_ptr(step)] {
      if (--*left < 0) return e.end();
      e.write(std::string(4'000, 'x'));
      if (auto again = weak.lock()) e.drained([again] { (*again)(); });
    };
    (*step)();
  });
  raw_client client(server_->port());
  const auto r = client.get("/");
  EXPECT_EQ(r.body.size(), 4'000u * chunks);
  EXPECT_EQ(client.get("/").body.size(), 4'000u * chunks);  // the connection is still good
}

TEST_F(HttpServer, ClosesAfterHttp10AndConnectionClose) {
  serve(echo);
  raw_client old(server_->port());
  old.send("GET /old HTTP/1.0\r\n\r\n");
  EXPECT_NE(old.read_all().find("GET /old "), std::string::npos);
  EXPECT_EQ(old.error(), 0);
  raw_client closing(server_->port());
  closing.send("GET /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(closing.read_all().find("Connection: close"), std::string::npos);
}

TEST_F(HttpServer, RefusesWhatIsTooLargeOrNoHttp) {
  http_server_options options;
  options.header_bytes_max = 1'024;
  options.body_bytes_max = 100;
  serve(echo, options);
  EXPECT_EQ(raw_client(server_->port()).post("/", std::string(101, 'x')).status, 413);
  EXPECT_EQ(raw_client(server_->port()).get("/", "X: " + std::string(2'000, 'x') + "\r\n").status,
            431);
  raw_client noise(server_->port());
  noise.send("\x16\x03\x01 hello\r\n\r\n");
  EXPECT_EQ(noise.read_response().status, 400);
  EXPECT_EQ(raw_client(server_->port()).post("/", std::string(100, 'x')).status, 200);
}

TEST_F(HttpServer, TellsTheHandlerThatTheClientWent) {
  std::atomic<int> gone{0}, answered{0};
  serve([&](const http_exchange& e) {
    e.on_over([&](bool complete) { ++(complete ? answered : gone); });
    if (e.request().target() == "/now") e.respond(200, "text/plain", "");
  });
  { raw_client(server_->port()).get("/now"); }
  {
    raw_client client(server_->port());
    client.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
    client.finish_sending();
    EXPECT_EQ(client.read_all(), "");
  }
  server_->stop();
  EXPECT_EQ(answered, 1);
  EXPECT_EQ(gone, 1);
}

TEST_F(HttpServer, MisbehavesWhenTold) {
  serve([](const http_exchange& e) {
    if (e.request().target() == "/reset") return e.reset();
    e.raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    e.close();
  });
  raw_client reset(server_->port());
  reset.send("GET /reset HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(reset.read_all(), "");
  EXPECT_EQ(reset.error(), ECONNRESET);
  raw_client truncated(server_->port());
  const auto r = truncated.get("/truncated");
  EXPECT_EQ(r.body, "half");
  EXPECT_EQ(truncated.error(), 0);
}

TEST_F(HttpServer, SurvivesAHandlerThatThrows) {
  serve([](const http_exchange& e) {
    if (e.request().target() == "/throw") throw std::runtime_error("on purpose");
    echo(e);
  });
  raw_client client(server_->port());
  EXPECT_EQ(client.get("/throw").status, 500);
  EXPECT_EQ(client.get("/fine").status, 200);
}

TEST_F(HttpServer, RefusesConnectionsAndComesBackOnTheSamePort) {
  serve(echo);
  const auto port = server_->port();
  server_->call([&] {
    server_->refuse_connections(true);
    server_->drop_connections();
  });
  EXPECT_FALSE(raw_client(port).connected());
  server_->call([&] { server_->refuse_connections(false); });
  EXPECT_EQ(raw_client(port).get("/").status, 200);
}

TEST_F(HttpServer, FinishesRequestsInProgressWhenItStops) {
  std::atomic<bool> asked{false};
  serve([&](const http_exchange& e) {
    asked = true;
    e.after(milliseconds(50), [e] { echo(e); });
  });
  raw_client client(server_->port());
  client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  while (!asked) std::this_thread::yield();
  server_->stop();
  EXPECT_EQ(client.read_response().body, "GET /slow ");
  EXPECT_FALSE(raw_client(server_->port()).connected());
  ASSERT_TRUE(server_->start());
  EXPECT_EQ(raw_client(server_->port()).connected(), true);
}

TEST(HttpServerOptions, ListensBeyondLoopbackOnlyWhenAllowed) {
  http_server_options options;
  options.host = "0.0.0.0";
  const auto refused = http_server(options, [](const http_exchange&) {}).start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::configuration);
  EXPECT_EQ(refused.error().field, "host");
  options.host = "nonsense";
  EXPECT_EQ(http_server(options, [](const http_exchange&) {}).start().error().field, "host");
}

TEST(HttpServerOptions, NamesThePortThatIsTaken) {
  http_server first({}, [](const http_exchange&) {});
  ASSERT_TRUE(first.start());
  http_server_options options;
  options.port = first.port();
  const auto second = http_server(options, [](const http_exchange&) {}).start();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, error_kind::network);
  EXPECT_NE(second.error().message.find(std::to_string(first.port())), std::string::npos);
}

TEST(HttpServerOptions, NamesTheCertificateThatCannotBeRead) {
  http_server_options options;
  options.cert_file = "/nonexistent/cert.pem";
  EXPECT_EQ(http_server(options, [](const http_exchange&) {}).start().error().field, "key_file");
  options.key_file = "/nonexistent/key.pem";
  EXPECT_EQ(http_server(options, [](const http_exchange&) {}).start().error().field, "cert_file");
}

}  // namespace
}  // namespace graphbit
