#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <graphbit/net/cassette.hpp>
#include <net/http_client_fixture.hpp>
#include <src/cassette/recorded_exchange.hpp>
#include <src/cassette/secret_removal.hpp>

#include "value_of.hpp"

namespace graphbit::test {
namespace {

namespace fs = std::filesystem;

constexpr auto key = "sk-test-0123456789abcdef";

http_request ask_with_key(std::string body, bool stream = false) {
  auto request = post(std::move(body), stream);
  request.headers =
      std::make_shared<const std::string>(std::string("Authorization: Bearer ") + key + "\r\n");
  return request;
}

std::string chunked(std::string_view bytes) {
  std::ostringstream out;
  out << std::hex << bytes.size() << "\r\n" << bytes << "\r\n";
  return out.str();
}

class cassette_test : public http_client_test {
 public:
  ~cassette_test() override { fs::remove_all(folder_); }

 protected:
  cassette_test()
      : folder_(fs::temp_directory_path() / ("cassette-" + std::to_string(getpid()))),
        path_((folder_ / "tape.jsonl").string()) {
    fs::create_directories(folder_);
  }

  [[nodiscard]] std::string written() const {
    std::ifstream in(path_);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  void write(const std::string& text) const { std::ofstream(path_) << text; }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator{}));
  }
  /// A client of a port where nobody listens: an answer can only come from a cassette.
  [[nodiscard]] connected connect_to_nobody(std::uint16_t port) {
    return connect_to(origin{false, "127.0.0.1", port});
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(cassette_test, plays_again_what_it_recorded_without_a_network) {
  std::uint16_t port = 0;
  {
    socket_server server([](server_socket& s, int) {
      while (!s.read_request().empty())
        s.send(ok(R"({"answer": 1.50})", "X-Request-Id: r1\r\nSet-Cookie: session=1\r\n"));
    });
    port = server.port();
    const auto client = connect_to(server);
    auto tape = cassette::insert(path_);
    ASSERT_TRUE(tape) << tape.error().message;
    EXPECT_FALSE(tape->replays());
    ASSERT_TRUE(ask(ask_with_key(R"({"q":1})")));
    EXPECT_FALSE(fs::exists(path_)) << "it appears whole, at its end";
    ASSERT_TRUE(tape->eject());
  }
  EXPECT_EQ(files(), 1U) << "nothing is left beside it";
  EXPECT_EQ(written().find(key), std::string::npos);
  EXPECT_EQ(written().find("session=1"), std::string::npos);

  auto tape = cassette::insert(path_);
  ASSERT_TRUE(tape) << tape.error().message;
  EXPECT_TRUE(tape->replays());
  const auto client = connect_to_nobody(port);
  auto other_key = post(R"({ "q": 1 })");
  const auto answer = ask(std::move(other_key));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, R"({"answer":1.5})");
  EXPECT_EQ(answer->headers.get("x-request-id"), "r1");
  EXPECT_EQ(stats().opened, 0U);
}

TEST_F(cassette_test, keeps_the_chunks_of_a_stream) {
  // The second cut goes through the two bytes of an e with an accent.
  const std::vector<std::string> pieces{"data: one\n\n", "data: caf\xc3", "\xa9\n\n"};
  std::uint16_t port = 0;
  {
    std::array<std::promise<void>, 3> arrived;
    socket_server server([&](server_socket& s, int) {
      static_cast<void>(s.read_request());
      s.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        s.send(chunked(pieces[i]));
        arrived[i].get_future().wait();
      }
      s.send("0\r\n\r\n");
    });
    port = server.port();
    const auto client = connect_to(server);
    auto tape = cassette::insert(path_);
    ASSERT_TRUE(tape);
    recorder to;
    start(to, ask_with_key("{}", true));
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      EXPECT_TRUE(to.wait_for_pieces(i + 1));
      arrived[i].set_value();
    }
    ASSERT_TRUE(to.wait());
  }
  const auto tape = cassette::insert(path_, cassette_mode::replay);
  ASSERT_TRUE(tape) << tape.error().message;
  const auto client = connect_to_nobody(port);
  recorder to;
  start(to, post("{}", true));
  ASSERT_TRUE(to.wait());
  EXPECT_EQ(to.head_status(), 200);
  EXPECT_EQ(to.pieces(), pieces);
}

