#include <gtest/gtest.h>

#include <chaos_proxy.hpp>

#include <atomic>
#include <string>
#include <thread>

#include <graphbit/cluster/open_run_store.hpp>
#include <src/store/postgres_store_database.hpp>
#include <src/store/sql_run_store.hpp>

#include "postgres_server.hpp"
#include "value_of.hpp"

namespace graphbit {
namespace {

using namespace std::chrono_literals;
using testing::chaos_proxy;
using testing::network_fault;

const run_lease mine{"owner", 1h};

[[nodiscard]] run_to_begin make_run(const std::string& id) {
  return {id, "nightly", "hash", R"({"nodes":[]})", "{}", "{}", ""};
}

[[nodiscard]] std::vector<run_append> one_record(const std::string& id, std::uint64_t token,
                                                 int number) {
  return {{id, token, {{0, journal_kind::node_ended, std::to_string(number), "{}", {}}}, {}}};
}

/// What can happen to a server and to the way there.
class postgres_store_faults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (postgres_server::programs().empty())
      GTEST_SKIP() << "PostgreSQL is not installed (scripts/deps.sh --test installs it)";
  }

  [[nodiscard]] static std::unique_ptr<run_store> open(const std::string& url) {
    auto store = open_run_store(url);
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? std::move(*store) : nullptr;
  }
  /// Appends as an owner does: what fails for want of a connection is said again.
  static void append_until_done(run_store& store, std::uint64_t token, int number) {
    for (int tries = 0; tries < 2'000; ++tries, std::this_thread::sleep_for(10ms)) {
      const auto done = store.append(one_record("r", token, number));
      if (done) {
        ASSERT_FALSE(done->front().fenced);
        return;
      }
      ASSERT_EQ(done.error().kind, error_kind::network) << done.error().message;
      ASSERT_EQ(done.error().message.find("not-a-secret"), std::string::npos);
    }
    FAIL() << "never done";
  }
  static void expect_each_once(run_store& store, int count) {
    const auto records = store.records("r", 0, 10'000);
    ASSERT_TRUE(records) << records.error().message;
    ASSERT_EQ(records->size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      EXPECT_EQ((*records)[static_cast<std::size_t>(i)].key, std::to_string(i));
  }
};

TEST_F(postgres_store_faults,
       a_server_that_crashes_and_comes_back_costs_nothing_and_repeats_nothing) {
  const auto server = postgres_server::start();
  ASSERT_TRUE(server);
  const auto store = open(server->url("postgres"));
  const auto run = value_of(store->begin(make_run("r"), mine));
  std::atomic<int> done = 0;
  std::jthread owner([&] {
    for (; done < 300; ++done) append_until_done(*store, run.token, done);
  });
  for (int crashes = 1; crashes <= 3; ++crashes) {
    while (done < crashes * 50) std::this_thread::sleep_for(1ms);
    server->crash();
    ASSERT_TRUE(server->boot());
  }
  owner.join();
  expect_each_once(*store, 300);
}

TEST_F(postgres_store_faults, connections_that_break_anywhere_repeat_nothing) {
  auto* server = postgres_server::shared();
  ASSERT_TRUE(server);
  const auto database = server->make_database();
  static_cast<void>(open(server->url(database)));
  chaos_proxy way(server->port());
  const auto port =
      static_cast<std::uint16_t>(std::stoi(way.url().substr(way.url().rfind(':') + 1)));
  const auto store = open(server->url(database, port));
  const auto run = value_of(store->begin(make_run("r"), mine));
  constexpr int count = 60;
  for (int i = 0; i < count; ++i) {
    // Breaks after some bytes of the server's answers: in a BEGIN, an UPDATE, the COMMIT, ...
    way.set(network_fault::reset_after, static_cast<std::size_t>(i) * 8);
    std::jthread mender([&] {
      std::this_thread::sleep_for(3ms);
      way.set(network_fault::none);
    });
    append_until_done(*store, run.token, i);
  }
  expect_each_once(*store, count);
}

TEST_F(postgres_store_faults, a_way_that_swallows_everything_is_left_in_time) {
  auto* server = postgres_server::shared();
  ASSERT_TRUE(server);
  const auto database = server->make_database();
  static_cast<void>(open(server->url(database)));
  chaos_proxy way(server->port());
  const auto port =
      static_cast<std::uint16_t>(std::stoi(way.url().substr(way.url().rfind(':') + 1)));
  auto opened = open_postgres_store_database(server->url(database, port), {1s, 1s});
  ASSERT_TRUE(opened) << opened.error().message;
  const auto store = make_sql_run_store(std::move(*opened));
  auto run = store->begin(make_run("r"), mine);
  for (int tries = 0; !run && tries < 100; ++tries) run = store->begin(make_run("r"), mine);
  ASSERT_TRUE(run) << run.error().message;
  way.set(network_fault::never_answer);
  const auto cut = store->append(one_record("r", run->token, 0));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().kind, error_kind::network);
  way.set(network_fault::none);
  append_until_done(*store, run->token, 0);
  append_until_done(*store, run->token, 1);
  expect_each_once(*store, 2);
}

TEST_F(postgres_store_faults, a_restored_backup_is_refused_to_those_who_know_more) {
  const auto server = postgres_server::start();
  ASSERT_TRUE(server);
  const auto store = open(server->url("postgres"));
  const auto run = value_of(store->begin(make_run("r"), mine));
  append_until_done(*store, run.token, 0);
  server->crash();
  server->back_up();
  ASSERT_TRUE(server->boot());
  append_until_done(*store, run.token, 1);
  server->crash();
  server->restore();
  ASSERT_TRUE(server->boot());

  for (int again = 0; again < 2; ++again) {
    const auto refused = store->append(one_record("r", run.token, 2));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, error_kind::core) << refused.error().message;
    EXPECT_NE(refused.error().message.find("backup was restored"), std::string::npos);
  }
  const auto fresh = open(server->url("postgres"));
  expect_each_once(*fresh, 1);
  EXPECT_TRUE(fresh->claim("r", mine, claim_rule::open)) << "a new process goes on from there";
}

