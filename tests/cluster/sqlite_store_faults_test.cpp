#include <gtest/gtest.h>

#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <graphbit/cluster/open_run_store.hpp>
#include <graphbit/cluster/sqlite_batch_journal.hpp>

#include "first_store.hpp"
#include "value_of.hpp"

namespace graphbit {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

const run_lease mine{"owner", 1h};

[[nodiscard]] run_to_begin make_run(const std::string& id) {
  return {id, "nightly", "hash", R"({"nodes":[]})", "{}", "{}", ""};
}

[[nodiscard]] run_append one_record(const std::string& id, std::uint64_t token, std::string body) {
  return {id, token, {{0, journal_kind::node_ended, "node", std::move(body), {}}}, {}};
}

/// What a disk, a crash or a hand can do to the file of a store: found and named, never overlooked.
class sqlite_store_faults : public ::testing::Test {
 protected:
  void SetUp() override {
    auto name = (fs::temp_directory_path() / "faults-XXXXXX").string();
    folder = mkdtemp(name.data());
    path = folder / "run.db";
  }
  void TearDown() override { fs::remove_all(folder); }

  [[nodiscard]] static std::unique_ptr<run_store> open(const fs::path& at) {
    auto store = open_run_store(at);
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? std::move(*store) : nullptr;
  }
  [[nodiscard]] static std::string refusal(const fs::path& at) {
    const auto store = open_run_store(at);
    EXPECT_FALSE(store);
    return store ? "" : store.error().message;
  }
  /// A store as a crash leaves it: its log was not moved into the database yet.
  [[nodiscard]] fs::path copy_of_living_store(const std::string& name) const {
    const auto to = folder / name;
    fs::create_directory(to);
    for (const auto* end : {"", "-wal", "-mark"})
      fs::copy_file(path.string() + end, (to / "run.db").string() + end);
    return to / "run.db";
  }
  void fill(run_store& store, int records, const std::string& body = "body") const {
    const auto run = store.begin(make_run("r"), mine);
    for (int i = 0; i < records; ++i)
      ASSERT_TRUE(store.append(
          std::vector<run_append>{one_record("r", run->token, body + std::to_string(i))}));
  }
  void sql(const std::string& statements) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    char* words = nullptr;
    ASSERT_EQ(sqlite3_exec(db, statements.c_str(), nullptr, nullptr, &words), SQLITE_OK) << words;
    sqlite3_close(db);
  }
  [[nodiscard]] std::string bytes() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void overwrite(std::size_t at, const std::string& with) const {
    std::fstream out(path, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(at));
    out << with;
  }

  fs::path folder, path;
};

TEST_F(sqlite_store_faults, a_torn_log_is_found_and_what_is_left_can_be_used_when_asked_for) {
  const auto store = open(path);
  fill(*store, 5);
  EXPECT_EQ(value_of(open(copy_of_living_store("whole"))->records("r", 0, 10)).size(), 5u);

  const auto torn = copy_of_living_store("torn");
  const auto log = torn.string() + "-wal";
  fs::resize_file(log, fs::file_size(log) - 100);
  const auto words = refusal(torn);
  EXPECT_NE(words.find("lost its last 1 commits"), std::string::npos) << words;
  EXPECT_NE(words.find(torn.string()), std::string::npos);
  fs::remove(torn.string() + "-mark");
  EXPECT_EQ(value_of(open(torn)->records("r", 0, 10)).size(), 4u);
}

TEST_F(sqlite_store_faults, an_older_copy_in_its_place_is_found) {
  fill(*open(path), 2);
  fs::copy_file(path, folder / "backup");
  const auto token = value_of(value_of(open(path)->find("r"))).token;
  ASSERT_TRUE(open(path)->append(std::vector<run_append>{one_record("r", token, "late")}));
  fs::remove(path);
  fs::copy_file(folder / "backup", path);
  EXPECT_NE(refusal(path).find("older copy"), std::string::npos);
}