TEST_F(cassette_test, waits_while_a_replayed_stream_is_paused) {
  write(R"({"request":{"method":"POST","url":"http://127.0.0.1:9/v1/x?y=1","body":{}},)"
        R"("response":{"status":200,"headers":{},"chunks":["a","b","c"]}})"
        "\n");
  const auto tape = cassette::insert(path_);
  ASSERT_TRUE(tape) << tape.error().message;
  const auto client = connect_to_nobody(9);
  recorder to;
  http_client::exchange_id id = 0;
  bool first = true;
  to.when_data = [&] {
    if (std::exchange(first, false)) client_->pause(id);
  };
  on_reactor([&] { id = client_->start(post("{}", true), {}, to); });
  ASSERT_TRUE(to.wait_for_pieces(1));
  for (int turn = 0; turn < 5; ++turn) on_reactor([] {});
  EXPECT_EQ(to.pieces().size(), 1U);
  on_reactor([&] { client_->resume(id); });
  ASSERT_TRUE(to.wait());
  EXPECT_EQ(to.text(), "abc");
}

TEST_F(cassette_test, cancelling_a_replayed_stream_ends_it) {
  write(R"({"request":{"method":"POST","url":"http://127.0.0.1:9/v1/x?y=1","body":{}},)"
        R"("response":{"status":200,"headers":{},"chunks":["a","b"]}})"
        "\n");
  const auto tape = cassette::insert(path_);
  ASSERT_TRUE(tape);
  const auto client = connect_to_nobody(9);
  recorder to;
  http_client::exchange_id id = 0;
  to.when_data = [&] { client_->cancel(id); };
  on_reactor([&] { id = client_->start(post("{}", true), {}, to); });
  ASSERT_TRUE(to.wait_for_pieces(1));
  for (int turn = 0; turn < 5; ++turn) on_reactor([] {});
  EXPECT_EQ(to.text(), "a");
  EXPECT_EQ(to.done_count(), 0);
}

TEST_F(cassette_test, answers_repeats_in_their_order_and_no_more_often) {
  const std::string request =
      R"({"request":{"method":"POST","url":"http://127.0.0.1:9/v1/x?y=1","body":{"q":1}},)";
  write(request + R"("response":{"status":429,"headers":{"retry-after":"2"},"text":"later"}})" +
        "\n" + request + R"("response":{"status":200,"headers":{},"body":{"a":1}}})" + "\n");
  const auto tape = cassette::insert(path_);
  ASSERT_TRUE(tape) << tape.error().message;
  const auto client = connect_to_nobody(9);
  const auto first = ask(post(R"({"q":1})"));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->status, 429);
  EXPECT_EQ(first->body, "later");
  EXPECT_EQ(first->headers.get("retry-after"), "2");
  EXPECT_EQ(ask(post(R"({"q":1})"))->status, 200);
  const auto third = ask(post(R"({"q":1})"));
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().kind, error_kind::configuration);
  EXPECT_EQ(third.error().field, "cassette");
  EXPECT_EQ(third.error().retry, retry_rule::never);
  EXPECT_EQ(third.error().message,
            "cassette '" + path_ +
                "' has no answer to POST http://127.0.0.1:9/v1/x?y=1: it was recorded 2 times and "
                "asked once more; delete the file to record it anew");
}

TEST_F(cassette_test, tells_where_an_unknown_request_differs) {
  write(R"({"request":{"method":"POST","url":"http://127.0.0.1:9/v1/x?y=1","body":{"q":"old"}},)"
        R"("response":{"status":200,"headers":{}}})"
        "\n");
  const auto tape = cassette::insert(path_);
  ASSERT_TRUE(tape);
  const auto client = connect_to_nobody(9);
  EXPECT_EQ(ask(post(R"({"q":"new"})")).error().message,
            "cassette '" + path_ +
                "' has no answer to POST http://127.0.0.1:9/v1/x?y=1: 1 other requests to this "
                "address were recorded (recorded ...{\"q\":\"old\"}..., asked "
                "...{\"q\":\"new\"}...); delete the file to record it anew");
  auto elsewhere = post();
  elsewhere.target = std::make_shared<const std::string>("/other");
  EXPECT_NE(ask(std::move(elsewhere))
                .error()
                .message.find("nothing was recorded for this address; delete the file"),
            std::string::npos);
}

TEST_F(cassette_test, records_no_faults_and_leaves_no_half_file) {
  socket_server server([](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  });
  const auto client = connect_to(server);
  auto tape = cassette::insert(path_);
  ASSERT_TRUE(tape);
  EXPECT_FALSE(ask());
  ASSERT_TRUE(tape->eject());
  EXPECT_EQ(written(), "");
}