TEST_F(postgres_store_faults, the_password_is_shown_nowhere) {
  auto* server = postgres_server::shared();
  ASSERT_TRUE(server);
  EXPECT_EQ(open(server->url("postgres"))->name(),
            "postgresql://127.0.0.1:" + std::to_string(server->port()) + "/postgres");
  const auto no_database = open_run_store(server->url("not_there"));
  ASSERT_FALSE(no_database);
  EXPECT_EQ(no_database.error().kind, error_kind::configuration);
  const auto nobody = open_run_store("postgresql://tests:not-a-secret@127.0.0.1:1/postgres");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().kind, error_kind::network);
  const auto no_address = open_run_store("postgresql://tests:not-a-secret@[/");
  ASSERT_FALSE(no_address);
  EXPECT_EQ(no_address.error().kind, error_kind::configuration);
  for (const auto& e : {no_database.error(), nobody.error(), no_address.error()})
    EXPECT_EQ(e.message.find("not-a-secret"), std::string::npos) << e.message;
}

TEST_F(postgres_store_faults, a_database_of_a_newer_version_is_refused) {
  auto* server = postgres_server::shared();
  ASSERT_TRUE(server);
  const auto database = server->make_database();
  static_cast<void>(open(server->url(database)));
  server->run(database, "UPDATE graphbit.schema_version SET version = 999");
  const auto refused = open_run_store(server->url(database));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("newer version"), std::string::npos);
}

TEST_F(postgres_store_faults, marks_of_writers_that_were_killed_go_in_time) {
  auto* server = postgres_server::shared();
  ASSERT_TRUE(server);
  const auto database = server->make_database();
  const auto writers = [&] {
    return server->run(database, "SELECT count(*) FROM graphbit.writers");
  };
  const auto store = open(server->url(database));
  const auto run = value_of(store->begin(make_run("r"), mine));
  server->run(database, "INSERT INTO graphbit.writers VALUES ('killed', 7, 0)");
  EXPECT_EQ(writers(), "2");
  const std::vector<run_append> end{
      {"r", run.token, {}, run_change{.state = stored_state::failed}}};
  ASSERT_TRUE(store->append(end));
  std::this_thread::sleep_for(2ms);
  EXPECT_EQ(value_of(store->prune({.age = 0ms})), 1u);
  EXPECT_EQ(writers(), "1") << "the living one's";
  static_cast<void>(open(server->url(database))->join("member", "{}", 1s));
  EXPECT_EQ(writers(), "1") << "who closes its store leaves nothing";
}

TEST_F(postgres_store_faults, many_processes_may_open_a_new_database_at_once) {
  auto* server = postgres_server::shared();
  ASSERT_TRUE(server);
  const auto url = server->url(server->make_database());
  std::vector<std::jthread> openers;
  for (int i = 0; i < 4; ++i) openers.emplace_back([&url] { EXPECT_TRUE(open(url)->size()); });
}

TEST_F(postgres_store_faults, pruning_and_recording_of_the_same_large_value_end_well) {
  auto* server = postgres_server::shared();
  ASSERT_TRUE(server);
  const auto url = server->url(server->make_database());
  const auto store = open(url);
  const std::string large(100'000, 'v');
  std::atomic<bool> over = false;
  std::jthread pruner([&] {
    const auto another = open(url);
    while (!over) {
      const auto done = another->prune({.age = 0ms});
      EXPECT_TRUE(done) << done.error().message;
    }
  });
  for (int i = 0; i < 40; ++i) {
    const auto id = "r" + std::to_string(i);
    const auto run = store->begin(make_run(id), mine);
    ASSERT_TRUE(run) << run.error().message;
    std::vector<run_append> group{{id, run->token, {}, {}}};
    group[0].records.push_back({0, journal_kind::node_ended, "n", large, {}});
    const auto kept = store->append(group);
    ASSERT_TRUE(kept) << kept.error().message;
    EXPECT_EQ(value_of(store->records(id, 0, 10)).front().body, large);
    group[0].records.clear();
    group[0].change = run_change{.state = stored_state::completed};
    ASSERT_TRUE(store->append(group));
  }
  over = true;
}

}  // namespace
}  // namespace graphbit
