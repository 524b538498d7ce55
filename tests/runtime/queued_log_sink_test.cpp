#include <graphbit/runtime/queued_log_sink.hpp>

#include <future>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace graphbit {
namespace {

TEST(queued_log_sink, a_sink_that_blocks_holds_nobody_up_and_what_is_dropped_is_counted) {
  std::promise<void> first_came, go_on;
  std::vector<std::string> told;
  {
    const auto sink = queued_log_sink(
        [&](const log_line& line) {
          told.emplace_back(line.text);
          if (told.size() > 1) return;
          first_came.set_value();
          go_on.get_future().wait();
        },
        5);
    sink({log_level::error, "test", "first"});
    first_came.get_future().wait();
    for (int i = 0; i < 20; ++i) sink({log_level::error, "test", std::to_string(i)});
    go_on.set_value();
  }  // the end of the sink waits for what is queued
  const std::vector<std::string> expected{
      "first", "15 log lines were dropped: the sink is too slow", "0", "1", "2", "3", "4"};
  EXPECT_EQ(told, expected);
}

TEST(queued_log_sink, lines_come_whole_and_a_sink_may_throw) {
  std::vector<std::string> told;
  {
    const auto sink = queued_log_sink([&](const log_line& line) {
      told.push_back(std::string(line.room) + " " + std::string(line.about.run_id) + " " +
                     std::to_string(line.about.attempt));
      throw 42;
    });
    {
      const std::string room = "service", run = "run-1";
      sink({log_level::info, room, "text", {.run_id = run, .attempt = 2}});
    }
    sink({log_level::info, "other", "text"});
  }
  EXPECT_EQ(told, (std::vector<std::string>{"service run-1 2", "other  0"}));
}

}  // namespace
}  // namespace graphbit
