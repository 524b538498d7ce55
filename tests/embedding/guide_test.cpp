// Every piece of code in docs/cpp_guide.md and docs/migration.md, compiled and run.
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <iostream>
#include <thread>

#include <graphbit/actors/actor_interfaces.hpp>
#include <graphbit/actors/asio.hpp>
#include <graphbit/net/custom_provider.hpp>
#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/queued_log_sink.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "service_fixture.hpp"

namespace graphbit {
namespace {

using guide = testing::service_fixture;
namespace asio = boost::asio;

TEST_F(guide, first_answer) {
  const auto config = this->config();
  graphbit::runtime rt;
  const auto client = graphbit::provider_client::open(rt, config).value();
  const auto answer = client.complete(graphbit::ask("Name three facts on the sea."));
  if (answer)
    std::cerr << answer->content << '\n';
  else
    std::cerr << describe(answer.error()) << '\n';
  EXPECT_TRUE(answer);
}

TEST_F(guide, ways_to_wait) {
  const auto client = open();
  std::atomic<bool> called{false};
  graphbit::start_completion(client, graphbit::ask("by callback"), {},
                             [&](graphbit::expected<graphbit::completion> answer) {
                               // on a reactor's thread: hand it on, do not block
                               called = answer.has_value();
                             });
  auto future = graphbit::completion_future(client, graphbit::ask("by future"));
  const auto answer = future.get();
  auto stream = graphbit::completion_stream::open(client, graphbit::ask("by stream"));
  while (const auto text = stream.next()) std::cerr << *text;
  EXPECT_TRUE(answer);
  EXPECT_TRUE(stream.result());
  while (!called) std::this_thread::yield();
}

TEST_F(guide, on_asio) {
  const auto client = open();
  asio::io_context loop;
  std::string text;
  const auto converse = [&]() -> asio::awaitable<void> {
    const auto answer =
        co_await graphbit::async_complete(client, graphbit::ask("hi"), asio::use_awaitable);
    text = answer ? answer->content : describe(answer.error());
  };
  asio::co_spawn(loop, converse, asio::detached);
  loop.run();
  EXPECT_FALSE(text.empty());
}

TEST_F(guide, deadline_and_cancellation) {
  behave(R"({"latency_ms": 60000})");
  const auto client = open();
  graphbit::call_options options;
  options.deadline_at = graphbit::steady_clock::now() + std::chrono::milliseconds(20);
  const auto late = client.complete(graphbit::ask("hi"), options);  // Timeout
  std::stop_source stop;
  auto future =
      graphbit::completion_future(client, graphbit::ask("hi"), {.stop = stop.get_token()});
  stop.request_stop();
  EXPECT_EQ(late.error().kind, graphbit::error_kind::timeout);
  EXPECT_TRUE(future.get().error().cancelled);
}

TEST_F(guide, workflows) {
  const auto config = this->config();
  graphbit::workflow flow("report");
  flow.add_node(graphbit::node::agent("facts", {.prompt = "Three facts on {topic}."}).value())
      .value();
  flow.add_node(graphbit::node::agent("story", {.prompt = "Tell a story from these."}).value())
      .value();
  if (!flow.connect("facts", "story")) return;  // a node that is not there

  const auto flows = graphbit::executor::open(rt, config).value();
  graphbit::run_options options;
  options.inputs.set("topic", "the sea");
  const auto result = flows.execute(flow, options);  // waits
  if (result) std::cerr << result->output_of("story").value_or(result->state_text()) << '\n';

  options.stream_tokens = true;
  options.on_event = [](const graphbit::run_event& event) {
    if (event.kind == graphbit::run_event_kind::token) std::cerr << event.text;
  };
  auto future = graphbit::run_future(flows, flow, options);
  EXPECT_TRUE(result.value().is_success());
  EXPECT_TRUE(future.get().value().is_success());
}

TEST_F(guide, own_actor_system) {
  caf::actor_system_config settings;
  graphbit::add_message_types(settings);
  caf::actor_system system{settings};
  graphbit::runtime rt{system, {}};  // ends before the system does
  EXPECT_TRUE(graphbit::provider_client::open(rt, config()));
}

TEST_F(guide, tools_and_nodes) {
  const graphbit::callable lookup{
      .name = "lookup",
      .call =
          [](const graphbit::json_value& arguments) -> graphbit::expected<graphbit::json_value> {
        return graphbit::json_value("weather in " + arguments.string_or("city"));
      },
      .timeout = std::chrono::seconds(5)};
  graphbit::agent_spec agent{.prompt = "What is the weather in {city}?"};
  agent.tools.push_back(
      {.spec = {.name = "lookup", .description = "The weather of a city"}, .function = lookup});
  graphbit::workflow flow("weather");
  EXPECT_TRUE(flow.add_node(graphbit::node::agent("ask", agent).value()));
  EXPECT_TRUE(flow.add_node(
      graphbit::node::transform("count",
                                {.function = {.name = "count",
                                              .call =
                                                  [](const graphbit::json_value& a) {
                                                    return graphbit::expected<graphbit::json_value>(
                                                        a.string_or("input").size());
                                                  }}})
          .value()));
  EXPECT_TRUE(flow.connect("ask", "count"));
  const auto flows = graphbit::executor::open(rt, config()).value();
  graphbit::run_options options;
  options.inputs.set("city", "Hamburg");
  EXPECT_TRUE(flows.execute(flow, options).value().is_success());
}

TEST_F(guide, log_sink) {
  const auto lines = std::make_shared<std::atomic<int>>(0);
  graphbit::set_log_sink(
      graphbit::queued_log_sink([lines](const graphbit::log_line&) { ++*lines; }));
  graphbit::log(graphbit::log_level::error, "service", "a line");
  graphbit::set_log_sink({});  // waits until the queue is empty
  EXPECT_EQ(*lines, 1);
}

TEST_F(guide, reactor_threads) {
  std::atomic<int> started{0};
  graphbit::runtime_options options;
  options.reactors = 2;
  options.reactor_started = [&](std::size_t index) {  // on that thread
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(index, &cpus);
    pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
    ++started;
  };
  { graphbit::runtime rt{options}; }
  EXPECT_EQ(started, 2);
}

}  // namespace
}  // namespace graphbit
