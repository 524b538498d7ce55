// The parts of durable runs that are pure: names, hashes, records, replay.
#include <gtest/gtest.h>

#include "src/graph_identity.hpp"
#include "src/owner_name.hpp"
#include "src/record_json.hpp"
#include "src/record_key.hpp"
#include "src/run_replay.hpp"
#include "value_of.hpp"

namespace graphbit {
namespace {

workflow flow_of(std::initializer_list<node> nodes) {
  workflow flow("test");
  for (const node& n : nodes) EXPECT_TRUE(flow.add_node(n).has_value());
  return flow;
}

node agent(const char* name, const char* prompt) { return *node::agent(name, {.prompt = prompt}); }

TEST(RecordKey, NamesNodesByNameAndTellsEqualNamesApart) {
  const auto keys = node_keys(flow_of({agent("a/b", "1"), agent("x#1", "2"), agent("x#1", "3")}));
  EXPECT_EQ(keys, (std::vector<std::string>{"a%2Fb", "x%231", "x%231#2"}));
}

TEST(GraphIdentity, DoesNotDependOnIds) {
  const auto one = flow_of({agent("a", "1"), agent("b", "2")});
  const auto other = flow_of({agent("a", "1"), agent("b", "2")});
  EXPECT_NE(one.nodes()[0]->id, other.nodes()[0]->id);
  EXPECT_EQ(graph_hash(graph_identity(one)), graph_hash(graph_identity(other)));
  EXPECT_EQ(graph_difference(graph_identity(one), graph_identity(other)), "");
}

TEST(GraphIdentity, NamesWhatDiffers) {
  auto before = flow_of({agent("a", "1"), agent("b", "2")});
  auto after = flow_of({agent("a", "one"), agent("c", "3")});
  ASSERT_TRUE(before.connect("a", "b").has_value());
  ASSERT_TRUE(after.connect("a", "c").has_value());
  EXPECT_EQ(graph_difference(graph_identity(before), graph_identity(after)),
            "node 'a' changed (prompt); node 'b' is gone; node 'c' is new; connection a -> b is "
            "gone; connection a -> c is new");
}

TEST(GraphIdentity, SeesInsideSubWorkflows) {
  const auto with = [](const char* prompt) {
    sub_workflow_spec sub;
    sub.flow = std::make_shared<const workflow>(flow_of({agent("inner", prompt)}));
    return flow_of({*node::sub_workflow("sub", sub)});
  };
  EXPECT_EQ(graph_hash(graph_identity(with("1"))), graph_hash(graph_identity(with("1"))));
  EXPECT_NE(graph_hash(graph_identity(with("1"))), graph_hash(graph_identity(with("2"))));
}

TEST(RecordJson, ANodesResultComesBackWhole) {
  const auto now = steady_clock::now();
  const run_calendar calendar(std::chrono::system_clock::now(), now);
  node_result result;
  result.status = node_status::completed;
  result.started = now;
  result.ended = now + milliseconds{25};
  result.exit_reason = "completed";
  llm_call_record call;
  call.output = node_output::from_answer(R"({"a":[1,"zwei \"ä\""]})");
  call.id = "id";
  call.model = "m";
  call.usage = {.prompt_tokens = 3,
                .completion_tokens = 4,
                .total_tokens = 7,
                .cache_read_tokens = 2,
                .cache_creation_tokens = {},
                .reasoning_tokens = {}};
  call.cost = 0.125;
  call.attempts = 2;
  call.finish.type = finish_reason::kind::length;
  call.tool_calls = {{"1", "look", R"({"x":1})"}};
  result.output = call.output;
  result.executions.emplace_back(call);
  result.executions.emplace_back(tool_call_record{{"1", "look", "{}"}, "found", true, now, now});

  const auto body = parse_json(node_body(result, calendar));
  ASSERT_TRUE(body.has_value());
  node_result again;
  read_node_body(*body, calendar, again);
  EXPECT_EQ(again.status, result.status);
  EXPECT_EQ(again.output.json(), result.output.json());
  EXPECT_EQ(again.exit_reason, "completed");
  ASSERT_EQ(again.executions.size(), 2u);
  const auto& read = std::get<llm_call_record>(again.executions[0]);
  EXPECT_EQ(read.output.text(), call.output.text());
  EXPECT_EQ(read.usage, call.usage);
  EXPECT_EQ(read.cost, call.cost);
  EXPECT_EQ(read.attempts, 2u);
  EXPECT_EQ(read.finish, call.finish);
  EXPECT_EQ(read.tool_calls, call.tool_calls);
  EXPECT_EQ(std::get<tool_call_record>(again.executions[1]).output, "found");
  EXPECT_EQ(body->find("calls")->as_array()[0].find("answer"), nullptr)
      << "the output is kept once";
}

