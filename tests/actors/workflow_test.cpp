#include <graphbit/actors/workflow.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "value_of.hpp"

namespace graphbit {
namespace {

using ::testing::HasSubstr;

node agent(std::string name, std::string prompt = "p", std::string agent_id = {}) {
  auto n = node::agent(std::move(name), {.prompt = std::move(prompt), .agent_id = agent_id});
  EXPECT_TRUE(n.has_value());
  return *n;
}

std::string message_of(const expected<void>& e) { return e ? "" : e.error().message; }

TEST(NodeTest, ChecksArgumentsInTheContractsWords) {
  EXPECT_EQ(node::agent(" ", {.prompt = "p"}).error().message, "Name cannot be empty");
  EXPECT_EQ(node::agent("a", {.prompt = "\n"}).error().message, "Prompt cannot be empty");
  EXPECT_EQ(node::agent("a", {.prompt = "p", .model = {.temperature = 2.5}}).error().message,
            "Temperature must be between 0.0 and 2.0");
  EXPECT_EQ(node::agent("a", {.prompt = "p", .model = {.max_tokens = 0}}).error().message,
            "max_tokens must be greater than 0");
  EXPECT_EQ(node::agent("a", {.prompt = "p", .max_iterations = 101}).error().message,
            "max_iterations must be between 1 and 100");
  EXPECT_EQ(node::transform("", {.transformation = "trim"}).error().message,
            "Transform name cannot be empty");
  EXPECT_EQ(node::transform("t", {}).error().message, "Transform transformation cannot be empty");
  EXPECT_EQ(node::condition("", {.expression = "true"}).error().message,
            "Condition name cannot be empty");
  EXPECT_EQ(node::condition("c", {.expression = "a =="}).error().field, "expression");
}

TEST(NodeTest, AgentIdsAreUuids) {
  const std::string uuid = "6fa459ea-ee8a-3ca4-894e-db77e160355e";
  const auto id_of = [](const node& n) { return std::get<agent_spec>(n.spec).agent_id; };
  EXPECT_EQ(id_of(agent("a", "p", uuid)), uuid);
  EXPECT_EQ(id_of(agent("a", "p", "python.org")), "886313e1-3b8a-5372-9b90-0c9aee199e5d");
  EXPECT_NE(id_of(agent("a")), id_of(agent("a")));
}

TEST(NodeTest, ConfigShowsWhatWasGivenAndNoKey) {
  agent_spec spec{.prompt = "p"};
  provider_config provider;
  provider.provider = "openai";
  provider.api_key = secret("sk-very-secret-key");
  spec.model.provider = provider;
  spec.model.max_tokens = 5;
  const auto config = to_json(node::agent("a", spec)->config());
  EXPECT_THAT(config, HasSubstr("\"max_tokens\":5"));
  EXPECT_THAT(config, Not(HasSubstr("secret")));
  EXPECT_THAT(config, Not(HasSubstr("temperature")));
}

TEST(WorkflowTest, ConnectsByNameOrIdAndDropsRepeatedEdges) {
  workflow flow("w");
  const auto a = flow.add_node(agent("a"));
  const auto b = flow.add_node(agent("b"));
  ASSERT_TRUE(a && b);
  EXPECT_TRUE(flow.connect("a", "b").has_value());
  EXPECT_TRUE(flow.connect(*a, *b).has_value());
  EXPECT_EQ(flow.edges().size(), 1u);
  EXPECT_EQ(message_of(flow.connect("x", "b")), "Source node x not found");
  EXPECT_EQ(message_of(flow.connect("a", "y")), "Target node y not found");
  const std::string uuid = "6fa459ea-ee8a-3ca4-894e-db77e160355e";
  EXPECT_EQ(message_of(flow.connect(uuid, "b")), "Graph error: Source node " + uuid + " not found");
}

TEST(WorkflowTest, RefusesTheSameNodeTwiceAndCopiesShareNothingVisible) {
  workflow flow("w");
  const node a = agent("a");
  ASSERT_TRUE(flow.add_node(a).has_value());
  EXPECT_THAT(flow.add_node(a).error().message, HasSubstr("Graph error: Node already exists"));
  workflow copy = flow;
  ASSERT_TRUE(copy.add_node(agent("b")).has_value());
  EXPECT_EQ(flow.nodes().size(), 1u);
  EXPECT_EQ(copy.find("b"), 1u);
}

TEST(WorkflowTest, ValidatesInOrder) {
  workflow flow("w");
  EXPECT_TRUE(flow.validate().has_value()) << "an empty workflow passes";
  ASSERT_TRUE(flow.add_node(agent("a", "p", "same")).has_value());
  ASSERT_TRUE(flow.add_node(agent("a", "p", "same")).has_value());
  EXPECT_THAT(message_of(flow.validate()), HasSubstr("Duplicate agent_id detected."));
  ASSERT_TRUE(flow.connect("a", "a").has_value());
  EXPECT_EQ(message_of(flow.validate()), "Graph error: Workflow graph contains cycles");
}

TEST(WorkflowTest, UniqueNamesAreEnforcedWhenAskedFor) {
  workflow flow("w");
  ASSERT_TRUE(flow.add_node(agent("a")).has_value());
  ASSERT_TRUE(flow.add_node(agent("a")).has_value());
  EXPECT_TRUE(flow.validate().has_value());
  flow.set_metadata("enforce_unique_node_names", true);
  EXPECT_THAT(message_of(flow.validate()), HasSubstr("Duplicate node names not allowed"));
}

TEST(WorkflowTest, SuccessorsOfAConditionNeedDistinctNames) {
  workflow flow("w");
  const auto cond = flow.add_node(*node::condition("c", {.expression = "true"}));
  const auto one = flow.add_node(agent("x"));
  const auto two = flow.add_node(agent("x"));
  ASSERT_TRUE(flow.connect(*cond, *one) && flow.connect(*cond, *two));
  EXPECT_THAT(message_of(flow.validate()), HasSubstr("two direct successors named 'x'"));
}

constexpr std::string_view document = R"({
  "graphbit": 1, "name": "all kinds",
  "nodes": [
    {"type": "transform", "name": "parts", "transformation": "split", "argument": ","},
    {"type": "map", "name": "each", "prompt": "{item}", "join": "\n", "in_flight_max": 4},
    {"type": "condition", "name": "many", "expression": "length(parts) > 2"},
    {"type": "agent", "name": "last", "prompt": "sum up", "temperature": 0.5, "max_tokens": 9,
     "system_prompt": "s", "output_schema": {"type": "object"}, "on_failure": "skip",
     "llm_config": {"provider": "openai", "model": "gpt-4o-mini"},
     "tools": [{"name": "clock", "parameters": {"type": "object"}}]},
    {"type": "workflow", "name": "sub", "inputs": {"x": "{{node.last}}"},
     "workflow": {"name": "inner", "nodes": [{"type": "agent", "name": "i", "prompt": "{x}"}]}}
  ],
  "edges": [["parts", "each"], ["each", "many"], {"from": "many", "to": "last"}, ["last", "sub"]],
  "metadata": {"enforce_unique_node_names": true}
})";

