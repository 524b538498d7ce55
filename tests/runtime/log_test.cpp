#include <graphbit/runtime/log.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <graphbit/runtime/json_value.hpp>

namespace graphbit {
namespace {

using testing::HasSubstr;

constexpr auto noon = std::chrono::system_clock::time_point{} + std::chrono::hours{12};

TEST(log_test, names_what_a_line_is_about) {
  const log_line line{log_level::warn, "net", "it\nbroke", {"run 1", "plan", "ab12", 2}, noon};
  EXPECT_EQ(format_log_line(line, log_format::text),
            "1970-01-01T12:00:00.000Z [warn] net: it broke run_id=\"run 1\" node=plan"
            " request_id=ab12 attempt=2");
  const auto json = parse_json(format_log_line(line, log_format::json));
  ASSERT_TRUE(json);
  EXPECT_EQ(json->string_or("time"), "1970-01-01T12:00:00.000Z");
  EXPECT_EQ(json->string_or("level"), "warn");
  EXPECT_EQ(json->string_or("room"), "net");
  EXPECT_EQ(json->string_or("message"), "it\nbroke");
  EXPECT_EQ(json->string_or("run_id"), "run 1");
  EXPECT_EQ(json->string_or("node"), "plan");
  EXPECT_EQ(json->string_or("request_id"), "ab12");
  EXPECT_EQ(json->find("attempt")->as_double(), 2);
}

TEST(log_test, leaves_out_what_is_not_known) {
  const log_line line{log_level::error, "actors", "it broke", {}, noon};
  EXPECT_EQ(format_log_line(line, log_format::text),
            "1970-01-01T12:00:00.000Z [error] actors: it broke");
  EXPECT_EQ(format_log_line(line, log_format::json),
            R"({"time":"1970-01-01T12:00:00.000Z","level":"error","room":"actors",)"
            R"("message":"it broke"})");
}

TEST(log_test, hands_lines_of_enabled_levels_to_its_sink) {
  std::vector<std::string> seen;
  set_log_sink([&](const log_line& line) {
    seen.push_back(std::string(line.text) + " " + std::string(line.about.node));
  });
  set_log_level(log_level::info);
  log(log_level::info, "runtime", "heard", {.node = "a"});
  log(log_level::debug, "runtime", "not heard");
  set_log_level(log_level::warn);
  set_log_sink({});
  EXPECT_THAT(seen, testing::ElementsAre("heard a"));
}

TEST(log_test, appends_to_a_file) {
  const std::string path = testing::TempDir() + "graphbit_log_test.log";
  std::remove(path.c_str());
  ASSERT_TRUE(set_log_file(path));
  log(log_level::error, "runtime", "kept");
  ASSERT_TRUE(set_log_file(""));
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(text, HasSubstr("[error] runtime: kept\n"));
  std::remove(path.c_str());
}

TEST(log_test, says_which_file_cannot_be_written) {
  const auto refused = set_log_file("/proc/no/such/file");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::configuration);
  EXPECT_EQ(refused.error().field, "log_file");
}

TEST(log_test, knows_levels_by_name) {
  EXPECT_EQ(log_level_from("debug"), log_level::debug);
  EXPECT_EQ(log_level_from("loud"), log_level::warn);
  EXPECT_EQ(to_string(log_level::off), "off");
}

}  // namespace
}  // namespace graphbit
