#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include <graphbit/actors/provider_client_impl.hpp>

#include "actor_slot.hpp"
#include "call_gate.hpp"
#include "provider_shard.hpp"

namespace graphbit {

/// The pipeline of one configuration: one provider client actor (shard) per reactor, and the
/// breaker and limiter that they share with others.
class provider_pipeline final : public provider_client::impl {
 public:
  struct shard {
    reactor* home = nullptr;
    std::shared_ptr<actor_slot> slot;
    std::shared_ptr<shard_counters> counters = std::make_shared<shard_counters>();
  };

  explicit provider_pipeline(std::shared_ptr<const provider_endpoint> endpoint)
      : endpoint_(std::move(endpoint)) {}
  ~provider_pipeline() override;

  std::uint64_t submit(pending_call_ptr call, reactor* home) override;
  void cancel(std::uint64_t call_id) override;
  void resume(std::uint64_t call_id) override;
  void warm_up(std::function<void(expected<void>)> done) override;
  void set_limits(const limits_change& to) override;
  const provider_config& config() const override { return endpoint_->config; }
  [[nodiscard]] const origin& at() const { return endpoint_->at.at; }
  provider_client_stats stats() const override;
  provider_client_stats counters() const override;
  reactor& home_of_this_thread() const override;
  struct picture {
    provider_client_stats stats;
    shard_totals totals;
  };
  /// As `stats`, without running a reactor's loop on this thread: a shard that does not answer in
  /// time is counted without its pool and its totals.
  [[nodiscard]] picture seen_within(milliseconds patience) const;

  std::shared_ptr<actor_slot> breaker, limiter;
  std::vector<shard> shards;  // one per reactor

 private:
  [[nodiscard]] const shard& at_home(const reactor* home) const;
  [[nodiscard]] const shard& of_call(std::uint64_t call_id) const {
    return shards[call_id % shards.size()];
  }
  static void add_pool_stats(const shard& of, provider_client_stats& sum);

  std::shared_ptr<const provider_endpoint> endpoint_;
  std::atomic<std::uint64_t> next_call_{1};
};

}  // namespace graphbit
