#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include <graphbit/runtime/random.hpp>

#include "store_place.hpp"
#include "value_of.hpp"

namespace graphbit {
namespace {

using namespace std::chrono_literals;

// Long enough that it never ends within a test, and so short that it has ended at the next look.
const run_lease mine{"owner-a", 1h};
const run_lease theirs{"owner-b", 1h};
const run_lease brief_lease{"owner-a", 1ms};

/// What every store of durable runs does, whatever it is made of.
class run_store_conformance : public ::testing::TestWithParam<store_kind> {
 protected:
  void SetUp() override {
    if (const auto why = GetParam().missing(); !why.empty()) GTEST_SKIP() << why;
    place = GetParam().make();
    store = place->open();
    other = place->open();
    ASSERT_TRUE(store && other);
  }

  [[nodiscard]] static run_to_begin make_run(const std::string& id) {
    return {id, "nightly", "hash-1", R"({"nodes":[]})", R"({"x":1})", R"({"labels":["gpu"]})", ""};
  }
  [[nodiscard]] static journal_record node_ended(const std::string& node, std::string body) {
    return {0, journal_kind::node_ended, node, std::move(body), wall_time(milliseconds(1'000))};
  }
  [[nodiscard]] claimed_run begin(const std::string& id, const run_lease& lease = mine) {
    auto made = store->begin(make_run(id), lease);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made ? *made : claimed_run{};
  }
  append_result append(const std::string& id, std::uint64_t token,
                       std::vector<journal_record> records, std::optional<run_change> change = {}) {
    const std::vector<run_append> groups{{id, token, std::move(records), std::move(change)}};
    const auto results = store->append(groups);
    EXPECT_TRUE(results) << (results ? "" : results.error().message);
    return results ? results->front() : append_result{};
  }
  append_result end(const std::string& id, std::uint64_t token,
                    stored_state state = stored_state::completed) {
    return append(id, token, {}, run_change{.state = state});
  }
  // Leases that last a millisecond: no wait is too short for good, so this cannot fail by luck.
  [[nodiscard]] std::optional<claimed_run> claim_when_due(const std::string& id,
                                                          const run_lease& lease) {
    for (int i = 0; i < 10'000; ++i, std::this_thread::sleep_for(1ms)) {
      auto claimed = other->claim(id, lease, claim_rule::due);
      EXPECT_TRUE(claimed) << (claimed ? "" : claimed.error().message);
      if (!claimed || *claimed) return claimed ? *claimed : std::nullopt;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::vector<std::string> due_ids(const std::string& after = "",
                                                 std::size_t limit = 100) {
    std::vector<std::string> ids;
    const auto due = value_of(other->due(after, limit));
    for (const auto& run : due) ids.push_back(run.run_id);
    return ids;
  }

  std::unique_ptr<store_place> place;
  std::shared_ptr<run_store> store, other;
};

// --- making and claiming
// --------------------------------------------------------------------------

TEST_P(run_store_conformance, makes_a_run_and_gives_it_back_whole) {
  const auto made = begin("r");
  EXPECT_TRUE(made.created);
  EXPECT_GT(made.token, 0u);
  EXPECT_EQ(made.run.state, stored_state::running);
  EXPECT_TRUE(made.records.empty());

  const auto found = value_of(other->find("r"));
  ASSERT_TRUE(found);
  const auto asked = make_run("r");
  EXPECT_EQ(found->run_id, "r");
  EXPECT_EQ(found->workflow_name, asked.workflow_name);
  EXPECT_EQ(found->graph_hash, asked.graph_hash);
  EXPECT_EQ(found->workflow_json, asked.workflow_json);
  EXPECT_EQ(found->inputs_json, asked.inputs_json);
  EXPECT_EQ(found->about_json, asked.about_json);
  EXPECT_EQ(found->owner, mine.owner);
  EXPECT_EQ(found->token, made.token);
  EXPECT_GT(found->lease_until, found->created_at);
  EXPECT_FALSE(found->ended_at);
  EXPECT_FALSE(found->wake_at);
  EXPECT_EQ(value_of(other->find("another")), std::nullopt);
}

TEST_P(run_store_conformance, a_run_with_a_living_lease_is_refused_to_others) {
  static_cast<void>(begin("r"));
  const auto refused = other->begin(make_run("r"), theirs);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::validation);
  EXPECT_EQ(refused.error().field, "run_id");
  EXPECT_EQ(refused.error().value, mine.owner);
  ASSERT_TRUE(refused.error().retry_after);
  EXPECT_GT(*refused.error().retry_after, 50min);
  EXPECT_FALSE(other->claim("r", theirs, claim_rule::open));
  EXPECT_EQ(value_of(other->claim("r", theirs, claim_rule::due)), std::nullopt)
      << "not due is no error";
}

TEST_P(run_store_conformance, an_owner_may_begin_its_run_again_and_gets_what_is_recorded) {
  const auto made = begin("r");
  append("r", made.token, {node_ended("a", "1"), node_ended("b", "2")});
  auto changed = make_run("r");
  changed.inputs_json = R"({"x":2})";
  const auto again = store->begin(changed, mine);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->created);
  EXPECT_GT(again->token, made.token);
  EXPECT_EQ(again->run.inputs_json, make_run("r").inputs_json) << "the run keeps its own";
  ASSERT_EQ(again->records.size(), 2u);
  EXPECT_EQ(again->records[0].id, 1u);
  EXPECT_EQ(again->records[1].id, 2u);
  EXPECT_EQ(again->records[1].key, "b");
  EXPECT_EQ(again->records[1].body, "2");
  EXPECT_EQ(again->records[1].kind, journal_kind::node_ended);
  EXPECT_EQ(again->records[1].at, wall_time(milliseconds(1'000)));
}

TEST_P(run_store_conformance, many_runs_begin_at_once_and_each_has_its_own_answer) {
  static_cast<void>(begin("held"));
  const auto ended = begin("ended"), parked = begin("parked");
  const std::vector<run_append> changes{
      {"ended", ended.token, {}, run_change{.state = stored_state::completed}},
      {"parked", parked.token, {}, run_change{.state = stored_state::parked}}};
  ASSERT_TRUE(store->append(changes));
  const std::vector<run_to_begin> runs{make_run("z"), make_run("held"), make_run("a"),
                                       make_run("ended"), make_run("parked")};
  const auto begun = other->begin_all(runs, theirs);
  ASSERT_TRUE(begun) << begun.error().message;
  ASSERT_EQ(begun->size(), 5u);
  for (const std::size_t i : {0u, 2u}) {
    ASSERT_TRUE((*begun)[i]);
    EXPECT_TRUE((*begun)[i]->created);
    EXPECT_EQ((*begun)[i]->run.run_id, runs[i].run_id);
    const auto found = value_of(store->find(runs[i].run_id));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->workflow_json, runs[i].workflow_json);
    EXPECT_EQ(found->token, (*begun)[i]->token);
    EXPECT_EQ(found->owner, (*begun)[i]->run.owner);
    EXPECT_EQ(found->created_at, (*begun)[i]->run.created_at);
  }
  ASSERT_FALSE((*begun)[1]);
  EXPECT_EQ((*begun)[1].error().field, "run_id");
  EXPECT_EQ((*begun)[3]->token, 0u);
  EXPECT_EQ((*begun)[3]->before.state, stored_state::completed);
  EXPECT_GT((*begun)[4]->token, parked.token);
  EXPECT_EQ((*begun)[4]->before.state, stored_state::parked);
  const std::vector<std::string> asked{"z", "ended", "nowhere", "parked"};
  EXPECT_EQ(value_of(store->ended_of(asked)), std::vector<std::string>{"ended"});
}

TEST_P(run_store_conformance, records_of_one_group_keep_their_order_whatever_their_size) {
  const auto made = begin("r");
  run_append group{"r", made.token, {}, {}};
  for (int i = 0; i < 37; ++i)  // every fifth is large; the first has no body
    group.records.push_back({0, journal_kind::node_ended, "n" + std::to_string(i),
                             std::string(i % 5 == 4 ? 70'000u + static_cast<unsigned>(i) : i, 'b'),
                             wall_time(milliseconds(i))});
  ASSERT_TRUE(store->append({&group, 1}));
  const auto read = other->records("r", 0, 100);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), group.records.size());
  for (std::size_t i = 0; i < read->size(); ++i) {
    EXPECT_EQ((*read)[i].id, i + 1);
    EXPECT_EQ((*read)[i].key, group.records[i].key);
    EXPECT_EQ((*read)[i].body, group.records[i].body);
    EXPECT_EQ((*read)[i].at, group.records[i].at);
  }
}

TEST_P(run_store_conformance, a_run_is_taken_from_an_owner_known_to_be_dead) {
  const auto made = begin("r");
  const auto taken = other->claim("r", theirs, claim_rule::open, mine.owner);
  ASSERT_TRUE(taken && *taken);
  EXPECT_GT((*taken)->token, made.token);
  EXPECT_EQ((*taken)->run.owner, theirs.owner);
  EXPECT_FALSE(store->claim("r", mine, claim_rule::open, "somebody else"));
  const auto back = store->claim("r", mine, claim_rule::due, theirs.owner);
  ASSERT_TRUE(back);
  EXPECT_TRUE(*back);
}

TEST_P(run_store_conformance, of_many_claims_of_one_orphan_one_wins) {
  static_cast<void>(begin("r", brief_lease));
  std::this_thread::sleep_for(5ms);
  std::atomic<int> winners = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        const auto handle = t % 2 == 0 ? store : other;
        const run_lease lease{"claimer-" + std::to_string(t), 1h};
        for (int i = 0; i < 200; ++i) {
          const auto claimed = handle->claim("r", lease, claim_rule::due);
          if (claimed && *claimed) ++winners;
        }
      });
  }
  EXPECT_EQ(winners, 1);
}

TEST_P(run_store_conformance, an_orphan_is_due_and_its_old_owner_is_fenced) {
  const auto made = begin("r", brief_lease);
  append("r", made.token, {node_ended("a", "1")});
  const auto adopted = claim_when_due("r", theirs);
  ASSERT_TRUE(adopted);
  EXPECT_EQ(adopted->records.size(), 1u);
  EXPECT_GT(adopted->token, made.token);
  EXPECT_TRUE(due_ids().empty());

  EXPECT_TRUE(append("r", made.token, {node_ended("b", "stale")}).fenced);
  EXPECT_EQ(value_of(store->renew(mine, std::vector<held_run>{{"r", made.token}})).lost,
            std::vector<std::string>{"r"});
  EXPECT_FALSE(append("r", adopted->token, {node_ended("b", "2")}).fenced);
  const auto records = value_of(other->records("r", 0, 100));
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1].body, "2");
}

TEST_P(run_store_conformance, an_ended_run_is_given_without_a_token_unless_asked_for) {
  const auto made = begin("r");
  append("r", made.token, {node_ended("a", "1")},
         run_change{.state = stored_state::failed, .failure_json = R"({"kind":"Network"})"});
  const auto ended = other->begin(make_run("r"), theirs);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->token, 0u);
  EXPECT_EQ(ended->run.state, stored_state::failed);
  EXPECT_EQ(ended->run.failure_json, R"({"kind":"Network"})");
  EXPECT_TRUE(ended->run.ended_at);
  EXPECT_EQ(ended->records.size(), 1u);
  EXPECT_EQ(value_of(value_of(other->claim("r", theirs, claim_rule::open))).token, 0u);
  EXPECT_EQ(value_of(other->claim("r", theirs, claim_rule::due)), std::nullopt);

