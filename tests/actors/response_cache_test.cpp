#include <graphbit/actors/response_cache.hpp>

#include <atomic>
#include <thread>

#include "provider_fixture.hpp"

namespace graphbit {
namespace {

using namespace std::chrono_literals;
using testing::outcomes;

const time_point start = time_point{} + std::chrono::hours(1);

cached_answer said(std::string text) {
  chat_response r;
  r.content = std::move(text);
  return cacheable(std::move(r));
}

const std::string& text_of(const cached_answer& known) {
  return std::get<chat_response>(*known).content;
}

TEST(response_cache, gives_what_it_keeps_until_it_is_too_old) {
  response_cache cache;
  cache.keep("k", said("yes"), start);
  ASSERT_TRUE(cache.find("k", 10s, start + 10s));
  EXPECT_EQ(text_of(cache.find("k", 10s, start + 10s)), "yes");
  EXPECT_FALSE(cache.find("k", 10s, start + 11s));
  EXPECT_FALSE(cache.find("K", 10s, start));
}

TEST(response_cache, puts_out_the_least_recently_used) {
  response_cache cache(16 * 1024);
  for (int i = 0; i < 20; ++i) {
    cache.keep(std::to_string(i), said(std::string(500, 'x')), start);
    ASSERT_TRUE(cache.find("0", 1s, start)) << "the one in use stays";
  }
  const auto stats = cache.stats();
  EXPECT_LE(stats.bytes, 16u * 1024);
  EXPECT_GT(stats.evicted, 0u);
  EXPECT_FALSE(cache.find("1", 1s, start));
  EXPECT_TRUE(cache.find("19", 1s, start));
}

TEST(response_cache, counts_the_bytes_of_embeddings) {
  response_cache cache(64 * 1024);
  embedding_response answer;
  answer.vectors.assign(2, std::vector<float>(900));
  cache.keep("e", cacheable(answer), start);
  EXPECT_GE(cache.stats().bytes, 7200u);
  EXPECT_EQ(std::get<embedding_response>(*cache.find("e", 1s, start)).vectors.size(), 2u);
  answer.vectors.assign(2, std::vector<float>(2000));
  cache.keep("big", cacheable(answer), start);
  EXPECT_FALSE(cache.find("big", 1s, start));
}

TEST(response_cache, does_not_keep_what_would_put_out_most) {
  response_cache cache(16 * 1024);
  cache.keep("big", said(std::string(4096, 'x')), start);
  EXPECT_EQ(cache.stats().entries, 0u);
}

TEST(response_cache, followers_hear_their_leaders_end_once) {
  response_cache cache;
  int heard = 0;
  const auto follow = [&](const response_cache::ending& how) {
    ++heard;
    EXPECT_EQ(text_of(how.answer), "yes");
  };
  EXPECT_EQ(cache.ask("k", 1s, start, {}).is, response_cache::standing::leads);
  EXPECT_EQ(cache.ask("k", 1s, start, follow).is, response_cache::standing::follows);
  EXPECT_EQ(cache.ask("k", 1s, start, follow).is, response_cache::standing::follows);
  EXPECT_EQ(cache.ask("other", 1s, start, follow).is, response_cache::standing::leads);
  const response_cache::ending how{said("yes"), {}};
  cache.end("k", how);
  cache.end("k", how);
  EXPECT_EQ(heard, 2);
  EXPECT_EQ(cache.ask("k", 1s, start, {}).is, response_cache::standing::leads);
}

TEST(response_cache, a_lead_that_is_dropped_lets_its_followers_ask_again) {
  const auto cache = std::make_shared<response_cache>();
  bool asks_again = false;
  ASSERT_EQ(cache->ask("k", 1s, start, {}).is, response_cache::standing::leads);
  {
    const cache_lead lead(cache, "k");
    const auto joined = cache->ask("k", 1s, start, [&](const response_cache::ending& how) {
      asks_again = !how.answer && !how.failure;
    });
    EXPECT_NE(joined.is, response_cache::standing::leads);
  }
  EXPECT_TRUE(asks_again);
}

class cached_calls : public testing::provider_fixture {
 protected:
  [[nodiscard]] provider_client open_cached() {
    auto c = config();
    c.response_cache_max_age = seconds{60};
    return open(c);
  }
};

TEST_F(cached_calls, an_equal_call_is_not_sent_again) {
  const auto client = open_cached();
  const auto first = client.complete(ask("Name a colour"));
  const auto second = client.complete(ask("Name a colour"));
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(first->cached);
  EXPECT_TRUE(second->cached);
  EXPECT_EQ(second->content, first->content);
  EXPECT_EQ(second->attempts, 0u);
  EXPECT_EQ(second->cost, 0);
  EXPECT_EQ(requests(), 1u);
  EXPECT_EQ(client.stats().cache_hits, 1u);
  EXPECT_EQ(client.stats().succeeded, 2u);
  ASSERT_TRUE(client.complete(ask("Name a number")));
  EXPECT_EQ(requests(), 2u);
}

TEST_F(cached_calls, the_cache_is_off_by_default_and_can_be_passed_by) {
  const auto plain = open(config());
  ASSERT_TRUE(plain.complete(ask("x")) && plain.complete(ask("x")));
  EXPECT_EQ(requests(), 2u);
  const auto client = open_cached();
  call_options fresh;
  fresh.fresh = true;
  ASSERT_TRUE(client.complete(ask("x")) && client.complete(ask("x"), fresh));
  EXPECT_EQ(requests(), 4u);
}

TEST_F(cached_calls, a_stream_is_answered_by_what_is_known_and_makes_it_known) {
  const auto client = open_cached();
  outcomes sent, known;
  client.submit(ask("Tell me"), {}, sent.next(), true);
  ASSERT_TRUE(sent.wait_for(1));
  client.submit(ask("Tell me"), {}, known.next(), true);
  ASSERT_TRUE(known.wait_for(1));
  EXPECT_EQ(known.text(), sent.text());
  EXPECT_TRUE(known.results().front()->cached);
  EXPECT_EQ(requests(), 1u);
}

TEST_F(cached_calls, of_equal_calls_at_once_one_is_sent) {
  behave(R"({"latency_ms": 100})");
  const auto client = open_cached();
  outcomes all;
  for (int i = 0; i < 50; ++i) client.submit(ask("all the same"), {}, all.next());
  ASSERT_TRUE(all.wait_for(50));
  for (const auto& result : all.results()) EXPECT_TRUE(result);
  EXPECT_EQ(requests(), 1u);
  EXPECT_EQ(client.stats().cache_hits, 49u);
}

TEST_F(cached_calls, embeddings_are_known_too) {
  behave(R"({"latency_ms": 50})");
  const auto client = open_cached();
  embedding_request request;
  request.inputs = {"one", "two"};
  const auto first = client.embed(request);
  const auto second = client.embed(request);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(second->vectors, first->vectors);
  EXPECT_EQ(first->attempts, 1u);
  EXPECT_EQ(second->attempts, 0u) << "nothing was sent";
  EXPECT_EQ(second->cost, 0);
  EXPECT_EQ(requests(), 1u);
  request.inputs = {"two", "one"};
  ASSERT_TRUE(client.embed(request));
  EXPECT_EQ(requests(), 2u);
  EXPECT_EQ(client.stats().cache_hits, 1u);
}

TEST_F(cached_calls, who_waited_shares_the_leaders_error) {
  behave(R"({"latency_ms": 100, "models": ["another"]})");
  const auto client = open_cached();
  outcomes all;
  for (int i = 0; i < 10; ++i) client.submit(ask("all the same"), {}, all.next());
  ASSERT_TRUE(all.wait_for(10));
  for (const auto& result : all.results()) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, error_kind::validation);
  }
  EXPECT_EQ(requests(), 1u);
}

