#include <graphbit/actors/asio.hpp>

#include <thread>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include "service_fixture.hpp"

namespace graphbit {
namespace {

namespace asio = boost::asio;
using asio_calls = testing::service_fixture;

TEST_F(asio_calls, are_awaited_on_the_services_own_executor) {
  const auto client = open();
  const auto flows = executor::open(rt, config()).value();
  asio::io_context loop;
  bool at_home = true;
  std::string text;
  std::optional<expected<completion>> streamed;
  asio::co_spawn(
      loop,
      [&]() -> asio::awaitable<void> {
        const auto own_thread = std::this_thread::get_id();
        const auto first = co_await async_complete(client, ask("hi"), asio::use_awaitable);
        at_home = at_home && std::this_thread::get_id() == own_thread;
        EXPECT_TRUE(first);
        auto stream = completion_stream::open(client, ask("tell me"));
        while (const auto next = co_await async_next(stream, asio::use_awaitable)) {
          at_home = at_home && std::this_thread::get_id() == own_thread;
          text += *next;
        }
        streamed = stream.result();
        const auto run = co_await async_execute(flows, one_step(), asio::use_awaitable);
        EXPECT_TRUE(run.value().is_success());
        const auto none = co_await async_execute(flows, workflow("empty"), asio::use_awaitable);
        EXPECT_FALSE(none);
        at_home = at_home && std::this_thread::get_id() == own_thread;
      },
      asio::detached);
  loop.run();
  EXPECT_TRUE(at_home);
  ASSERT_TRUE(streamed && *streamed);
  EXPECT_EQ((*streamed)->content, text);
}

TEST_F(asio_calls, take_any_completion_token) {
  const auto client = open();
  EXPECT_TRUE(async_complete(client, ask("hi"), {}, asio::use_future).get());
  asio::io_context loop;
  std::optional<bool> ok;
  async_complete(client, ask("hi"), {},
                 asio::bind_executor(loop, [&](expected<completion> r) { ok = r.has_value(); }));
  loop.run();
  EXPECT_EQ(ok, true);
}

TEST_F(asio_calls, are_cancelled_by_a_stop_token) {
  behave(R"({"latency_ms": 60000})");
  const auto client = open();
  std::stop_source stop;
  auto waiting = async_complete(client, ask("hi"), {.stop = stop.get_token()}, asio::use_future);
  stop.request_stop();
  EXPECT_TRUE(waiting.get().error().cancelled);
}

}  // namespace
}  // namespace graphbit