  const auto open = other->claim("r", theirs, claim_rule::ended);
  ASSERT_TRUE(open && *open);
  EXPECT_GT((*open)->token, made.token);
  EXPECT_EQ((*open)->run.state, stored_state::running);
  EXPECT_FALSE((*open)->run.ended_at);
  EXPECT_TRUE((*open)->run.failure_json.empty());
}

TEST_P(run_store_conformance, what_is_not_there_is_named) {
  for (const auto& e :
       {other->claim("none", mine, claim_rule::open).error(), other->records("none", 0, 10).error(),
        other->send_signal("none", "s", "1").error(), other->request_cancel("none").error()}) {
    EXPECT_EQ(e.kind, error_kind::validation);
    EXPECT_EQ(e.field, "run_id");
    EXPECT_NE(e.message.find("none"), std::string::npos);
  }
}

// --- records
// --------------------------------------------------------------------------------------

TEST_P(run_store_conformance, groups_of_many_runs_are_written_together_and_fenced_one_by_one) {
  const auto a = begin("a"), b = begin("b"), c = begin("c");
  const std::vector<run_append> groups{{"a", a.token, {node_ended("1", "a1")}},
                                       {"b", b.token + 7, {node_ended("1", "b1")}},
                                       {"gone", 1, {node_ended("1", "x")}},
                                       {"c", c.token, {node_ended("1", "c1")}},
                                       {"a", a.token, {node_ended("2", "a2")}}};
  const auto results = value_of(store->append(groups));
  ASSERT_EQ(results.size(), 5u);
  EXPECT_FALSE(results[0].fenced);
  EXPECT_EQ(results[0].last_id, 1u);
  EXPECT_TRUE(results[1].fenced);
  EXPECT_TRUE(results[2].fenced);
  EXPECT_FALSE(results[3].fenced);
  EXPECT_FALSE(results[4].fenced);
  EXPECT_EQ(results[4].last_id, 2u);
  EXPECT_EQ(value_of(other->records("a", 0, 10)).size(), 2u);
  EXPECT_EQ(value_of(other->records("b", 0, 10)).size(), 0u);
}

