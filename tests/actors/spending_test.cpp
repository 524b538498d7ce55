// Costs, and budgets that end a run, a batch or an executor.
#include <graphbit/actors/spending.hpp>

#include <graphbit/actors/batch.hpp>
#include <graphbit/actors/executor.hpp>
#include <graphbit/net/price_table.hpp>

#include "provider_fixture.hpp"

namespace graphbit {
namespace {

using testing::outcomes;

TEST(call_budget, refuses_at_its_limit_and_counts_in_its_parent) {
  auto all = std::make_shared<call_budget>(budget_limits{.max_total_tokens = 100});
  const auto part = call_budget::within(all, {.max_cost = 1.0});
  EXPECT_FALSE(part->refusal());
  part->book(0.5, 60);
  EXPECT_FALSE(part->refusal());
  part->book(0.5, 10);
  ASSERT_TRUE(part->refusal());
  EXPECT_TRUE(is_over_budget(*part->refusal()));
  EXPECT_FALSE(all->refusal());
  all->book(0, 30);
  EXPECT_TRUE(all->refusal());
  EXPECT_DOUBLE_EQ(all->cost(), 1.0);
  EXPECT_EQ(all->tokens(), 100u);
}

TEST(call_budget, without_limits_is_its_parent) {
  auto all = std::make_shared<call_budget>(budget_limits{});
  EXPECT_EQ(call_budget::within(all, {}), all);
  EXPECT_FALSE(all->limits_cost());
  EXPECT_TRUE(call_budget::within(all, {.max_cost = 1.0})->limits_cost());
}

class spending_test : public testing::provider_fixture {
 protected:
  void price(const std::string& model, double dollars_per_million) {
    const auto book = rt.service<price_book>();
    auto table = *book->current();
    table.set(model, {.input = dollars_per_million, .output = dollars_per_million});
    book->replace(std::move(table));
  }
};

TEST_F(spending_test, an_answer_says_what_it_cost) {
  price("test-model", 1'000'000);  // a dollar per token
  const auto answer = open(config()).complete(ask("how much?"));
  ASSERT_TRUE(answer);
  ASSERT_TRUE(answer->cost);
  EXPECT_DOUBLE_EQ(*answer->cost, answer->usage.total_tokens);
}

TEST_F(spending_test, an_unknown_price_is_no_cost) {
  const auto answer = open(config()).complete(ask("how much?"));
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->cost);
}

TEST_F(spending_test, calls_share_a_budget_until_it_is_spent) {
  const auto client = open(config());
  call_options options;
  options.budget = std::make_shared<call_budget>(budget_limits{.max_total_tokens = 1});
  const auto first = client.complete(ask("one"), options);
  ASSERT_TRUE(first);
  EXPECT_EQ(options.budget->tokens(), first->usage.total_tokens);
  const auto second = client.complete(ask("two"), options);
  ASSERT_FALSE(second);
  EXPECT_TRUE(is_over_budget(second.error()));
  EXPECT_EQ(second.error().attempts, 0u);
  EXPECT_EQ(requests(), 1u);
  EXPECT_EQ(client.stats().in_flight, 0u);
}

TEST_F(spending_test, a_cost_limit_needs_a_price) {
  call_options options;
  options.budget = std::make_shared<call_budget>(budget_limits{.max_cost = 1.0});
  const auto client = open(config());
  const auto refused = client.complete(ask("one"), options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "max_cost");
  price("test-model", 1);
  EXPECT_TRUE(client.complete(ask("one"), options));
}

// Feeds a batch 100 prompts and keeps what became of them.
class prompts final : public batch_listener {
 public:
  struct result {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<batch_outcome> outcomes;
    std::optional<batch_summary> summary;
  };
  explicit prompts(result& r) : result_(r) {}
  void on_wanted(std::size_t) override {}
  void on_outcome(batch_outcome outcome) override {
    const std::lock_guard guard(result_.mutex);
    result_.outcomes.push_back(std::move(outcome));
  }
  void on_done(const batch_summary& summary) override {
    const std::lock_guard guard(result_.mutex);
    result_.summary = summary;
    result_.changed.notify_all();
  }

 private:
  result& result_;
};

TEST_F(spending_test, a_batch_over_budget_keeps_what_is_finished_and_starts_no_more) {
  price("test-model", 1);
  prompts::result result;
  const auto job = batch::start(rt, open(config()), {.in_flight_max = 4, .max_total_tokens = 60},
                                std::make_unique<prompts>(result));
  ASSERT_TRUE(job);
  std::vector<batch_item> items;
  for (std::uint64_t i = 0; i < 100; ++i) items.push_back({.index = i, .request = ask("go on")});
  job->add(std::move(items));
  job->close();
  std::unique_lock guard(result.mutex);
  ASSERT_TRUE(
      result.changed.wait_for(guard, seconds{20}, [&] { return result.summary.has_value(); }));
  const auto& summary = *result.summary;
  EXPECT_EQ(result.outcomes.size(), 100u);
  EXPECT_GE(summary.succeeded, 1u);
  EXPECT_LT(summary.succeeded, 100u);
  EXPECT_GT(summary.not_started, 0u);
  ASSERT_TRUE(summary.stopped_by);
  EXPECT_TRUE(is_over_budget(*summary.stopped_by));
  EXPECT_GE(summary.prompt_tokens + summary.completion_tokens, 60u);
  EXPECT_NEAR(summary.cost, (summary.prompt_tokens + summary.completion_tokens) / 1e6, 1e-9);
}

TEST_F(spending_test, a_run_over_budget_keeps_its_finished_nodes) {
  workflow flow;
  for (const auto* name : {"first", "second"}) {
    agent_spec spec;
    spec.prompt = "go on";
    ASSERT_TRUE(flow.add_node(*node::agent(name, spec)));
  }
  ASSERT_TRUE(flow.connect("first", "second"));
  const auto own = executor::open(rt, config());
  ASSERT_TRUE(own);
  const auto result = own->execute(flow, {.max_total_tokens = 1});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->is_failed());
  EXPECT_TRUE(result->output_of("first"));
  ASSERT_TRUE(result->record().failure);
  EXPECT_TRUE(is_over_budget(*result->record().failure));
  EXPECT_GT(own->stats().total_tokens, 0u);
  EXPECT_TRUE(own->execute(flow)->is_success()) << "the executor itself has no limit";
  EXPECT_EQ(requests(), 3u);
}

TEST_F(spending_test, an_executor_over_budget_runs_no_more) {
  workflow flow;
  agent_spec spec;
  spec.prompt = "go on";
  ASSERT_TRUE(flow.add_node(*node::agent("only", spec)));
  const auto own = executor::open(rt, config(), {.max_total_tokens = 1});
  ASSERT_TRUE(own);
  EXPECT_TRUE(own->execute(flow)->is_success());
  const auto second = own->execute(flow);
  EXPECT_FALSE(second && second->is_success());
  EXPECT_EQ(requests(), 1u);
}

TEST_F(spending_test, the_cheapest_of_several_is_asked_first) {
  auto dear = config(), cheap = config(), unknown = config();
  dear.model = "dear";
  cheap.model = "cheap";
  unknown.model = "unknown";
  price("dear", 10);
  price("cheap", 1);
  provider_config routed;
  routed.routes = std::make_shared<const provider_routes>(
      provider_routes{route_strategy::cheapest, {unknown, dear, cheap}});
  const auto client = open(routed);
  for (int i = 0; i < 6; ++i) {
    const auto answer = client.complete(ask("who?"));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->model, "cheap");
  }
}

}  // namespace
}  // namespace graphbit
