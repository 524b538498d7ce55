#include <graphbit/actors/batch.hpp>

#include <future>

#include "provider_fixture.hpp"

namespace graphbit {
namespace {

class batch_test : public testing::provider_fixture {
 protected:
  /// Keeps what a batch tells.
  struct listener final : batch_listener {
    listener(std::vector<batch_outcome>& o, std::promise<batch_summary>& d)
        : outcomes(o), done(d) {}
    void on_wanted(std::size_t) override {}
    void on_outcome(batch_outcome outcome) override { outcomes.push_back(std::move(outcome)); }
    void on_done(const batch_summary& summary) override { done.set_value(summary); }
    std::vector<batch_outcome>& outcomes;
    std::promise<batch_summary>& done;
  };
};

TEST_F(batch_test, an_items_time_starts_when_it_is_pulled) {
  behave(R"({"latency_ms": 30})");
  std::vector<batch_outcome> outcomes;
  std::promise<batch_summary> done;
  batch_options options;
  options.in_flight_max = 1;
  options.item_timeout = milliseconds{1'000};
  auto started =
      batch::start(rt, open(config()), options, std::make_unique<listener>(outcomes, done));
  ASSERT_TRUE(started) << started.error().message;
  constexpr std::uint64_t count = 50;  // one after the other they take longer than an item may
  std::vector<batch_item> items;
  for (std::uint64_t i = 0; i < count; ++i) items.push_back({i, ask(std::to_string(i)), {}});
  const auto begun = steady_clock::now();
  started->add(std::move(items));
  started->close();
  const auto summary = done.get_future().get();
  EXPECT_EQ(summary.succeeded, count);
  EXPECT_GT(steady_clock::now() - begun, *options.item_timeout);
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.result);
}

}  // namespace
}  // namespace graphbit
