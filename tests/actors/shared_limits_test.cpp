// Provider clients that hold their limits together with other processes: what they may send, and
// what they do when nobody divides the limit any more.

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <mutex>

#include <graphbit/actors/limit_authority.hpp>

#include "provider_fixture.hpp"
#include "value_of.hpp"

namespace graphbit {
namespace {

using namespace std::chrono_literals;

/// Divides by the real rules, or answers what a test wants.
class fake_authority final : public limit_authority {
 public:
  explicit fake_authority(duration lasts) : lasts_(lasts) {}
  expected<std::uint64_t> join() override { return ++holders_; }
  expected<policy::limit_share> lease(std::string_view,
                                      const policy::share_request& request) override {
    const std::lock_guard guard(mutex_);
    if (silent) return fail(network_error("the store is out of reach"));
    if (scripted) return scripted();
    return shares_.lease(request, lasts_, steady_clock::now());
  }
  expected<void> give_back(std::string_view, const policy::share_return&) override {
    ++given_back;
    return {};
  }
  expected<std::string> hash_key() override { return std::string(32, 'k'); }

  std::atomic<bool> silent{false};
  std::atomic<int> given_back{0};
  std::function<policy::limit_share()> scripted;  // under the mutex; set before use

 private:
  duration lasts_;
  std::mutex mutex_;
  std::atomic<std::uint64_t> holders_{0};
  policy::limit_shares shares_;
};

class shared_limits_test : public testing::provider_fixture {
 protected:
  provider_client open_in(runtime& where, provider_config c) {
    EXPECT_TRUE(share_limits(where, authority));
    return *provider_client::open(where, std::move(c));
  }
  void submit(const provider_client& client, int count) {
    for (int i = 0; i < count; ++i) client.submit(ask("hi"), {}, all.next());
  }

  std::shared_ptr<fake_authority> authority = std::make_shared<fake_authority>(10s);
  testing::outcomes all;
};

TEST_F(shared_limits_test, two_processes_never_pass_one_limit_together) {
  runtime other{{.worker_threads = 1, .reactors = 1}};
  auto c = config();
  c.rpm = 600;
  const auto began = steady_clock::now();
  const auto here = open_in(rt, c);
  const auto there = open_in(other, c);
  submit(here, 200);
  submit(there, 200);
  EXPECT_TRUE(all.wait_for(15));
  const auto sent = requests();
  const std::chrono::duration<double> elapsed = steady_clock::now() - began;
  EXPECT_LE(static_cast<double>(sent), 2 + elapsed.count() * 10) << "in " << elapsed.count();
  other.shutdown();
  rt.shutdown();
  EXPECT_GE(authority->given_back, 1) << "who had a share gives it back as it ends";
}

TEST_F(shared_limits_test, who_cannot_renew_stops_when_its_share_ends) {
  authority = std::make_shared<fake_authority>(600ms);
  auto c = config();
  c.rpm = 1200;
  const auto client = open_in(rt, c);
  submit(client, 2000);
  ASSERT_TRUE(all.wait_for(3));
  authority->silent = true;
  std::uint64_t before = 0, now = requests();
  for (int i = 0; i < 30 && before != now; ++i) {
    std::this_thread::sleep_for(800ms);
    before = std::exchange(now, requests());
  }
  EXPECT_EQ(before, now);
  EXPECT_LT(now, 2000u);
}

TEST_F(shared_limits_test, what_is_in_flight_is_cut_a_minute_after_the_share_s_end) {
  behave(R"({"latency_ms": 60000})");
  int asked = 0;
  authority->scripted = [&]() -> policy::limit_share {
    ++asked;
    const bool first = asked == 1;
    // The second share ended nearly a minute before it was asked for.
    return {.token = 1,
            .amount = {.in_flight_max = 4},
            .ends_in = first ? duration(10s) : duration(-59s),
            .ask_after = first ? 1s : 100s};
  };
  auto c = config();
  c.max_in_flight = 4;
  const auto client = open_in(rt, c);
  submit(client, 4);
  ASSERT_TRUE(all.wait_for(4));
  for (const auto& result : all.results()) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, error_kind::network);
    EXPECT_NE(result.error().message.find("share"), std::string::npos) << result.error().message;
  }
}

TEST_F(shared_limits_test, a_configuration_without_limits_asks_nobody) {
  authority->silent = true;
  const auto client = open_in(rt, config());
  submit(client, 3);
  EXPECT_TRUE(all.wait_for(3));
}

TEST_F(shared_limits_test, a_client_may_have_an_authority_of_its_own) {
  authority->silent = true;
  auto c = config();
  c.rpm = 60'000;
  const auto own = value_of(open_sharing(rt, c, std::make_shared<fake_authority>(10s)));
  submit(own, 3);
  EXPECT_TRUE(all.wait_for(3));
  EXPECT_TRUE(share_limits(rt, authority));
  const auto common = *provider_client::open(rt, c);
  submit(common, 1);
  EXPECT_FALSE(all.results().empty());
  EXPECT_EQ(common.counters().attempts, 0u);
}

}  // namespace
}  // namespace graphbit
