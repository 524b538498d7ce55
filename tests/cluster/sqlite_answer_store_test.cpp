#include <graphbit/cluster/sqlite_answer_store.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include <graphbit/cluster/sqlite_batch_journal.hpp>
#include <graphbit/runtime/clock.hpp>

namespace graphbit {
namespace {

using wall_clock = std::chrono::system_clock;

class sqlite_answer_store_test : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder); }

  [[nodiscard]] static cached_answer said(std::string text) {
    chat_response r;
    r.content = std::move(text);
    r.model = "m";
    r.usage.prompt_tokens = 3;
    r.finish.type = finish_reason::kind::length;
    r.tool_calls.push_back({"id", "name", "{}"});
    return cacheable(std::move(r));
  }
  [[nodiscard]] std::shared_ptr<answer_store> open(std::uint64_t bytes_max = 1 << 30) {
    auto store = sqlite_answer_store(path, bytes_max);
    const auto opened = store->open();
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return store;
  }
  [[nodiscard]] static std::string text_in(answer_store& store, std::string_view key) {
    const auto known = store.find(key);
    EXPECT_TRUE(known) << (known ? "" : known.error().message);
    return *known ? std::get<chat_response>(*(*known)->answer).content : "";
  }

  std::filesystem::path folder = [] {
    auto name = (std::filesystem::temp_directory_path() / "answers-XXXXXX").string();
    return std::filesystem::path(mkdtemp(name.data()));
  }();
  std::string path = folder / "answers.db";
};

TEST_F(sqlite_answer_store_test, keeps_answers_over_a_restart) {
  const wall_clock::time_point at{milliseconds{1'700'000'000'123}};
  ASSERT_TRUE(open()->keep({{"question", {said("yes"), at}}}));
  const auto store = open();
  const auto known = store->find("question");
  ASSERT_TRUE(known && *known);
  EXPECT_EQ((*known)->kept_at, at);
  const auto& answer = std::get<chat_response>(*(*known)->answer);
  EXPECT_EQ(answer.content, "yes");
  EXPECT_EQ(answer.model, "m");
  EXPECT_EQ(answer.usage.prompt_tokens, 3u);
  EXPECT_EQ(answer.finish.type, finish_reason::kind::length);
  ASSERT_EQ(answer.tool_calls.size(), 1u);
  EXPECT_EQ(answer.tool_calls[0].name, "name");
  EXPECT_EQ(text_in(*store, "another question"), "");
}

TEST_F(sqlite_answer_store_test, embeddings_come_back_to_the_last_bit) {
  embedding_response answer;
  answer.vectors = {{0.1f, -3.5e-30f}, {}};
  ASSERT_TRUE(open()->keep({{"e", {cacheable(answer), wall_clock::now()}}}));
  const auto known = open()->find("e");
  ASSERT_TRUE(known && *known);
  EXPECT_EQ(std::get<embedding_response>(*(*known)->answer).vectors, answer.vectors);
}

TEST_F(sqlite_answer_store_test, a_later_answer_takes_the_place_of_the_former) {
  const auto store = open();
  ASSERT_TRUE(store->keep({{"q", {said("old"), wall_clock::now()}}}));
  ASSERT_TRUE(store->keep({{"q", {said("new"), wall_clock::now()}}}));
  EXPECT_EQ(text_in(*store, "q"), "new");
}

TEST_F(sqlite_answer_store_test, puts_out_the_oldest_past_its_bound) {
  constexpr std::uint64_t bytes_max = 2 << 20;
  const auto store = open(bytes_max);
  const wall_clock::time_point start{milliseconds{1}};
  constexpr int count = 200;
  for (int i = 0; i < count; ++i)
    ASSERT_TRUE(store->keep(
        {{std::to_string(i), {said(std::string(40'000, 'x')), start + milliseconds{i}}}}));
  EXPECT_EQ(text_in(*store, "0"), "");
  EXPECT_NE(text_in(*store, std::to_string(count - 1)), "");
  EXPECT_LE(std::filesystem::file_size(path), 2 * bytes_max);
}

TEST_F(sqlite_answer_store_test, processes_share_it_and_a_forked_child_opens_it_anew) {
  const auto store = open();
  ASSERT_TRUE(store->keep({{"parent", {said("hello"), wall_clock::now()}}}));
  const auto child = ::fork();
  if (child == 0) {
    const bool read = text_in(*store, "parent") == "hello";
    const bool kept = store->keep({{"child", {said("hello back"), wall_clock::now()}}}).has_value();
    ::_exit(read && kept ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(text_in(*store, "child"), "hello back");
}

TEST_F(sqlite_answer_store_test, a_question_is_not_in_the_file) {
  ASSERT_TRUE(open()->keep({{"a private question", {said("an answer"), wall_clock::now()}}}));
  std::ostringstream all;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    all << std::ifstream(entry.path(), std::ios::binary).rdbuf();
  EXPECT_NE(all.str().find("an answer"), std::string::npos);
  EXPECT_EQ(all.str().find("private question"), std::string::npos);
}

TEST_F(sqlite_answer_store_test, other_files_are_refused_and_left_as_they_were) {
  { std::ofstream(path) << std::string(5'000, 'x'); }
  const auto no_database = sqlite_answer_store(path)->open();
  ASSERT_FALSE(no_database);
  EXPECT_EQ(no_database.error().field, "path");
  EXPECT_NE(no_database.error().message.find("no database"), std::string::npos);
  std::filesystem::remove(path);
  ASSERT_TRUE(open_sqlite_batch_journal(path, "a"));
  const auto another = sqlite_answer_store(path)->open();
  ASSERT_FALSE(another);
  EXPECT_NE(another.error().message.find("something else"), std::string::npos);
  EXPECT_TRUE(open_sqlite_batch_journal(path, "a"));
  EXPECT_FALSE(sqlite_answer_store(folder / "no" / "folder.db")->open());
}

}  // namespace
}  // namespace graphbit