TEST_F(cached_calls, when_the_leader_is_cancelled_another_leads) {
  behave(R"({"fault_hang": 1})");
  const auto client = open_cached();
  outcomes led, followed;
  const auto leader = client.submit(ask("all the same"), {}, led.next());
  while (requests() == 0) std::this_thread::sleep_for(milliseconds{1});
  for (int i = 0; i < 5; ++i) client.submit(ask("all the same"), {}, followed.next());
  behave(R"({"fault_hang": 0})");
  client.cancel(leader);
  ASSERT_TRUE(followed.wait_for(5));
  for (const auto& result : followed.results()) EXPECT_TRUE(result);
  EXPECT_EQ(requests(), 2u);
}

TEST_F(cached_calls, a_follower_keeps_its_own_deadline) {
  behave(R"({"fault_hang": 1})");
  const auto client = open_cached();
  outcomes led, followed;
  const auto leader = client.submit(ask("all the same"), {}, led.next());
  while (requests() == 0) std::this_thread::sleep_for(milliseconds{1});
  call_options hurried;
  hurried.deadline_at = steady_clock::now() + milliseconds{100};
  client.submit(ask("all the same"), hurried, followed.next());
  ASSERT_TRUE(followed.wait_for(1));
  EXPECT_EQ(followed.results().front().error().kind, error_kind::timeout);
  EXPECT_TRUE(led.results().empty());
  client.cancel(leader);
  ASSERT_TRUE(led.wait_for(1));
}

}  // namespace
}  // namespace graphbit