TEST_P(run_store_conformance, bytes_come_back_as_they_went) {
  const auto made = begin("r");
  std::string all_bytes;
  for (int c = 0; c < 256; ++c) all_bytes += static_cast<char>(c);
  const std::string big(300'000, 'x');
  std::string noise;
  random_source random(7);
  while (noise.size() < 200'000) noise += static_cast<char>(random.next());
  append("r", made.token,
         {node_ended("ünïcode ' \" \\ key", ""), node_ended("", all_bytes), node_ended("big", big),
          node_ended("noise", noise), node_ended("again", big)});
  const auto records = value_of(other->records("r", 0, 10));
  ASSERT_EQ(records.size(), 5u);
  EXPECT_EQ(records[0].key, "ünïcode ' \" \\ key");
  EXPECT_EQ(records[0].body, "");
  EXPECT_EQ(records[1].body, all_bytes);
  EXPECT_EQ(records[2].body, big);
  EXPECT_EQ(records[3].body, noise);
  EXPECT_EQ(records[4].body, big);
}

TEST_P(run_store_conformance, large_inputs_and_workflows_come_back) {
  auto run = make_run("r");
  run.inputs_json = std::string(200'000, 'i');
  run.workflow_json = std::string(100'000, 'w');
  run.forked_from = "origin";
  ASSERT_TRUE(store->begin(run, mine));
  const auto found = value_of(value_of(other->find("r")));
  EXPECT_EQ(found.inputs_json, run.inputs_json);
  EXPECT_EQ(found.workflow_json, run.workflow_json);
  EXPECT_EQ(found.forked_from, "origin");
  EXPECT_TRUE(value_of(other->list({})).front().workflow_json.empty()) << "lists are brief";
}

TEST_P(run_store_conformance, records_are_given_in_pages) {
  const auto made = begin("r");
  std::vector<journal_record> records;
  for (int i = 0; i < 1'200; ++i) records.push_back(node_ended(std::to_string(i), "x"));
  EXPECT_EQ(append("r", made.token, records).last_id, 1'200u);
  std::uint64_t after = 0;
  std::size_t pages = 0;
  for (;;) {
    const auto page = value_of(other->records("r", after, 500));
    if (page.empty()) break;
    for (const auto& record : page) {
      EXPECT_EQ(record.id, after + 1);
      EXPECT_EQ(record.key, std::to_string(after));
      after = record.id;
    }
    ++pages;
  }
  EXPECT_EQ(after, 1'200u);
  EXPECT_EQ(pages, 3u);
}

TEST_P(run_store_conformance, a_follower_gets_what_is_appended_while_it_waits) {
  const auto made = begin("r");
  EXPECT_TRUE(value_of(other->records("r", 0, 10, 1ms)).empty());
  std::jthread writer([&] {
    for (int i = 0; i < 20; ++i) {
      append("r", made.token, {node_ended(std::to_string(i), "x")});
      std::this_thread::sleep_for(2ms);
    }
  });
  std::uint64_t seen = 0;
  for (int looks = 0; seen < 20 && looks < 1'000; ++looks) {
    const auto news = value_of(other->records("r", seen, 10, 10s));
    for (const auto& record : news) EXPECT_EQ(record.id, ++seen);
  }
  EXPECT_EQ(seen, 20u);
}

TEST_P(run_store_conformance, a_waiting_follower_keeps_nobody_waiting) {
  const auto made = begin("r");
  std::atomic<bool> ended = false;
  std::jthread follower([&] {
    static_cast<void>(store->records("r", 0, 10, 20s));
    ended = true;
  });
  std::this_thread::sleep_for(20ms);
  EXPECT_TRUE(store->find("r"));
  EXPECT_FALSE(ended) << "nothing was recorded yet";
  append("r", made.token, {node_ended("a", "1")});
}

// --- parking, pausing, ending
// ---------------------------------------------------------------------

TEST_P(run_store_conformance, a_parked_run_is_due_when_its_time_has_come) {
  const auto soon = begin("soon"), late = begin("late"), open = begin("open");
  const auto now = value_of(value_of(store->find("soon"))).created_at;
  append("soon", soon.token, {}, run_change{.state = stored_state::parked, .wake_at = now});
  append("late", late.token, {}, run_change{.state = stored_state::parked, .wake_at = now + 24h});
  append("open", open.token, {}, run_change{.state = stored_state::parked});
  EXPECT_EQ(due_ids(), std::vector<std::string>{"soon"});
  EXPECT_EQ(value_of(value_of(other->find("late"))).wake_at, now + 24h);
  EXPECT_EQ(value_of(other->claim("late", theirs, claim_rule::due)), std::nullopt);
  const auto woken = other->claim("soon", theirs, claim_rule::due);
  ASSERT_TRUE(woken && *woken);
  EXPECT_EQ((*woken)->run.state, stored_state::running);
  EXPECT_FALSE((*woken)->run.wake_at);
  EXPECT_TRUE(value_of(other->claim("late", theirs, claim_rule::open)))
      << "by name it goes on at once";
}

TEST_P(run_store_conformance, due_runs_come_in_pages_by_id) {
  for (const auto* id : {"c", "a", "d", "b"}) {
    const auto made = begin(id);
    append(id, made.token, {}, run_change{.state = stored_state::running});
  }
  EXPECT_EQ(due_ids("", 2), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(due_ids("b", 2), (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(value_of(other->due("", 1)).front().about_json, make_run("a").about_json);
}

TEST_P(run_store_conformance, a_paused_run_waits_for_its_name) {
  const auto made = begin("r");
  append("r", made.token, {}, run_change{.state = stored_state::paused});
  EXPECT_TRUE(due_ids().empty());
  EXPECT_EQ(value_of(other->claim("r", theirs, claim_rule::due)), std::nullopt);
  EXPECT_GT(value_of(value_of(other->claim("r", theirs, claim_rule::open))).token, made.token);
}

TEST_P(run_store_conformance, a_run_handed_over_is_due_at_once_and_is_not_held_by_a_late_renewal) {
  const auto made = begin("r");
  append("r", made.token, {}, run_change{.state = stored_state::running});
  ASSERT_TRUE(store->renew(mine, std::vector<held_run>{{"r", made.token}}));
  EXPECT_EQ(due_ids(), std::vector<std::string>{"r"});
  EXPECT_TRUE(value_of(other->claim("r", theirs, claim_rule::due)));
}

TEST_P(run_store_conformance, a_renewed_lease_lives_on) {
  const auto made = begin("r", brief_lease);
  std::this_thread::sleep_for(5ms);
  const auto renewed = store->renew(mine, std::vector<held_run>{{"r", made.token}, {"none", 1}});
  ASSERT_TRUE(renewed);
  EXPECT_EQ(renewed->lost, std::vector<std::string>{"none"});
  EXPECT_TRUE(due_ids().empty());
}

// --- messages
// -------------------------------------------------------------------------------------

TEST_P(run_store_conformance, a_signal_reaches_the_holder_once) {
  const auto made = begin("r");
  ASSERT_TRUE(other->send_signal("r", "approve", R"({"by":"ada"})"));
  const std::vector<held_run> held{{"r", made.token}};
  const auto first = value_of(store->renew(mine, held));
  ASSERT_EQ(first.messages.size(), 1u);
  EXPECT_EQ(first.messages[0].run_id, "r");
  EXPECT_EQ(first.messages[0].record.kind, journal_kind::signal);
  EXPECT_EQ(first.messages[0].record.key, "approve");
  EXPECT_EQ(first.messages[0].record.body, R"({"by":"ada"})");
  EXPECT_EQ(first.messages[0].record.id, 1u);
  EXPECT_TRUE(value_of(store->renew(mine, held)).messages.empty());
  const auto again = store->claim("r", mine, claim_rule::open);
  EXPECT_EQ((*again)->records.size(), 1u) << "it is recorded";
  EXPECT_TRUE(
      value_of(store->renew(mine, std::vector<held_run>{{"r", (*again)->token}})).messages.empty())
      << "a claim gives all that is recorded";
}

TEST_P(run_store_conformance, a_signal_wakes_a_parked_run) {
  const auto made = begin("r");
  append("r", made.token, {}, run_change{.state = stored_state::parked});
  EXPECT_TRUE(due_ids().empty());
  ASSERT_TRUE(other->send_signal("r", "go", "1"));
  EXPECT_EQ(due_ids(), std::vector<std::string>{"r"});
}

TEST_P(run_store_conformance, a_run_that_parks_past_an_unread_message_is_due_at_once) {
  const auto made = begin("r");
  ASSERT_TRUE(other->send_signal("r", "go", "1"));
  const auto now = value_of(value_of(store->find("r"))).created_at;
  append("r", made.token, {}, run_change{.state = stored_state::parked, .wake_at = now + 24h});
  EXPECT_EQ(due_ids(), std::vector<std::string>{"r"});

  const auto second = begin("s");
  ASSERT_TRUE(other->send_signal("s", "go", "1"));
  ASSERT_TRUE(store->renew(mine, std::vector<held_run>{{"s", second.token}}));
  append("s", second.token, {}, run_change{.state = stored_state::parked, .wake_at = now + 24h});
  EXPECT_EQ(due_ids(), std::vector<std::string>{"r"}) << "s had read its message";
}

TEST_P(run_store_conformance, an_ended_run_takes_no_signal) {
  const auto made = begin("r");
  end("r", made.token);
  const auto refused = other->send_signal("r", "go", "1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "run_id");
}

TEST_P(run_store_conformance, cancel_asks_the_owner_or_ends_a_run_that_nobody_has) {
  const auto held = begin("held"), parked = begin("parked"), done = begin("done");
  append("parked", parked.token, {}, run_change{.state = stored_state::parked});
  end("done", done.token);

  EXPECT_EQ(value_of(other->request_cancel("held")), stored_state::running);
  const auto news = value_of(store->renew(mine, std::vector<held_run>{{"held", held.token}}));
  ASSERT_EQ(news.messages.size(), 1u);
  EXPECT_EQ(news.messages[0].record.kind, journal_kind::cancel_request);

  EXPECT_EQ(value_of(other->request_cancel("parked")), stored_state::cancelled);
  const auto cancelled = value_of(value_of(store->find("parked")));
  EXPECT_EQ(cancelled.state, stored_state::cancelled);
  EXPECT_TRUE(cancelled.ended_at);
  EXPECT_TRUE(append("parked", parked.token, {node_ended("a", "1")}).fenced);

  EXPECT_EQ(value_of(other->request_cancel("done")), stored_state::completed);
}

// --- lists, retention, size
// -----------------------------------------------------------------------

TEST_P(run_store_conformance, lists_newest_first_in_pages_and_by_filter) {
  for (const auto* id : {"z", "y", "x"}) static_cast<void>(begin(id));
  auto special = make_run("w");
  special.workflow_name = "weekly";
  const auto made = value_of(store->begin(special, mine));
  end("w", made.token);

  const auto ids = [&](const run_filter& filter) {
    std::string all;
    const auto found = value_of(other->list(filter));
    for (const auto& run : found) all += run.run_id;
    return all;
  };
  EXPECT_EQ(ids({}), "wxyz");
  EXPECT_EQ(ids({.limit = 2}), "wx");
  EXPECT_EQ(ids({.limit = 2, .after = "x"}), "yz");
  EXPECT_EQ(ids({.state = stored_state::completed}), "w");
  EXPECT_EQ(ids({.workflow_name = "nightly"}), "xyz");
  EXPECT_EQ(ids({.state = stored_state::running, .workflow_name = "weekly"}), "");
}

TEST_P(run_store_conformance, prunes_the_oldest_ended_runs_only) {
  for (const auto* id : {"a", "b", "c", "open"}) {
    const auto made = begin(id);
    append(id, made.token, {node_ended("n", std::string(100'000, id[0]))});
    if (id[0] != 'o') end(id, made.token);
    std::this_thread::sleep_for(2ms);  // so that the order of their ends is told by the clock
  }
  EXPECT_EQ(value_of(store->size()).runs_ended, 3u);
  EXPECT_EQ(value_of(store->prune({})), 0u) << "the default keeps 30 days";
  EXPECT_EQ(value_of(store->prune({.count = 2})), 1u);
  EXPECT_EQ(value_of(other->find("a")), std::nullopt);
  EXPECT_FALSE(other->records("a", 0, 10));
  EXPECT_EQ(value_of(store->prune({.age = 0ms}, 1)), 1u);
  EXPECT_EQ(value_of(other->find("b")), std::nullopt);
  EXPECT_EQ(value_of(store->prune({.age = 0ms})), 1u);
  EXPECT_EQ(value_of(store->prune({.age = 0ms})), 0u);
  EXPECT_TRUE(value_of(other->find("open")));
  EXPECT_EQ(value_of(other->records("open", 0, 10)).front().body, std::string(100'000, 'o'));
  EXPECT_TRUE(begin("a").created) << "its id may be used again";
  EXPECT_TRUE(value_of(other->records("a", 0, 10)).empty());
}

TEST_P(run_store_conformance, what_several_runs_share_stays_until_the_last_is_gone) {
  const std::string shared(200'000, 's');
  for (const auto* id : {"a", "b"}) {
    const auto made = begin(id);
    append(id, made.token, {node_ended("n", shared)});
    if (id[0] == 'a') end(id, made.token);
  }
  std::this_thread::sleep_for(2ms);
  EXPECT_EQ(value_of(store->prune({.age = 0ms})), 1u);
  EXPECT_EQ(value_of(other->records("b", 0, 10)).front().body, shared);
}

TEST_P(run_store_conformance, tells_its_size_and_age) {
  EXPECT_FALSE(value_of(store->size()).oldest);
  static_cast<void>(begin("open"));
  const auto made = begin("ended");
  append("ended", made.token, {node_ended("n", "x")});
  end("ended", made.token);
  const auto size = value_of(other->size());
  EXPECT_EQ(size.runs_open, 1u);
  EXPECT_EQ(size.runs_ended, 1u);
  EXPECT_GT(size.bytes, 0u);
  EXPECT_EQ(size.oldest, value_of(value_of(store->find("ended"))).ended_at);
}

// --- members
// --------------------------------------------------------------------------------------

TEST_P(run_store_conformance, a_member_that_joins_again_ends_its_former_self) {
  const auto first = value_of(store->join("a", "{}", 1h));
  EXPECT_TRUE(value_of(store->stay("a", first, 1h)));
  const auto second = value_of(other->join("a", R"({"v":2})", 1h));
  EXPECT_GT(second, first);
  EXPECT_FALSE(value_of(store->stay("a", first, 1h)));
  ASSERT_TRUE(store->leave("a", first)) << "without effect";
  EXPECT_TRUE(value_of(other->stay("a", second, 1h)));
  ASSERT_TRUE(other->join("b", "{}", 1h));
  const auto members = value_of(store->members());
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[0].name, "a");
  EXPECT_EQ(members[0].about_json, R"({"v":2})");
  EXPECT_EQ(members[0].epoch, second);
  EXPECT_EQ(members[1].name, "b");

  ASSERT_TRUE(other->leave("a", second));
  EXPECT_FALSE(value_of(other->stay("a", second, 1h)));
  EXPECT_EQ(value_of(store->members()).size(), 1u);
  EXPECT_GT(value_of(store->join("a", "{}", 1h)), second) << "epochs never go back";
}

TEST_P(run_store_conformance, a_member_that_is_silent_is_no_member) {
  const auto epoch = value_of(store->join("a", "{}", 1ms));
  std::this_thread::sleep_for(5ms);
  EXPECT_TRUE(value_of(store->members()).empty());
  EXPECT_TRUE(value_of(store->stay("a", epoch, 1h))) << "nobody took its place";
  EXPECT_EQ(value_of(store->members()).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(stores, run_store_conformance, ::testing::ValuesIn(store_kinds()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace graphbit
