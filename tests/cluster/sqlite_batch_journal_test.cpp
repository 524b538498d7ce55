#include <graphbit/cluster/sqlite_batch_journal.hpp>

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "value_of.hpp"

namespace graphbit {
namespace {

class sqlite_batch_journal_test : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder); }

  [[nodiscard]] std::unique_ptr<batch_journal> open(const std::string& arguments = "a") {
    auto journal = open_sqlite_batch_journal(path, arguments);
    EXPECT_TRUE(journal) << (journal ? "" : journal.error().message);
    return std::move(*journal);
  }

  std::filesystem::path folder = [] {
    auto name = (std::filesystem::temp_directory_path() / "journal-XXXXXX").string();
    return std::filesystem::path(mkdtemp(name.data()));
  }();
  std::string path = folder / "run.db";
};

TEST_F(sqlite_batch_journal_test, keeps_lines_over_a_restart) {
  std::string id;
  {
    auto journal = open();
    id = journal->batch_id();
    ASSERT_TRUE(journal->keep({{5, 55, true, "five"}, {2, 22, false, "two"}}));
    EXPECT_EQ(journal->kept_end(), 6u);
  }
  auto journal = open();
  EXPECT_EQ(journal->batch_id(), id);
  EXPECT_EQ(journal->kept_end(), 6u);
  EXPECT_EQ(value_of(journal->kept(5, false)), 55u);
  EXPECT_EQ(value_of(journal->kept(2, false)), 22u);
  EXPECT_EQ(value_of(journal->kept(2, true)), std::nullopt)
      << "failed lines do not count when retrying";
  EXPECT_EQ(value_of(journal->kept(1, false)), std::nullopt);
  EXPECT_EQ(value_of(value_of(journal->read(5))).output, "five");
}

TEST_F(sqlite_batch_journal_test, gives_outputs_in_the_order_of_the_input) {
  auto journal = open();
  ASSERT_TRUE(journal->keep({{2, 0, true, "c"}, {0, 0, true, "a"}, {1, 0, true, "b"}}));
  std::string all;
  ASSERT_TRUE(journal->each(true, [&](std::string_view output) {
    all += output;
    return true;
  }));
  EXPECT_EQ(all, "abc");
}

TEST_F(sqlite_batch_journal_test, a_later_result_replaces_a_failure) {
  auto journal = open();
  ASSERT_TRUE(journal->keep({{0, 7, false, "bad"}}));
  ASSERT_TRUE(journal->keep({{0, 7, true, "good"}}));
  EXPECT_EQ(value_of(journal->kept(0, true)), 7u);
  EXPECT_EQ(value_of(value_of(journal->read(0))).output, "good");
}

TEST_F(sqlite_batch_journal_test, refuses_other_arguments) {
  open("a").reset();
  const auto other = open_sqlite_batch_journal(path, "b");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, error_kind::validation);
  EXPECT_NE(other.error().message.find("other arguments"), std::string::npos);
}

TEST_F(sqlite_batch_journal_test, refuses_the_journal_of_another_version) {
  ASSERT_TRUE(open()->keep({{0, 7, true, "kept"}}));
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "UPDATE meta SET value = '2' WHERE key = 'version'", nullptr, nullptr,
                         nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  const auto refused = open_sqlite_batch_journal(path, "a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::validation);
  EXPECT_NE(refused.error().message.find("another version"), std::string::npos);
}

TEST_F(sqlite_batch_journal_test, refuses_a_second_process) {
  const auto mine = open();
  const pid_t child = fork();
  if (child == 0) {
    const auto theirs = open_sqlite_batch_journal(path, "a");
    const bool refused =
        !theirs && theirs.error().message.find("another process") != std::string::npos;
    _exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(sqlite_batch_journal_test, names_a_file_that_is_no_journal) {
  std::ofstream(path) << "this is a text that was never a database, and long enough to be read";
  const auto opened = open_sqlite_batch_journal(path, "a");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find(path), std::string::npos);
}

TEST_F(sqlite_batch_journal_test, names_a_folder_that_is_not_there) {
  const auto opened = open_sqlite_batch_journal(folder / "none" / "run.db", "a");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("folder"), std::string::npos);
}

}  // namespace
}  // namespace graphbit
