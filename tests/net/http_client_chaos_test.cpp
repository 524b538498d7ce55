#include <map>

#include <graphbit/runtime/random.hpp>
#include <net/http_client_fixture.hpp>

namespace graphbit::test {
namespace {

/// Answers in one of the ways that servers and networks answer.
void misbehave(server_socket& s, std::uint64_t seed) {
  random_source random(seed);
  const std::string body(random.below(40'000), 'b');
  while (!s.read_request().empty()) {
    switch (random.below(12)) {
      case 0:
        return;
      case 1:
        return s.reset();
      case 2:
        s.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
        return;
      case 3:
        s.send(ok(body, "Connection: close\r\n"));
        return;
      case 4:
        s.send("nonsense\r\n");
        return;
      case 5:
        s.send(ok(body) + "more than asked");
        break;
      case 6:
        s.send("HTTP/1.1 200 OK\r\n");
        std::this_thread::sleep_for(1ms);
        s.send("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        std::this_thread::sleep_for(1ms);
        s.send("3\r\ndef\r\n0\r\n\r\n");
        break;
      case 7:
        std::this_thread::sleep_for(30ms);
        s.send(ok("late"));
        break;
      default:
        s.send(ok(body));
        break;
    }
  }
}

/// Starts calls from inside other calls' ends, and cancels, pauses and resumes at random. All on
/// the reactor's thread.
class chaos {
 public:
  chaos(http_client& client, std::uint64_t seed, int calls)
      : client_(client), random_(seed), left_(calls) {
    for (int i = 0; i < 30; ++i) start_one();
  }
  [[nodiscard]] std::future<void> finished() { return finished_.get_future(); }
  [[nodiscard]] int ended_twice() const { return ended_twice_; }
  [[nodiscard]] int told_after_cancel() const { return told_after_cancel_; }

 private:
  struct call final : http_handler {
    explicit call(chaos& c) : of(c) {}
    void on_data(std::string_view) override { of.disturb(*this); }
    void on_done(expected<http_response>) override { of.ended(*this); }
    chaos& of;
    http_client::exchange_id id = 0;
    bool over = false, cancelled = false;
  };

  void start_one() {
    if (left_ == 0) return;
    --left_;
    ++open_;
    calls_.push_back(std::make_unique<call>(*this));
    auto& c = *calls_.back();
    http_timeouts timeouts;
    timeouts.total_at = steady_clock::now() + milliseconds{5 + random_.below(500)};
    auto request =
        post(std::string(random_.below(2) == 0 ? 10 : 300'000, 'r'), random_.below(2) == 0);
    c.id = client_.start(std::move(request), timeouts, c);
    under_way_[c.id] = &c;
    if (random_.below(4) == 0) disturb(c);
  }
  void disturb(call& c) {
    if (c.over || c.cancelled) ++told_after_cancel_;
    auto& other =
        *std::next(under_way_.begin(), static_cast<long>(random_.below(under_way_.size())))->second;
    switch (random_.below(8)) {
      case 0:
        cancel(other);
        break;
      case 1:
        cancel(c);
        break;
      case 2:
        client_.pause(other.id);
        break;
      case 3:
        client_.pause(c.id);
        client_.resume(c.id);
        break;
      default:
        client_.resume(other.id);
        break;
    }
  }
  void cancel(call& c) {
    if (c.over || c.cancelled) return;
    c.cancelled = true;
    client_.cancel(c.id);
    close(c);
  }
  void ended(call& c) {
    if (c.cancelled) ++told_after_cancel_;
    if (std::exchange(c.over, true)) ++ended_twice_;
    close(c);
  }
  void close(call& c) {
    under_way_.erase(c.id);
    start_one();
    start_one();
    if (--open_ == 0) finished_.set_value();
  }

  http_client& client_;
  random_source random_;
  int left_, open_ = 0;
  int ended_twice_ = 0, told_after_cancel_ = 0;
  std::vector<std::unique_ptr<call>> calls_;
  std::map<http_client::exchange_id, call*> under_way_;
  std::promise<void> finished_;
};

TEST_F(http_client_test, every_call_ends_once_whatever_server_and_caller_do) {
  constexpr std::uint64_t seed = 20261123;
  socket_server server(
      [](server_socket& s, int n) { misbehave(s, seed + static_cast<unsigned>(n)); });
  http_client_options options;
  options.connections_max = 8;
  const auto client = connect_to(server, options);
  auto calls = on_reactor([&] { return std::make_unique<chaos>(*client_, seed, 1500); });
  const auto came = calls->finished().wait_for(60s);
  ASSERT_EQ(came, std::future_status::ready);
  const auto after = on_reactor([&] { return client_->stats(); });
  EXPECT_EQ(calls->ended_twice(), 0);
  EXPECT_EQ(calls->told_after_cancel(), 0);
  EXPECT_EQ(after.waiting, 0u);
  EXPECT_EQ(after.open, after.idle);
  EXPECT_GT(after.reused, 0u);
}

}  // namespace
}  // namespace graphbit::test
