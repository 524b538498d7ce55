// Runs whose store breaks under them: they pause and go on, or stop; nothing goes on unrecorded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <chaos_proxy.hpp>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <thread>

#include <graphbit/actors/executor.hpp>
#include <graphbit/cluster/open_run_store.hpp>
#include <src/store/postgres_store_database.hpp>
#include <src/store/sql_run_store.hpp>

#include "cluster/durable_fixture.hpp"
#include "cluster/postgres_server.hpp"
#include "value_of.hpp"

namespace graphbit {
namespace {

using namespace std::chrono_literals;
using testing::chaos_proxy;
using ::testing::HasSubstr;
using testing::network_fault;

constexpr int steps = 8;

/// Holds the model's answers back at one step, so that something can be broken there.
class gate {
 public:
  void wait() {
    std::unique_lock guard(mutex_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait_for(guard, 60s, [this] { return open_; });
  }
  void await_arrival() {
    std::unique_lock guard(mutex_);
    changed_.wait_for(guard, 60s, [this] { return reached_; });
  }
  void open() {
    const std::lock_guard guard(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reached_ = false, open_ = false;
};

class durable_faults : public ::testing::Test, protected testing::durable_workflow {
 protected:
  void SetUp() override {
    for (int i = 0; i < steps; ++i) {
      const auto name = "step-" + std::to_string(i);
      // A function that waits takes a thread of its own, so that the reactor goes on.
      transform_spec wait;
      wait.function = {"wait", [this, i](const json_value&) -> expected<json_value> {
                         if (i == steps / 2) middle.wait();
                         return json_value("on");
                       }};
      add(node::agent(name, {.prompt = name}));
      add(node::transform("wait-" + std::to_string(i), wait));
      if (i > 0) connect("wait-" + std::to_string(i - 1), name);
      connect(name, "wait-" + std::to_string(i));
    }
  }
  executor open(const std::shared_ptr<run_store>& store) {
    executor_options options;
    options.store = store;
    options.adopt = false;
    return durable_workflow::open(std::move(options));
  }
  /// Runs the workflow on a thread of its own; `trouble` happens when it is half done.
  template <class Trouble>
  expected<run_result> run_through(const executor& doors, Trouble trouble) {
    expected<run_result> result = fail(core_error("did not run"));
    std::thread runner([&] { result = doors.execute(flow, named("r")); });
    middle.await_arrival();
    trouble();
    middle.open();
    runner.join();
    return result;
  }
  /// Until what the first half came to is durable.
  static void await_first_half(run_store& store) {
    const auto ended = [&] {
      const auto records = store.records("r", 0, 1'000);
      return records && std::count_if(records->begin(), records->end(), [](const auto& record) {
                          return record.kind == journal_kind::node_ended;
                        }) > steps;
    };
    for (int i = 0; i < 10'000 && !ended(); ++i) std::this_thread::sleep_for(1ms);
    ASSERT_TRUE(ended());
  }
  void expect_each_asked_once() { EXPECT_EQ(model.asked_in_all(), steps); }

  gate middle;
};

class durable_postgres_faults : public durable_faults {
 protected:
  void SetUp() override {
    if (postgres_server::programs().empty())
      GTEST_SKIP() << "PostgreSQL is not installed (scripts/deps.sh --test installs it)";
    durable_faults::SetUp();
    server = postgres_server::start();
    ASSERT_TRUE(server);
  }
  [[nodiscard]] static std::shared_ptr<run_store> open_store(const std::string& url) {
    auto database = open_postgres_store_database(url, {1s, 1s});
    EXPECT_TRUE(database) << (database ? "" : database.error().message);
    return database ? make_sql_run_store(std::move(*database)) : nullptr;
  }

  std::unique_ptr<postgres_server> server;
};

TEST_F(durable_postgres_faults, a_run_goes_on_when_its_server_has_been_restarted) {
  const auto doors = open(open_store(server->url("postgres")));
  const auto result = run_through(doors, [&] {
    server->crash();
    ASSERT_TRUE(server->boot());
  });
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_TRUE(result->is_success()) << result->state_text();
  expect_each_asked_once();
  ASSERT_TRUE(open(open_store(server->url("postgres"))).execute(flow, named("r")).has_value());
  expect_each_asked_once();
}

TEST_F(durable_postgres_faults, a_run_whose_way_to_the_server_is_cut_goes_on_when_it_is_mended) {
  chaos_proxy way(server->port());
  const auto port =
      static_cast<std::uint16_t>(std::stoi(way.url().substr(way.url().rfind(':') + 1)));
  const auto doors = open(open_store(server->url("postgres", port)));
  std::jthread mender;
  const auto result = run_through(doors, [&] {
    way.set(network_fault::never_answer);
    mender = std::jthread([&] {  // after the run has come to its end, all but its records
      for (int i = 0; i < 10'000 && model.asked_in_all() < steps; ++i)
        std::this_thread::sleep_for(1ms);
      std::this_thread::sleep_for(1500ms);
      way.set(network_fault::none);
    });
  });
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_TRUE(result->is_success()) << result->state_text();
  expect_each_asked_once();
  const auto again = open(open_store(server->url("postgres"))).execute(flow, named("r"));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_TRUE(again->is_success());
  expect_each_asked_once();
}

TEST_F(durable_postgres_faults, a_run_stops_when_a_backup_took_the_place_of_its_store) {
  const auto store = open_store(server->url("postgres"));
  const auto doors = open(store);
  const auto refused = run_through(doors, [&] {
    await_first_half(*store);
    server->crash();
    server->back_up();
    ASSERT_TRUE(server->boot());
    const auto note = [&] { return store->send_signal("r", "noted", "1").has_value(); };
    bool noted = false;
    for (int i = 0; i < 1'000 && !noted; ++i, noted = noted || note())
      std::this_thread::sleep_for(10ms);
    ASSERT_TRUE(noted) << "what the backup lacks";
    server->crash();
    server->restore();
    ASSERT_TRUE(server->boot());
  });
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, error_kind::resource_exhausted);
  EXPECT_EQ(refused.error().resource_type, "journal");
  EXPECT_THAT(refused.error().message, HasSubstr("backup was restored"));
  const auto refused_again = doors.execute(flow, named("r"));
  ASSERT_FALSE(refused_again.has_value());
  EXPECT_THAT(refused_again.error().message, HasSubstr("backup was restored"));

  // A process that knows nothing of what is lost goes on from what the backup holds; the lease in
  // it need not be waited for.
  const int asked = model.asked_in_all();
  const auto fresh = open_store(server->url("postgres"));
  const auto owner = value_of(value_of(fresh->find("r"))).owner;
  ASSERT_TRUE(fresh->claim("r", {.owner = "heir", .length = 0ms}, claim_rule::open, owner));
  const auto result = open(fresh).execute(flow, named("r"));
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_TRUE(result->is_success());
  EXPECT_LE(model.asked_in_all() - asked, steps / 2) << "the first half is in the backup";
}

/// While it lives no file of this process grows past `bytes`: a full disk.
class full_disk {
 public:
  explicit full_disk(rlim_t bytes) {
    before_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &limit_);
    const rlimit small{bytes, limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~full_disk() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  full_disk(const full_disk&) = delete;
  full_disk& operator=(const full_disk&) = delete;

 private:
  rlimit limit_{};
  void (*before_)(int) = nullptr;
};

TEST_F(durable_faults, a_full_disk_stops_the_run_and_with_room_again_it_goes_on) {
  auto name = (std::filesystem::temp_directory_path() / "full-XXXXXX").string();
  const std::filesystem::path folder = mkdtemp(name.data());
  const auto file = folder / "runs.db";
  auto opened = open_run_store(file);
  ASSERT_TRUE(opened) << opened.error().message;
  const std::shared_ptr<run_store> store = std::move(*opened);
  const auto doors = open(store);
  {
    std::unique_ptr<full_disk> full;
    const auto stopped = run_through(doors, [&] {
      await_first_half(*store);
      full = std::make_unique<full_disk>(std::filesystem::file_size(file.string() + "-wal"));
    });
    ASSERT_FALSE(stopped.has_value());
    EXPECT_EQ(stopped.error().kind, error_kind::resource_exhausted);
    EXPECT_EQ(stopped.error().resource_type, "journal");
    EXPECT_THAT(stopped.error().message, HasSubstr("execute the run again under its run_id"));
  }
  const auto before = store->find("r");
  ASSERT_TRUE(before && *before);
  EXPECT_FALSE(is_ended((*before)->state));
  const int asked = model.asked_in_all();
  const auto result = doors.execute(flow, named("r"));
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_TRUE(result->is_success());
  EXPECT_LT(model.asked_in_all() - asked, steps / 2) << "what was recorded is not asked again";
  std::filesystem::remove_all(folder);
}

TEST_F(durable_faults, a_run_waits_for_a_file_that_another_process_keeps_locked) {
  auto name = (std::filesystem::temp_directory_path() / "locked-XXXXXX").string();
  const std::filesystem::path folder = mkdtemp(name.data());
  const auto file = folder / "runs.db";
  auto opened = open_run_store(file);
  ASSERT_TRUE(opened) << opened.error().message;
  const std::shared_ptr<run_store> store = std::move(*opened);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &other), SQLITE_OK);
  std::jthread holder;
  const auto result = run_through(open(store), [&] {
    await_first_half(*store);
    while (sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK)
      std::this_thread::sleep_for(1ms);
    holder = std::jthread([other] {
      std::this_thread::sleep_for(5500ms);  // longer than a transaction waits for its turn
      sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
      sqlite3_close(other);
    });
  });
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_TRUE(result->is_success()) << result->state_text();
  expect_each_asked_once();
  holder.join();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace graphbit
