#include <graphbit/actors/graph_svg.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <graphbit/actors/timeline.hpp>

#include "src/graph_layout.hpp"

namespace graphbit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

workflow diamond() {
  workflow flow{"diamond"};
  for (const auto* name : {"a", "b <&>", "c", "d"}) {
    agent_spec spec;
    spec.prompt = "p";
    EXPECT_TRUE(flow.add_node(*node::agent(name, spec)));
  }
  const auto connect = [&](int from, int to) {
    EXPECT_TRUE(flow.connect(flow.nodes()[from]->id, flow.nodes()[to]->id));
  };
  connect(0, 1);
  connect(0, 2);
  connect(1, 3);
  connect(2, 3);
  return flow;
}

TEST(graph_layout_test, puts_nodes_one_column_beyond_their_parents) {
  const auto places = graph_layout(diamond());
  ASSERT_EQ(places.size(), 4u);
  EXPECT_EQ(places[0].column, 0u);
  EXPECT_EQ(places[1].column, 1u);
  EXPECT_EQ(places[2].column, 1u);
  EXPECT_NE(places[1].row, places[2].row);
  EXPECT_EQ(places[3].column, 2u);
}

TEST(graph_layout_test, ends_with_cycles) {
  auto flow = diamond();
  ASSERT_TRUE(flow.connect(flow.nodes()[3]->id, flow.nodes()[0]->id));
  EXPECT_EQ(graph_layout(flow).size(), 4u);
}

TEST(graph_svg_test, draws_nodes_and_arrows) {
  const auto svg = graph_svg(diamond());
  EXPECT_THAT(svg, AllOf(HasSubstr("<svg xmlns=\"http://www.w3.org/2000/svg\""),
                         HasSubstr("b &lt;&amp;&gt;"), HasSubstr("</svg>")));
  std::size_t arrows = 0;
  for (auto at = svg.find("class=\"edge\""); at != std::string::npos;
       at = svg.find("class=\"edge\"", at + 1))
    ++arrows;
  EXPECT_EQ(arrows, 4u);
  EXPECT_THAT(graph_svg(workflow{"empty"}), HasSubstr("no nodes yet"));
  EXPECT_THAT(graph_svg(diamond(), nullptr, 3), HasSubstr("4 nodes: too many to draw"));
}

TEST(graph_svg_test, shows_the_states_of_a_run) {
  auto record = std::make_shared<run_record>();
  record->flow = std::make_shared<const workflow>(diamond());
  record->nodes.resize(4);
  record->nodes[0].status = node_status::completed;
  record->nodes[1].status = node_status::failed;
  record->nodes[1].failure = network_error("unplugged");
  const run_result last(record);
  const auto svg = graph_svg(*record->flow, &last);
  EXPECT_THAT(svg, AllOf(HasSubstr("completed"), HasSubstr("failed"), HasSubstr("unplugged")));
  EXPECT_THAT(graph_svg(*record->flow), Not(HasSubstr("unplugged")));
}

TEST(timeline_trace_test, is_a_trace_that_perfetto_reads) {
  auto record = std::make_shared<run_record>();
  record->run_id = "r1";
  record->flow = std::make_shared<const workflow>(diamond());
  record->nodes.resize(4);
  record->started = time_point{} + seconds{100};
  record->ended = record->started + milliseconds{30};
  auto& node = record->nodes[0];
  node.status = node_status::completed;
  node.started = record->started + milliseconds{5};
  node.ended = record->started + milliseconds{25};
  llm_call_record call;
  call.model = "m";
  call.started = node.started;
  call.ended = node.ended;
  call.input.add_owned("swordfish");
  node.executions.emplace_back(std::move(call));
  const auto text = timeline_trace(run_result(record));
  EXPECT_THAT(text, Not(HasSubstr("swordfish")));
  const auto file = parse_json(text);
  ASSERT_TRUE(file);
  std::vector<std::string> spans;
  for (const auto& event : file->find("traceEvents")->as_array()) {
    EXPECT_EQ(event.find("pid")->as_double(), 1);
    if (event.string_or("ph") != "X") continue;
    spans.push_back(event.string_or("cat") + " " + event.string_or("name"));
    EXPECT_GE(event.find("dur")->as_double(), 20'000);
  }
  EXPECT_THAT(spans, ::testing::ElementsAre("run diamond", "node a", "model m"));
}

}  // namespace
}  // namespace graphbit