TEST(RecordJson, ErrorsComeBackWithTheirFields) {
  error e = timeout_error("connect", milliseconds{100}, "too late");
  e.provider = "openai";
  e.status = 504;
  e.attempts = 3;
  e.retry_after = milliseconds{1'500};
  const error read = read_error(value_of(parse_json(error_body(e))));
  EXPECT_EQ(read.kind, e.kind);
  EXPECT_EQ(read.message, e.message);
  EXPECT_EQ(read.operation, "connect");
  EXPECT_EQ(read.duration, e.duration);
  EXPECT_EQ(read.provider, "openai");
  EXPECT_EQ(read.retry_after, e.retry_after);
}

TEST(RecordJson, NumbersThatNobodyCanMeanStayWithinTheirBounds) {
  const run_calendar calendar(std::chrono::system_clock::now(), steady_clock::now());
  const auto damaged =
      value_of(parse_json(R"({"started":18446744073709551615, "ended":9e99, "calls":[
    {"finish":300, "attempts":4294967297, "usage":{"in":18446744073709551615},
     "error":{"kind":"rate_limit", "status":4294967295, "retry_after_ms":9223372036854775807}}]})"));
  node_result read;
  read_node_body(damaged, calendar, read);
  EXPECT_GT(read.started, steady_clock::now());
  const auto& call = std::get<llm_call_record>(read.executions.at(0));
  EXPECT_EQ(call.finish.type, finish_reason::kind::other);
  EXPECT_EQ(call.attempts, std::numeric_limits<std::uint32_t>::max());
  EXPECT_EQ(call.usage.prompt_tokens, std::numeric_limits<std::uint32_t>::max());
  EXPECT_EQ(call.failure->status, 999);
  EXPECT_GT(call.failure->retry_after.value() + duration(1), duration(0));
  const auto written = node_body(read, calendar);
  node_result again;
  read_node_body(value_of(parse_json(written)), calendar, again);
  EXPECT_EQ(node_body(again, calendar), written);
}

journal_record record(journal_kind kind, std::string key, std::string body = {}) {
  return {0, kind, std::move(key), std::move(body), wall_time(milliseconds{5})};
}

TEST(RunReplay, KnowsWhatHasEndedAndWhatWasForgotten) {
  const std::vector<journal_record> records{
      record(journal_kind::claimed, ""),
      record(journal_kind::node_ended, "a", R"({"status":"completed"})"),
      record(journal_kind::node_ended, "b", R"({"status":"failed"})"),
      record(journal_kind::call_answered, "b#call:1", "{}"),
      record(journal_kind::signal, "go", "1"),
      record(journal_kind::signal, "go", "2"),
      record(journal_kind::forgotten, "b"),
  };
  const run_replay replay(records);
  EXPECT_NE(replay.node("a"), nullptr);
  EXPECT_EQ(replay.node("b"), nullptr);
  EXPECT_NE(replay.effect("b#call:1"), nullptr) << "what was answered inside it still counts";
  ASSERT_EQ(replay.signals().size(), 1u);
  EXPECT_EQ(replay.signals()[0].second, "1") << "the first counts";
  EXPECT_EQ(replay.began(), wall_time(milliseconds{5}));
}

TEST(RunReplay, ACancelRequestCountsUntilTheRunHasEnded) {
  std::vector<journal_record> records{record(journal_kind::cancel_request, "")};
  EXPECT_TRUE(run_replay(records).cancel_requested());
  records.push_back(record(journal_kind::run_ended, "cancelled"));
  EXPECT_FALSE(run_replay(records).cancel_requested());
}

TEST(OwnerName, KnowsTheLivingFromTheDead) {
  const std::string own = make_owner_name();
  EXPECT_NE(own, make_owner_name());
  EXPECT_FALSE(owner_is_gone(own));
  EXPECT_FALSE(owner_is_gone("another/machine/1/2/3"));
  EXPECT_FALSE(owner_is_gone("anything"));
  // The same process id at another start time: the one that is meant has ended.
  std::string dead = own.substr(0, own.rfind('/'));
  dead = dead.substr(0, dead.rfind('/')) + "/1/ffffffff";
  EXPECT_TRUE(owner_is_gone(dead));
}

}  // namespace
}  // namespace graphbit
