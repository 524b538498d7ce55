#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <graphbit/cluster/open_run_store.hpp>
#include <graphbit/runtime/random.hpp>

#include "value_of.hpp"

namespace graphbit {
namespace {

constexpr int nodes_count = 20;
constexpr milliseconds lease_length{6'000};

/// A process that works on the run whenever it may, and is stopped, killed and started by chance.
struct owner_model {
  std::string name;
  std::optional<claimed_run> run;
  std::vector<std::string> to_do;
  wall_time stalled_until{};
  wall_time renew_at{};
};

/// One run, two owners, a store: what it recorded in the end.
class fight {
 public:
  explicit fight(std::uint64_t seed) : random_(seed) {
    for (auto& owner : owners_) restart(owner);
  }

  /// True when the run ended in time.
  [[nodiscard]] bool run() {
    for (int step = 0; step < 20'000 && !ended_; ++step) {
      now_ += milliseconds(random_.below(400));
      for (auto& owner : owners_) act(owner);
    }
    return ended_;
  }
  [[nodiscard]] std::vector<journal_record> records() {
    return value_of(store_->records("r", 0, 1'000));
  }
  [[nodiscard]] int fenced() const { return fenced_; }
  [[nodiscard]] std::uint64_t tokens() const { return last_token_; }

 private:
  void restart(owner_model& owner) {
    owner = {};
    owner.name = "owner-" + std::to_string(++names_);
  }

  void act(owner_model& owner) {
    if (owner.stalled_until > now_) return;
    if (random_.below(25) == 0) {  // a garbage collection, a laptop's lid, a cut network
      owner.stalled_until = now_ + milliseconds(random_.below(20'000));
      return;
    }
    if (random_.below(150) == 0) return restart(owner);
    if (!owner.run) return claim(owner);
    // Often its answer is recorded before it looks at its lease.
    if (owner.renew_at <= now_ && random_.below(2) == 0 && !renew(owner)) return;
    work(owner);
  }

  void claim(owner_model& owner) {
    const run_lease lease{owner.name, lease_length};
    auto claimed = store_->begin({"r", "w", "h", "{}", "{}", "", ""}, lease);
    if (!claimed) return;  // another holds it
    if (claimed->token == 0) {
      ended_ = true;
      return;
    }
    EXPECT_GT(claimed->token, last_token_);
    last_token_ = claimed->token;
    std::map<std::string, bool> done;
    for (const auto& record : claimed->records) done[record.key] = true;
    for (int node = 0; node < nodes_count; ++node)
      if (!done.contains(std::to_string(node))) owner.to_do.push_back(std::to_string(node));
    owner.run = std::move(*claimed);
    owner.renew_at = now_ + lease_length / 3;
  }

  [[nodiscard]] bool renew(owner_model& owner) {
    const std::vector<held_run> held{{"r", owner.run->token}};
    const auto renewed = store_->renew({owner.name, lease_length}, held);
    owner.renew_at = now_ + lease_length / 3;
    if (renewed->lost.empty()) return true;
    restart(owner);
    return false;
  }

  void work(owner_model& owner) {
    if (random_.below(3) != 0) return;  // the provider takes its time
    run_append group{"r", owner.run->token, {}, {}};
    if (owner.to_do.empty()) {
      group.change = run_change{.state = stored_state::completed};
    } else {
      group.records.push_back({0, journal_kind::node_ended, owner.to_do.back(), owner.name, now_});
      owner.to_do.pop_back();
    }
    const auto result = value_of(store_->append(std::vector<run_append>{group})).front();
    if (result.fenced) {
      ++fenced_;
      restart(owner);
    } else if (group.change) {
      ended_ = true;
    }
  }

  random_source random_;
  wall_time now_{milliseconds(1'000'000)};
  std::unique_ptr<run_store> store_ = make_memory_run_store([this] { return now_; });
  std::vector<owner_model> owners_{2};
  int names_ = 0;
  int fenced_ = 0;
  std::uint64_t last_token_ = 0;
  bool ended_ = false;
};

TEST(two_owners_test, a_thousand_fights_end_with_one_result_per_node) {
  int fenced = 0;
  std::uint64_t tokens = 0;
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    fight f(seed);
    ASSERT_TRUE(f.run()) << "seed " << seed;
    std::map<std::string, int> results;
    for (const auto& record : f.records()) ++results[record.key];
    ASSERT_EQ(results.size(), static_cast<std::size_t>(nodes_count)) << "seed " << seed;
    for (const auto& [node, count] : results) ASSERT_EQ(count, 1) << "seed " << seed << node;
    fenced += f.fenced();
    tokens += f.tokens();
  }
  EXPECT_GT(fenced, 100) << "stale owners must have tried";
  EXPECT_GT(tokens, 2'000u) << "the run must have changed hands";
}

}  // namespace
}  // namespace graphbit
