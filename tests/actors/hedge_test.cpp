// Second attempts beside slow ones, against a server whose first attempts can be held back.
#include <graphbit/actors/provider_client.hpp>

#include <atomic>
#include <mutex>
#include <thread>

#include <graphbit/net/http_server.hpp>

#include "provider_fixture.hpp"

namespace graphbit {
namespace {

using testing::outcomes;

constexpr std::string_view answer_body =
    R"({"id":"a","object":"chat.completion","model":"m","choices":[{"index":0,"message":)"
    R"({"role":"assistant","content":"yes"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}})";
constexpr std::string_view first_chunk =
    "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
    "{\"content\":\"ye\"}}]}\n\n";
constexpr std::string_view last_chunks =
    "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"s\"},"
    "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

class hedge_test : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server.start()); }
  void TearDown() override {
    rt.shutdown();
    server.stop();
  }

  [[nodiscard]] provider_client open(bool hedge) {
    provider_config c;
    c.provider = "openai_compatible";
    c.base_url = server.url() + "/v1";
    c.model = "m";
    c.hedge = hedge;
    return *provider_client::open(rt, c);
  }
  [[nodiscard]] static chat_request ask() {
    chat_request r;
    r.messages.push_back({.role = chat_role::user, .text = "yes?"});
    return r;
  }
  [[nodiscard]] static call_options patient() {
    call_options options;
    options.deadline_at = steady_clock::now() + seconds{20};
    return options;
  }
  // As many answers as hedging wants to see before it begins.
  static void train(const provider_client& client, bool stream) {
    for (int i = 0; i < 50; ++i) {
      outcomes all;
      client.submit(ask(), {}, all.next(), stream);
      ASSERT_TRUE(all.wait_for(1));
      ASSERT_TRUE(all.results().front());
    }
    ASSERT_EQ(client.counters().hedges, 0u);
  }
  [[nodiscard]] bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 5000 && !holds(); ++i) std::this_thread::sleep_for(milliseconds{1});
    return holds();
  }

  // What the server does with a first attempt, and then with its hedge when both are there.
  enum class plan { answer, hold_first, answer_first, reset_first, fail_both, speak_then_hold };
  std::atomic<plan> now{plan::answer};
  std::atomic<int> abandoned{0};
  std::mutex mutex;
  std::vector<std::string> keys;

 private:
  void serve(http_exchange e) {
    const std::string key(e.request().header("idempotency-key"));
    const bool hedge = key.ends_with("-h");
    {
      const std::lock_guard guard(mutex);
      keys.push_back(key);
    }
    e.on_over([this](bool answered) { abandoned += answered ? 0 : 1; });
    if (now == plan::answer) return answer(e);
    if (now == plan::speak_then_hold) return speak_slowly(e);
    if (!hedge) {
      held_.push_back(e);
      return;
    }
    switch (now) {
      case plan::answer_first:
        return answer(held_.back());
      case plan::reset_first:
        held_.back().reset();
        return e.after(milliseconds{30}, [this, e] { answer(e); });
      case plan::fail_both:
        now = plan::answer;
        held_.back().respond(500, "application/json", "{}");
        return e.respond(500, "application/json", "{}");
      default:
        return answer(e);
    }
  }
  static void answer(const http_exchange& e) {
    if (e.request().body().find("\"stream\":true") == std::string::npos)
      return e.respond(200, "application/json", answer_body);
    e.begin(200, "text/event-stream");
    e.write(first_chunk);
    e.write(last_chunks);
    e.end();
  }
  static void speak_slowly(const http_exchange& e) {
    e.begin(200, "text/event-stream");
    e.write(first_chunk);
    e.after(milliseconds{300}, [e] {
      e.write(last_chunks);
      e.end();
    });
  }

  std::vector<http_exchange> held_;
  http_server server{{}, [this](http_exchange e) { serve(std::move(e)); }};
  runtime rt{{.worker_threads = 2, .reactors = 1}};
};