callable_lookup clocks() {
  return [](const std::string& name) {
    callable c;
    if (name == "clock")
      c.call = [](const json_value&) -> expected<json_value> { return json_value("noon"); };
    return c;
  };
}

TEST(WorkflowJsonTest, ReadsAndWritesEveryKind) {
  const auto read = workflow::from_json(value_of(parse_json(document)), clocks());
  ASSERT_TRUE(read.has_value()) << describe(read.error());
  EXPECT_EQ(read->nodes().size(), 5u);
  EXPECT_EQ(read->edges().size(), 4u);
  EXPECT_TRUE(read->validate().has_value());
  const auto written = read->to_json();
  const auto again = workflow::from_json(written, clocks());
  ASSERT_TRUE(again.has_value()) << describe(again.error());
  // Ids and agent ids are kept within the file; the inner workflow's too.
  EXPECT_EQ(to_json(again->to_json()), to_json(written));
}

TEST(WorkflowJsonTest, ErrorsNameThePlace) {
  const auto error_of = [](std::string_view text) {
    const auto parsed = parse_json(text);
    EXPECT_TRUE(parsed.has_value()) << text;
    const auto read = workflow::from_json(*parsed, clocks());
    return read ? std::string("read") : read.error().field + ": " + read.error().message;
  };
  EXPECT_EQ(error_of(R"({"nodes": [{"type": "agent", "name": "a"}]})"),
            "nodes[0].prompt: Prompt cannot be empty");
  EXPECT_THAT(error_of(R"({"nodes": [{"type": "robot", "name": "a"}]})"),
              HasSubstr("nodes[0].type: must be agent"));
  EXPECT_EQ(error_of(R"({"nodes": [{"type": "agent", "name": "a", "promt": "x"}]})"),
            "nodes[0].promt: is not known here");
  EXPECT_THAT(error_of(R"({"nodes": [], "edges": [["a", "b"]]})"), HasSubstr("edges[0]"));
  EXPECT_THAT(error_of(R"({"nodes": {}})"), HasSubstr("nodes: must be a list"));
  EXPECT_THAT(error_of(R"({"nodes": [{"type": "agent", "name": "a", "prompt": "p",
                          "tools": [{"name": "hammer"}]}]})"),
              HasSubstr("nodes[0].tools[0].name: no such function"));
  EXPECT_THAT(error_of("[]"), HasSubstr("must be an object"));
}

TEST(WorkflowTest, DrawsItselfAsMermaid) {
  workflow flow("w");
  ASSERT_TRUE(flow.add_node(agent("say \"hi\"")).has_value());
  ASSERT_TRUE(flow.add_node(*node::condition("c", {.expression = "true"})).has_value());
  ASSERT_TRUE(flow.connect("say \"hi\"", "c").has_value());
  EXPECT_EQ(flow.to_mermaid(),
            "flowchart TD\n  n0[\"say #quot;hi#quot;\"]\n  n1{\"c\"}\n  n0 --> n1\n");
}

}  // namespace
}  // namespace graphbit