TEST_F(cassette_test, the_one_before_is_back_when_the_inner_one_is_out) {
  write(R"({"request":{"method":"POST","url":"http://127.0.0.1:9/v1/x?y=1","body":{}},)"
        R"("response":{"status":200,"headers":{},"text":"outer"}})"
        "\n");
  const auto inner_path = (folder_ / "inner.jsonl").string();
  std::ofstream(inner_path) << "";
  const auto outer = cassette::insert(path_);
  ASSERT_TRUE(outer);
  const auto client = connect_to_nobody(9);
  {
    const auto inner = cassette::insert(inner_path);
    ASSERT_TRUE(inner);
    EXPECT_FALSE(ask());
  }
  EXPECT_EQ(ask()->body, "outer");
}

TEST_F(cassette_test, says_what_is_wrong_with_a_file) {
  const auto missing = cassette::insert(path_, cassette_mode::replay);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "cassette '" + path_ + "' is not there; record it first");
  write("\nnot json\n");
  const auto broken = cassette::insert(path_);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().kind, error_kind::configuration);
  EXPECT_NE(broken.error().message.find("cannot be replayed: line 2: its text is no JSON"),
            std::string::npos)
      << broken.error().message;
  const auto nowhere = cassette::insert((folder_ / "no" / "where.jsonl").string());
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().message.find("cannot be recorded"), std::string::npos);
}

TEST(recorded_exchange, survives_its_line) {
  const std::vector<std::string> bodies{"",       R"({"a":[1,2.5,"x"]})",         "plain",
                                        "<html>", std::string("\xff\x00\x01", 3), "[1e999]"};
  for (const auto& body : bodies) {
    recorded_exchange one{"POST", "https://h/x", body, 200, {{"content-type", "text/plain"}}};
    if (!body.empty()) one.chunks = {body};
    const auto again = from_line(to_line(one));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, one) << body;
    one.streamed = true;
    EXPECT_EQ(value_of(from_line(to_line(one))), one) << body;
  }
}

TEST(recorded_exchange, a_line_that_lacks_something_says_so) {
  EXPECT_NE(from_line("{}").error().message.find("has no \"request\""), std::string::npos);
  EXPECT_NE(from_line(R"({"request":{},"response":{}})").error().message.find("\"status\""),
            std::string::npos);
  EXPECT_NE(from_line(R"({"request":{},"response":{"status":200,"base64":"%"}})")
                .error()
                .message.find("\"base64\""),
            std::string::npos);
}

TEST(secret_removal, takes_keys_out_wherever_they_stand) {
  const secret_removal secrets("Authorization: Bearer abcdefgh12345\r\nAccept: text/plain\r\n",
                               "api-key: second-key-1\r\nIdempotency-Key: not-a-secret\r\n");
  EXPECT_EQ(secrets.from_url("https://h/x?key=short&v=1&api-version=2"),
            "https://h/x?key=REMOVED&v=1&api-version=2");
  EXPECT_EQ(secrets.from_url("https://h/abcdefgh12345"), "https://h/REMOVED");
  EXPECT_EQ(secrets.from_body("wrong key abcdefgh12345, second-key-1"),
            "wrong key REMOVED, REMOVED");
  EXPECT_EQ(secrets.from_body(R"({"extra":[{"apiKey":"x","token":"y"}]})"),
            R"({"extra":[{"apiKey":"REMOVED","token":"y"}]})");
  EXPECT_EQ(secrets.from_body("text/plain not-a-secret"), "text/plain not-a-secret");
  const std::vector<std::string> cut{"data: abcdefgh", "12345\n\n"};
  EXPECT_EQ(secrets.from_chunks(cut), std::vector<std::string>{"data: REMOVED\n\n"});
}

TEST(secret_removal, keeps_only_headers_that_are_known_to_be_harmless) {
  http_headers headers;
  headers.add("content-type", "text/plain");
  headers.add("set-cookie", "session=1");
  headers.add("openai-organization", "org-1");
  headers.add("x-ratelimit-remaining-tokens", "7");
  const std::vector<std::pair<std::string, std::string>> kept{
      {"content-type", "text/plain"}, {"x-ratelimit-remaining-tokens", "7"}};
  EXPECT_EQ(secret_removal({}, {}).from_headers(headers), kept);
}

}  // namespace
}  // namespace graphbit::test
