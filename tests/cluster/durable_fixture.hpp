#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <graphbit/actors/executor.hpp>

#include "cluster/counting_model.hpp"
#include "cluster/store_place.hpp"

namespace graphbit::testing {

/// What all tests of durable runs share: a workflow, the model it asks, and executors over them.
class durable_workflow {
 protected:
  /// On `options.store`, or else on the test's own.
  executor open(executor_options options = {}) {
    if (!options.store) options.store = store;
    auto backend =
        std::make_shared<fake_backend>([this](const chat_request& r) { return model.answer(r); });
    auto made = executor::open(rt, {}, std::move(options),
                               [backend](const provider_config&) { return backend; });
    EXPECT_TRUE(made.has_value());
    return *made;
  }

  void add(expected<node> n) {
    ASSERT_TRUE(n.has_value()) << n.error().message;
    ASSERT_TRUE(flow.add_node(*n).has_value());
  }
  void agent(const std::string& name, const std::string& prompt) {
    add(node::agent(name, {.prompt = prompt}));
  }
  void connect(const std::string& from, const std::string& to) {
    ASSERT_TRUE(flow.connect(from, to).has_value());
  }
  [[nodiscard]] static run_options named(const std::string& run_id) {
    run_options options;
    options.run_id = run_id;
    return options;
  }

  std::unique_ptr<store_place> place;
  std::shared_ptr<run_store> store;
  counting_model model;
  workflow flow{"test"};
  // Ended before the rest: executors close in their own time, and until then they use the model and
  // adopt what they find in the store.
  runtime rt;
};

/// Executors on a fresh store of each kind.
class durable_fixture : public ::testing::TestWithParam<store_kind>, protected durable_workflow {
 protected:
  void SetUp() override {
    if (const auto missing = GetParam().missing(); !missing.empty()) GTEST_SKIP() << missing;
    place = GetParam().make();
    store = place->open();
  }

  [[nodiscard]] stored_run stored(const std::string& run_id) {
    auto found = store->find(run_id);
    EXPECT_TRUE(found.has_value() && found->has_value());
    return found && *found ? **found : stored_run{};
  }
  void wait_until(const std::string& run_id, stored_state state) {
    const auto there = [&] {  // a run that was just started is not in the store yet
      const auto found = store->find(run_id);
      return found && *found && (*found)->state == state;
    };
    for (int i = 0; i < 20'000 && !there(); ++i) std::this_thread::sleep_for(milliseconds{1});
    EXPECT_EQ(stored(run_id).state, state);
  }
  [[nodiscard]] std::size_t count(const std::string& run_id, journal_kind kind) {
    const auto records = store->records(run_id, 0, 10'000);
    return static_cast<std::size_t>(std::count_if(
        records->begin(), records->end(), [&](const journal_record& r) { return r.kind == kind; }));
  }
};

}  // namespace graphbit::testing