TEST_F(hedge_test, overtakes_a_slow_first_attempt_and_cancels_it_on_the_wire) {
  const auto client = open(true);
  train(client, false);
  now = plan::hold_first;
  const auto result = client.complete(ask(), patient());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->content, "yes");
  EXPECT_EQ(result->attempts, 2u);
  EXPECT_TRUE(eventually([&] { return abandoned == 1; }));
  const auto stats = client.stats();
  EXPECT_EQ(stats.hedges, 1u);
  EXPECT_EQ(stats.hedges_won, 1u);
  EXPECT_EQ(stats.retries, 0u);
  EXPECT_EQ(stats.in_flight, 0u);
  const std::lock_guard guard(mutex);
  ASSERT_EQ(keys.size(), 52u);
  EXPECT_EQ(keys[51], keys[50] + "-h");
}

TEST_F(hedge_test, is_off_by_default) {
  const auto client = open(provider_config{}.hedge);
  train(client, false);
  now = plan::hold_first;
  auto options = patient();
  options.deadline_at = steady_clock::now() + milliseconds{200};
  const auto result = client.complete(ask(), options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, error_kind::timeout);
  EXPECT_EQ(client.stats().hedges, 0u);
}

TEST_F(hedge_test, that_loses_is_cancelled) {
  const auto client = open(true);
  train(client, false);
  now = plan::answer_first;
  const auto result = client.complete(ask(), patient());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(eventually([&] { return abandoned == 1; }));
  EXPECT_EQ(client.stats().hedges, 1u);
  EXPECT_EQ(client.stats().hedges_won, 0u);
}

TEST_F(hedge_test, stands_in_for_a_first_attempt_that_fails) {
  const auto client = open(true);
  train(client, false);
  now = plan::reset_first;
  const auto result = client.complete(ask(), patient());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->attempts, 2u);
  EXPECT_EQ(client.stats().retries, 0u);
}

TEST_F(hedge_test, and_first_attempt_that_both_fail_are_one_retry) {
  const auto client = open(true);
  train(client, false);
  now = plan::fail_both;
  const auto result = client.complete(ask(), patient());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(client.stats().retries, 1u);
  EXPECT_EQ(client.stats().hedges, 1u);
  EXPECT_EQ(result->attempts, 3u);
}

TEST_F(hedge_test, overtakes_a_stream_that_has_not_spoken) {
  const auto client = open(true);
  train(client, true);
  now = plan::hold_first;
  outcomes all;
  client.submit(ask(), patient(), all.next(), true);
  ASSERT_TRUE(all.wait_for(1));
  ASSERT_TRUE(all.results().front()) << all.results().front().error().message;
  EXPECT_EQ(all.text(), "yes");
  EXPECT_EQ(client.stats().hedges_won, 1u);
}

TEST_F(hedge_test, leaves_a_stream_alone_that_has_spoken) {
  const auto client = open(true);
  train(client, true);
  now = plan::speak_then_hold;
  outcomes all;
  client.submit(ask(), patient(), all.next(), true);
  ASSERT_TRUE(all.wait_for_text());
  const auto hedges = client.stats().hedges;  // one may have gone out before the first text
  ASSERT_TRUE(all.wait_for(1));
  ASSERT_TRUE(all.results().front());
  EXPECT_EQ(all.text(), "yes");
  EXPECT_EQ(client.stats().hedges, hedges);
}

TEST_F(hedge_test, of_a_cancelled_call_is_cancelled_with_it) {
  const auto client = open(true);
  train(client, false);
  now = plan::hold_first;
  outcomes all;
  const auto id = client.submit(ask(), patient(), all.next());
  client.cancel(id);
  ASSERT_TRUE(all.wait_for(1));
  const auto result = all.results().front();
  EXPECT_TRUE(result || result.error().cancelled);
  EXPECT_TRUE(eventually([&] { return client.counters().in_flight == 0; }));
}

}  // namespace
}  // namespace graphbit