TEST_F(sqlite_store_faults, a_changed_byte_in_a_record_is_found_and_named) {
  fill(*open(path), 3, "a needle in a haystack ");
  const auto at = bytes().find("a needle in a haystack 1");
  ASSERT_NE(at, std::string::npos);
  overwrite(at + 3, "N");
  const auto store = open(path);
  const auto read = store->records("r", 0, 10);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, error_kind::core);
  EXPECT_NE(read.error().message.find("run 'r': its record 2 is damaged"), std::string::npos)
      << read.error().message;
  EXPECT_FALSE(store->claim("r", mine, claim_rule::open)) << "nobody goes on from damaged records";
  EXPECT_TRUE(store->begin(make_run("another"), mine)) << "others do";
}

TEST_F(sqlite_store_faults, a_changed_byte_in_a_large_value_is_found) {
  {
    const auto store = open(path);
    auto run = make_run("r");
    for (int i = 0; run.inputs_json.size() < 100'000; ++i) run.inputs_json += std::to_string(i * i);
    ASSERT_TRUE(store->begin(run, mine));
  }
  sql("UPDATE blobs SET bytes = CAST(substr(bytes, 1, 5000) || x'00' || substr(bytes, 5002) AS "
      "BLOB) WHERE length(bytes) > 10000");
  const auto found = open(path)->find("r");
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("damaged"), std::string::npos);
}

TEST_F(sqlite_store_faults, a_page_of_garbage_is_found) {
  fill(*open(path), 3, "a needle in a haystack ");
  const auto at = bytes().find("a needle in a haystack 1");
  ASSERT_NE(at, std::string::npos);
  overwrite(at / 4096 * 4096, std::string(4096, '\xff'));
  const auto read = open(path)->records("r", 0, 10);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, error_kind::core);
  EXPECT_NE(read.error().message.find("damaged"), std::string::npos) << read.error().message;
}

TEST_F(sqlite_store_faults, records_that_went_missing_are_found) {
  fill(*open(path), 5);
  sql("DELETE FROM records WHERE id = 3");
  EXPECT_NE(open(path)->records("r", 0, 10).error().message.find("missing"), std::string::npos);
  sql("DELETE FROM records");
  EXPECT_NE(open(path)->claim("r", mine, claim_rule::open).error().message.find("missing"),
            std::string::npos);
}

