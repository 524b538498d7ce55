// Every way a network can fail, between the provider client and a provider that is well: what the
// caller gets for it, and that the client is whole again once the network is.
#include <algorithm>
#include <ostream>

#include "chaos_proxy.hpp"
#include "provider_fixture.hpp"

namespace graphbit {
namespace {

using testing::chaos_proxy;
using testing::network_fault;
using testing::outcomes;

struct condition {
  const char* name;
  network_fault fault;
  std::size_t amount;
  std::vector<error_kind> failures;  // which of them are right; none: the call succeeds
  std::uint32_t attempts;            // of one call that may retry once; 0: any
  friend std::ostream& operator<<(std::ostream& out, const condition& c) { return out << c.name; }
};

const std::vector<error_kind> network{error_kind::network};
const std::vector<error_kind> timeout{error_kind::timeout};
const std::vector<error_kind> unreadable{error_kind::network, error_kind::core};
// Without a single line end left, an answer's head may seem to go on.
const std::vector<error_kind> unreadable_or_endless{error_kind::network, error_kind::core,
                                                    error_kind::timeout};
const std::vector<error_kind> none{};

const condition conditions[] = {
    {"a_clear_network", network_fault::none, 0, none, 1},
    {"refused", network_fault::refuse, 0, network, 2},
    {"never_read", network_fault::stop_reading, 0, timeout, 2},
    {"never_answered", network_fault::never_answer, 0, timeout, 2},
    {"closed_on_data", network_fault::close_on_data, 0, network, 2},
    {"every_byte_corrupted", network_fault::corrupt, 1, unreadable_or_endless, 0},
    {"every_40th_byte_corrupted", network_fault::corrupt, 40, unreadable, 2},
    {"delayed", network_fault::delay, 20, none, 1},
    {"slow", network_fault::limit_bandwidth, 20, none, 1},
    {"sliced_into_bytes", network_fault::slice, 0, none, 1},
    {"reset_before_the_answer", network_fault::reset_after, 0, network, 2},
    {"reset_within_the_head", network_fault::reset_after, 40, network, 2},
};

class chaos_test : public testing::provider_fixture {
 protected:
  void SetUp() override {
    provider_fixture::SetUp();
    proxy = std::make_unique<chaos_proxy>(static_cast<std::uint16_t>(provider.port()));
  }
  void TearDown() override {
    provider_fixture::TearDown();
    proxy.reset();
  }
  [[nodiscard]] provider_client open_through(bool hurried) {
    auto c = config();
    c.base_url = proxy->url() + "/v1";
    c.max_retries = 1;
    if (hurried) c.first_byte_timeout = milliseconds{200};
    return open(c);
  }
  struct ending {
    expected<chat_response> result;
    std::string text;
  };
  [[nodiscard]] static ending call(const provider_client& client, bool stream,
                                   milliseconds patience = seconds{15}) {
    call_options options;
    options.deadline_at = steady_clock::now() + patience;
    outcomes all;
    client.submit(ask("What is a good network?"), options, all.next(), stream);
    EXPECT_TRUE(all.wait_for(1));
    return {all.results().front(), all.text()};
  }

  std::unique_ptr<chaos_proxy> proxy;
};

class each_condition : public chaos_test,
                       public ::testing::WithParamInterface<std::tuple<condition, bool>> {};

TEST_P(each_condition, ends_each_call_rightly_and_recovers) {
  const auto& [when, stream] = GetParam();
  const auto may_be = [&failures = when.failures](error_kind kind) {
    return std::find(failures.begin(), failures.end(), kind) != failures.end();
  };
  const auto client = open_through(may_be(error_kind::timeout));
  proxy->set(when.fault, when.amount);
  const bool endless = may_be(error_kind::timeout);
  const auto met = call(client, stream, endless ? seconds{1} : seconds{15});
  if (when.failures.empty()) {
    ASSERT_TRUE(met.result) << met.result.error().message;
    EXPECT_EQ(met.text, stream ? met.result->content : "");
    EXPECT_EQ(met.result->attempts, when.attempts);
  } else {
    ASSERT_FALSE(met.result);
    const auto& e = met.result.error();
    EXPECT_TRUE(may_be(e.kind)) << describe(e);
    if (when.attempts != 0) {
      EXPECT_EQ(e.attempts, when.attempts) << describe(e);
    }
    EXPECT_FALSE(e.message.empty());
  }
  proxy->set(network_fault::none);
  const auto after = call(client, stream);
  EXPECT_TRUE(after.result) << after.result.error().message;
  const auto stats = client.stats();
  EXPECT_EQ(stats.in_flight, 0u);
  EXPECT_EQ(stats.breaker, breaker_state::closed);
}

std::string name_of(const ::testing::TestParamInfo<std::tuple<condition, bool>>& test) {
  const auto& [when, stream] = test.param;
  return std::string(when.name) + (stream ? "_stream" : "");
}

INSTANTIATE_TEST_SUITE_P(networks, each_condition,
                         ::testing::Combine(::testing::ValuesIn(conditions), ::testing::Bool()),
                         name_of);

TEST_F(chaos_test, a_half_open_connection_is_given_up_for_a_new_one) {
  const auto client = open_through(true);
  proxy->set(network_fault::half_open);
  ASSERT_TRUE(call(client, false).result);
  const auto second = call(client, false);  // on the pooled connection, whose other end is gone
  ASSERT_TRUE(second.result) << second.result.error().message;
  EXPECT_EQ(second.result->attempts, 2u) << "the first one waited for its first byte in vain";
  EXPECT_EQ(proxy->connections(), 2u);
}

TEST_F(chaos_test, a_stream_that_is_reset_keeps_what_it_had_said) {
  behave(R"({"chunk_count": 200, "reply_bytes": 4000})");
  const auto client = open_through(false);
  proxy->set(network_fault::reset_after, 8000);
  const auto met = call(client, true);
  ASSERT_FALSE(met.result);
  EXPECT_EQ(met.result.error().kind, error_kind::network);
  EXPECT_FALSE(met.text.empty());
  EXPECT_EQ(met.result.error().partial_text, met.text);
  EXPECT_EQ(met.result.error().attempts, 1u);
}

TEST_F(chaos_test, a_big_answer_passes_a_narrow_line_whole) {
  behave(R"({"reply_bytes": 60000})");
  const auto client = open_through(false);
  proxy->set(network_fault::limit_bandwidth, 1000);
  const auto met = call(client, false);
  ASSERT_TRUE(met.result) << met.result.error().message;
  EXPECT_GE(met.result->content.size(), 60'000u);
}

}  // namespace
}  // namespace graphbit
