#include <graphbit/actors/timeline.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace graphbit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::shared_ptr<run_record> record_of(std::initializer_list<const char*> names) {
  workflow flow("a <flow>");
  for (const char* name : names)
    EXPECT_TRUE(flow.add_node(*node::agent(name, {.prompt = "p"})).has_value());
  auto record = std::make_shared<run_record>();
  record->flow = std::make_shared<const workflow>(flow);
  record->nodes.resize(names.size());
  record->run_id = "run-1";
  record->state = run_state::failed;
  record->started = time_point{} + seconds{10};
  record->ended = record->started + milliseconds{400};
  return record;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(TimelineTest, OneBarPerNodeColouredByStatusAndEscaped) {
  const auto record = record_of({"first & <best>", "second", "third"});
  record->nodes[0].status = node_status::completed;
  record->nodes[0].started = record->started;
  record->nodes[0].ended = record->started + milliseconds{100};
  record->nodes[1].status = node_status::failed;
  record->nodes[1].started = record->started + milliseconds{100};
  record->nodes[1].ended = record->ended;
  record->nodes[1].failure = network_error("refused");
  record->nodes[2].status = node_status::skipped;
  record->nodes[2].why = "node 'second', which it needs, failed";
  const auto svg = timeline_svg(run_result(record));
  EXPECT_EQ(count(svg, "<g>"), 3u);
  EXPECT_THAT(svg, HasSubstr("first &amp; &lt;best&gt;"));
  EXPECT_THAT(svg, HasSubstr("a &lt;flow&gt;: Failed in 400 ms"));
  EXPECT_THAT(svg, HasSubstr("refused"));
  EXPECT_LT(svg.find("first &amp;"), svg.find("third"));
  EXPECT_THAT(svg, Not(HasSubstr("href"))) << "self-contained";
}

TEST(TimelineTest, SaysWhatIsLeftOut) {
  const auto record = record_of({"a", "b", "c"});
  const auto svg = timeline_svg({run_result(record), run_result(record)}, 4);
  EXPECT_EQ(count(svg, "<g>"), 4u);
  EXPECT_THAT(svg, HasSubstr("and 2 more nodes, not shown"));
  EXPECT_THAT(svg, HasSubstr("Timeline of 2 runs"));
  EXPECT_THAT(timeline_svg(std::vector<run_result>{}), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace graphbit