TEST_F(sqlite_store_faults, a_full_disk_stops_the_writer_and_loses_nothing) {
  fill(*open(path), 1);
  const pid_t child = fork();
  if (child == 0) {
    // The disk is full at 400 KB.
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{400'000, 400'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto store = open_run_store(path);
    const auto run = (*store)->claim("r", mine, claim_rule::open);
    for (int i = 1; i < 1'000; ++i) {
      const auto done = (*store)->append(
          std::vector<run_append>{one_record("r", (*run)->token, std::string(10'000, 'x'))});
      if (done) continue;
      const bool named = done.error().kind == error_kind::resource_exhausted &&
                         done.error().resource_type == "disk";
      _exit(named ? i : 255);  // i: how many records there were
    }
    _exit(254);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  const auto kept = WEXITSTATUS(status);
  ASSERT_LT(kept, 200);
  ASSERT_GT(kept, 5);
  const auto store = open(path);
  EXPECT_EQ(value_of(store->records("r", 0, 1'000)).size(), static_cast<std::size_t>(kept));
  EXPECT_TRUE(store->claim("r", mine, claim_rule::open)) << "with room again it goes on";
}

TEST_F(sqlite_store_faults, what_was_confirmed_survives_a_kill) {
  fill(*open(path), 0);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto store = open_run_store(path);
    const auto token = value_of(value_of((*store)->find("r"))).token;
    for (int i = 0; i < 100'000; ++i) {
      const auto done = (*store)->append(std::vector<run_append>{one_record("r", token, "x")});
      const auto id = done->front().last_id;
      if (write(ends[1], &id, sizeof id) != sizeof id) _exit(1);
    }
    _exit(0);
  }
  std::uint64_t confirmed = 0;
  while (confirmed < 20) ASSERT_EQ(read(ends[0], &confirmed, sizeof confirmed), 8);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ends[1]);
  while (read(ends[0], &confirmed, sizeof confirmed) == 8) continue;
  close(ends[0]);
  const auto records = open(path)->records("r", 0, 100'000);
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_GE(records->size(), confirmed);
  EXPECT_LE(records->size(), confirmed + 1);
}

TEST_F(sqlite_store_faults, other_peoples_databases_are_left_alone) {
  static_cast<void>(open_sqlite_batch_journal(path, "a"));
  EXPECT_NE(refusal(path).find("no store of runs"), std::string::npos);
  fs::remove(path);
  std::ofstream(path) << std::string(5'000, 't');
  EXPECT_NE(refusal(path).find("no database"), std::string::npos);
}

TEST_F(sqlite_store_faults, a_store_of_a_newer_version_is_refused) {
  static_cast<void>(open(path));
  sql("PRAGMA user_version = 999");
  EXPECT_NE(refusal(path).find("newer version"), std::string::npos);
}

TEST_F(sqlite_store_faults, a_store_of_the_first_version_is_read) {
  sql(first_store);
  const auto store = open(path);
  const auto run = store->find("nightly-1");
  ASSERT_TRUE(run && *run);
  EXPECT_EQ((*run)->state, stored_state::parked);
  EXPECT_EQ((*run)->inputs_json, R"({"topic":"tea"})");
  const auto claimed = store->claim("nightly-1", mine, claim_rule::open);
  ASSERT_TRUE(claimed) << claimed.error().message;
  ASSERT_EQ((*claimed)->records.size(), 3u);
  EXPECT_EQ((*claimed)->records[0].body, R"({"text":"first"})");
  EXPECT_EQ((*claimed)->records[1].body, std::string(70'000, 'b'));
  EXPECT_EQ((*claimed)->records[2].kind, journal_kind::signal);
  EXPECT_FALSE(
      store->append(std::vector<run_append>{one_record("nightly-1", (*claimed)->token, "on")})
          ->front()
          .fenced);
}

TEST_F(sqlite_store_faults, a_hundred_thousand_runs_are_pruned_while_another_goes_on) {
  const auto store = open(path);
  fill(*store, 0);
  // As if they had been run: a row, three records and a shared value each.
  sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
      "INSERT INTO runs SELECT 1000 + i, 'old-' || i, 'w', 'h', '', x'', x'', NULL, x'', NULL, 0, "
      "4, x'', 'o', 1, 0, NULL, 0, 0, i, 3, 0, 0 FROM n;"
      "INSERT INTO records SELECT no, i, 7, 'n', 0, x'00', NULL, 0 FROM runs, (SELECT 1 AS i UNION "
      "SELECT 2 UNION SELECT 3) WHERE no > 1000;"
      "INSERT INTO blobs VALUES (x'aa', 0, 1, x'00');"
      "INSERT INTO blob_uses SELECT no, x'aa' FROM runs WHERE no > 1000;");
  // On a machine that is slow enough a turn at the lock may not come in time; it is asked again.
  const auto waits = [](const auto& done) {
    return !done && done.error().resource_type == "database_lock";
  };
  std::atomic<bool> pruned = false;
  std::uint64_t recorded = 0;
  std::jthread other([&] {
    const auto mine_too = open(path);
    const auto token = value_of(value_of(mine_too->find("r"))).token;
    do {
      const auto done =
          mine_too->append(std::vector<run_append>{one_record("r", token, "meanwhile")});
      if (waits(done)) continue;
      ASSERT_TRUE(done) << done.error().message;
      recorded = done->front().last_id;
      std::this_thread::sleep_for(milliseconds{2});  // a lock that is never free starves the other
    } while (!pruned || recorded == 0);
  });
  std::uint64_t gone = 0;
  for (;;) {
    const auto done = store->prune({});
    if (waits(done)) continue;
    ASSERT_TRUE(done) << done.error().message;
    if (*done == 0) break;
    gone += *done;
  }
  pruned = true;
  other.join();
  EXPECT_EQ(gone, 100'000u);
  EXPECT_EQ(value_of(store->size()).runs_ended, 0u);
  EXPECT_EQ(value_of(store->records("r", 0, 1'000'000)).size(), recorded);
  EXPECT_EQ(value_of(store->size()).runs_open, 1u);
}

}  // namespace
}  // namespace graphbit
