#include <graphbit/actors/completions.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <graphbit/runtime/limits.hpp>

#include "service_fixture.hpp"

namespace graphbit {
namespace {

using completions = testing::service_fixture;
constexpr auto patience = std::chrono::seconds(30);

// Waits for one value from another thread.
template <class T>
class mailbox {
 public:
  void put(T value) {
    const std::lock_guard guard(mutex_);
    value_ = std::move(value);
    changed_.notify_all();
  }
  [[nodiscard]] std::optional<T> take() {
    std::unique_lock guard(mutex_);
    changed_.wait_for(guard, patience, [this] { return value_.has_value(); });
    return std::exchange(value_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<T> value_;
};

TEST_F(completions, come_by_callback) {
  const auto client = open();
  mailbox<expected<completion>> got;
  start_completion(client, ask("hi"), {}, [&](expected<completion> r) { got.put(std::move(r)); });
  const auto answer = got.take();
  ASSERT_TRUE(answer && *answer);
  EXPECT_FALSE((*answer)->content.empty());
}

TEST_F(completions, come_by_future) {
  const auto client = open();
  auto one = completion_future(client, ask("one"));
  auto two = completion_future(client, ask("two", "You are brief."));
  auto vectors = embedding_future(client, {.inputs = {"a", "b"}});
  EXPECT_TRUE(one.get());
  EXPECT_TRUE(two.get());
  EXPECT_EQ(vectors.get().value().vectors.size(), 2u);
}

TEST_F(completions, a_run_comes_by_future_with_its_error) {
  const auto flows = executor::open(rt, config(), {.max_retries = 1}).value();
  EXPECT_TRUE(run_future(flows, one_step()).get().value().is_success());
  EXPECT_FALSE(run_future(flows, workflow("empty")).get());
  behave(R"({"wrong_keys": ["sk-wrong-key"], "required_key": "sk-right-key"})");
  const auto refused = run_future(flows, one_step()).get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::authentication);
}

TEST_F(completions, are_cancelled_by_handle_and_by_stop_token) {
  behave(R"({"latency_ms": 60000})");
  const auto client = open();
  mailbox<expected<completion>> got;
  const auto call = start_completion(client, ask("hi"), {},
                                     [&](expected<completion> r) { got.put(std::move(r)); });
  call.cancel();
  auto answer = got.take();
  ASSERT_TRUE(answer && !*answer);
  EXPECT_TRUE(answer->error().cancelled);

  std::stop_source stop;
  auto later = completion_future(client, ask("hi"), {.stop = stop.get_token()});
  stop.request_stop();
  EXPECT_TRUE(later.get().error().cancelled);
}

TEST_F(completions, end_at_their_deadline) {
  behave(R"({"latency_ms": 60000})");
  const auto client = open();
  const auto r =
      completion_future(client, ask("hi"), {.deadline_at = steady_clock::now() + milliseconds{50}})
          .get();
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, error_kind::timeout);
}

TEST_F(completions, a_callback_that_throws_harms_nobody) {
  const auto client = open();
  start_completion(client, ask("hi"), {},
                   [](expected<completion>) { throw std::runtime_error("x"); });
  start_completion(client, ask("hi"), {}, [](expected<completion>) { throw 42; });
  EXPECT_TRUE(completion_future(client, ask("hi")).get());
  const auto flows = executor::open(rt, config()).value();
  run_options loud;
  loud.on_event = [](const run_event&) { throw 42; };
  ASSERT_TRUE(flows.run(one_step(), loud, [](const run_result&) { throw 42; }));
  EXPECT_TRUE(flows.execute(one_step()).value().is_success());
}

TEST_F(completions, that_may_not_wait_fail_at_once_where_others_queue) {
  behave(R"({"latency_ms": 60000})");
  auto narrow = config();
  narrow.max_in_flight = 1;
  runtime single{{.reactors = 1}};  // each reactor has a slot at least
  const auto client = provider_client::open(single, narrow).value();
  std::stop_source stop;
  auto first = completion_future(client, ask("hi"), {.stop = stop.get_token()});
  while (client.counters().in_flight == 0) std::this_thread::yield();
  const auto second = try_complete(client, ask("hi"), {}, [](expected<completion>) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, error_kind::resource_exhausted);
  // The pipeline itself refuses, too, when the slot is taken a moment later.
  const auto third = completion_future(client, ask("hi"), {.never_wait = true}).get();
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().resource_type, "in_flight");
  stop.request_stop();
  EXPECT_FALSE(first.get());
}

TEST_F(completions, that_may_not_wait_are_sent_where_there_is_room) {
  const auto client = open();
  mailbox<expected<completion>> got;
  ASSERT_TRUE(
      try_complete(client, ask("hi"), {}, [&](expected<completion> r) { got.put(std::move(r)); }));
  EXPECT_TRUE(got.take().value());
}

TEST_F(completions, stream_text_by_text) {
  behave(R"({"chunk_count": 40})");
  const auto client = open();
  auto stream = completion_stream::open(client, ask("hi"));
  std::string text;
  std::size_t pieces = 0;
  while (const auto next = stream.next()) {
    text += *next;
    ++pieces;
  }
  EXPECT_GE(pieces, 2u);
  EXPECT_EQ(stream.result().value().content, text);
  EXPECT_FALSE(stream.next());
}

TEST_F(completions, a_stream_waits_for_a_slow_reader) {
  const std::size_t pieces = 40 * limits::stream_chunks_max;
  behave(R"({"chunk_count": )" + std::to_string(pieces) + R"(, "reply_bytes": 4000000})");
  const auto client = open();
  auto stream = completion_stream::open(client, ask("hi"));
  std::string text = stream.next().value();
  // Nobody reads: neither the end nor more than the buffer comes. What the kernel holds comes
  // later.
  std::this_thread::sleep_for(milliseconds{50});
  EXPECT_FALSE(stream.result());
  while (const auto next = stream.next()) text += *next;
  EXPECT_EQ(stream.result().value().content.size(), text.size());
}

// Few pieces, but more bytes than the buffer, the parser and the kernel hold together.
TEST_F(completions, a_stream_of_large_pieces_is_bounded_in_bytes) {
  behave(R"({"chunk_count": 80, "reply_bytes": 32000000})");
  const auto client = open();
  auto stream = completion_stream::open(client, ask("hi"));
  std::string text = stream.next().value();
  std::this_thread::sleep_for(milliseconds{50});
  EXPECT_FALSE(stream.result());
  while (const auto next = stream.next()) text += *next;
  EXPECT_EQ(stream.result().value().content.size(), text.size());
}

TEST_F(completions, a_dropped_stream_cancels_its_call) {
  behave(R"({"chunk_count": 100000, "chunk_interval_ms": 10})");
  const auto client = open();
  {
    auto stream = completion_stream::open(client, ask("hi"));
    ASSERT_TRUE(stream.next());
    auto moved = std::move(stream);
    ASSERT_TRUE(moved.next());
  }
  const auto until = steady_clock::now() + patience;
  while (client.counters().cancelled == 0 && steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(client.counters().cancelled, 1u);
}

TEST_F(completions, a_broken_stream_ends_with_its_error) {
  behave(R"({"chunk_count": 20, "fault_reset_mid": 1})");
  const auto client = open();
  auto stream = completion_stream::open(client, ask("hi"));
  while (stream.next()) {
  }
  const auto result = stream.result();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, error_kind::network);
}

// The least coroutine there is: runs at once, and is gone at its end.
struct fire_and_forget {
  struct promise_type {
    fire_and_forget get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

fire_and_forget converse(provider_client client, mailbox<std::string>& got) {
  const auto first = co_await answer(client, ask("hi"));
  if (!first) co_return got.put("failed");
  auto stream = completion_stream::open(client, ask(first->content));
  std::string text;
  while (const auto next = co_await stream.next_text()) text += *next;
  got.put(text == stream.result().value().content ? "streamed" : text);
}

TEST_F(completions, are_awaited_in_any_coroutine) {
  mailbox<std::string> got;
  converse(open(), got);
  EXPECT_EQ(got.take(), "streamed");
}

TEST_F(completions, a_function_that_throws_fails_its_node) {
  const auto flows = executor::open(rt, config()).value();
  const auto throwing = [](auto thrown) {
    return callable{.name = "broken",
                    .call = [thrown](const json_value&) -> expected<json_value> { throw thrown; }};
  };
  for (const auto& function : {throwing(std::runtime_error("no such file")), throwing(42)}) {
    const auto result = flows.execute(one_function(function)).value();
    EXPECT_FALSE(result.is_success());
    EXPECT_NE(result.state_text().find("broken"), std::string::npos) << result.state_text();
  }
}

TEST_F(completions, a_node_is_a_function_of_the_service) {
  const auto flows = executor::open(rt, config()).value();
  const callable twice{.name = "twice",
                       .call = [](const json_value&) -> expected<json_value> { return {"done"}; },
                       .blocking = false};
  const auto result = flows.execute(one_function(twice)).value();
  EXPECT_EQ(result.output_of("only").value_or(""), "done");
}

}  // namespace
}  // namespace graphbit
