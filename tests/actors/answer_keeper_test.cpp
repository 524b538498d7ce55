#include <atomic>
#include <future>
#include <map>
#include <memory>

#include <gtest/gtest.h>

#include <graphbit/actors/response_cache.hpp>

#include "provider_fixture.hpp"

namespace graphbit {
namespace {

using namespace std::chrono_literals;

/// Keeps in memory, and fails when told to.
class memory_answers final : public answer_store {
 public:
  expected<void> open() override { return check(); }
  expected<std::optional<kept_answer>> find(std::string_view key) override {
    if (auto ok = check(); !ok) return fail(ok.error());
    ++lookups;
    const auto found = kept.find(std::string(key));
    return found == kept.end() ? std::nullopt : std::optional(found->second);
  }
  expected<void> keep(const std::vector<new_answer>& group) override {
    if (auto ok = check(); !ok) return ok;
    for (const auto& one : group) kept[one.key] = one.kept;
    return {};
  }

  std::map<std::string, kept_answer> kept;  // the keeper's thread, or nobody's
  std::atomic<bool> broken{false};
  std::atomic<int> lookups{0};

 private:
  [[nodiscard]] expected<void> check() const {
    if (broken) return fail(resource_error("disk", "the disk is full"));
    return {};
  }
};

class kept_calls : public testing::provider_fixture {
 protected:
  [[nodiscard]] provider_client open_kept(runtime& in, seconds age_max = seconds{60}) {
    return open_kept(in, age_max, store);
  }
  [[nodiscard]] provider_client open_kept(runtime& in, seconds age_max,
                                          std::shared_ptr<answer_store> where) {
    auto c = config();
    c.response_cache_max_age = age_max;
    EXPECT_TRUE(in.service<response_cache>()->keep_in(std::move(where)));
    auto client = provider_client::open(in, c);
    EXPECT_TRUE(client) << (client ? "" : client.error().message);
    return *client;
  }
  std::shared_ptr<memory_answers> store = std::make_shared<memory_answers>();
};

TEST_F(kept_calls, answers_outlive_their_runtime) {
  const auto first = open_kept(rt).complete(ask("Name a colour"));
  ASSERT_TRUE(first);
  rt.shutdown();
  EXPECT_EQ(store->kept.size(), 1u);
  runtime next{{.worker_threads = 1, .reactors = 1}};
  const auto client = open_kept(next);
  const auto again = client.complete(ask("Name a colour"));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->cached);
  EXPECT_EQ(again->content, first->content);
  EXPECT_EQ(again->attempts, 0u);
  EXPECT_EQ(requests(), 1u);
  EXPECT_EQ(store->lookups, 2);
  ASSERT_TRUE(client.complete(ask("Name a colour")));
  EXPECT_EQ(store->lookups, 2) << "from now on it is in memory";
}

TEST_F(kept_calls, what_is_too_old_is_asked_again) {
  ASSERT_TRUE(open_kept(rt).complete(ask("x")));
  rt.shutdown();
  for (auto& [key, kept] : store->kept) kept.kept_at -= 61s;
  runtime next{{.worker_threads = 1, .reactors = 1}};
  const auto again = open_kept(next).complete(ask("x"));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->cached);
  EXPECT_EQ(requests(), 2u);
}

TEST_F(kept_calls, of_equal_calls_at_once_one_is_looked_up) {
  const auto client = open_kept(rt);
  testing::outcomes all;
  for (int i = 0; i < 20; ++i) client.submit(ask("same"), {}, all.next());
  ASSERT_TRUE(all.wait_for(20));
  for (const auto& result : all.results()) EXPECT_TRUE(result);
  EXPECT_EQ(store->lookups, 1);
  EXPECT_EQ(requests(), 1u);
}

TEST_F(kept_calls, a_stream_is_answered_by_what_is_kept) {
  const auto told = open_kept(rt).complete(ask("Tell me"));
  ASSERT_TRUE(told);
  rt.shutdown();
  runtime next{{.worker_threads = 1, .reactors = 1}};
  testing::outcomes stream;
  open_kept(next).submit(ask("Tell me"), {}, stream.next(), true);
  ASSERT_TRUE(stream.wait_for(1));
  ASSERT_TRUE(stream.results().front());
  EXPECT_TRUE(stream.results().front()->cached);
  EXPECT_EQ(stream.text(), told->content);
  EXPECT_EQ(requests(), 1u);
}

TEST_F(kept_calls, a_broken_store_fails_no_call) {
  const auto client = open_kept(rt);
  store->broken = true;
  const auto first = client.complete(ask("x"));
  const auto second = client.complete(ask("x"));
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(second->cached) << "memory serves on";
  EXPECT_EQ(requests(), 1u);
}

TEST_F(kept_calls, a_store_that_cannot_be_opened_is_refused_with_its_own_words) {
  store->broken = true;
  const auto kept = rt.service<response_cache>()->keep_in(store);
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().message, "the disk is full");
}

TEST_F(kept_calls, without_its_store_the_cache_is_memory_alone) {
  const auto client = open_kept(rt);
  ASSERT_TRUE(rt.service<response_cache>()->keep_in(nullptr));
  ASSERT_TRUE(client.complete(ask("x")) && client.complete(ask("x")));
  EXPECT_EQ(store->lookups, 0);
  EXPECT_EQ(requests(), 1u);
}

/// A store that keeps its reader waiting.
class slow_answers final : public answer_store {
 public:
  explicit slow_answers(std::shared_future<void> go) : go_(std::move(go)) {}
  expected<void> open() override { return {}; }
  expected<std::optional<kept_answer>> find(std::string_view) override {
    go_.wait();
    return std::optional<kept_answer>{};
  }
  expected<void> keep(const std::vector<new_answer>&) override { return {}; }

 private:
  std::shared_future<void> go_;
};

TEST_F(kept_calls, a_deadline_does_not_wait_for_a_store) {
  std::promise<void> go;
  const auto client =
      open_kept(rt, seconds{60}, std::make_shared<slow_answers>(go.get_future().share()));
  call_options options;
  options.deadline_at = steady_clock::now() + 30ms;
  const auto late = client.complete(ask("x"), options);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, error_kind::timeout);
  EXPECT_EQ(requests(), 0u);
  go.set_value();
}

TEST_F(kept_calls, a_cancelled_lookup_sends_nothing) {
  std::promise<void> go;
  const auto client =
      open_kept(rt, seconds{60}, std::make_shared<slow_answers>(go.get_future().share()));
  testing::outcomes all;
  const auto id = client.submit(ask("x"), {}, all.next());
  client.cancel(id);
  ASSERT_TRUE(all.wait_for(1));
  EXPECT_TRUE(all.results().front().error().cancelled);
  go.set_value();
  ASSERT_TRUE(client.complete(ask("y")));
  EXPECT_EQ(requests(), 1u);
}

}  // namespace
}  // namespace graphbit
