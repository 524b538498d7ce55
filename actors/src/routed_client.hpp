#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <graphbit/actors/policy/route.hpp>
#include <graphbit/net/price_table.hpp>

#include "provider_pipeline.hpp"

namespace graphbit {

class routed_call;

/// A provider client over several others: each call is tried at one target after the other, in the
/// order of a strategy, until one answers or none is left. The targets' own pipelines retry, limit
/// and break; this only chooses who is asked next. Threads: any.
class routed_client final : public provider_client::impl,
                            public std::enable_shared_from_this<routed_client> {
 public:
  /// Errors: Configuration for routes without targets; what opening a target gives.
  [[nodiscard]] static expected<std::shared_ptr<routed_client>> open(runtime& rt,
                                                                     provider_config config);
  routed_client(provider_config config, std::vector<provider_client> targets,
                std::shared_ptr<price_book> prices);

  std::uint64_t submit(pending_call_ptr call, reactor* home) override;
  void cancel(std::uint64_t call_id) override;
  void resume(std::uint64_t call_id) override;
  void warm_up(std::function<void(expected<void>)> done) override;
  void set_limits(const limits_change& to) override;
  const provider_config& config() const override { return config_; }
  provider_client_stats stats() const override;
  provider_client_stats counters() const override;
  reactor& home_of_this_thread() const override;

  [[nodiscard]] const provider_client& target(std::size_t index) const { return targets_[index]; }
  void answered(std::size_t target, std::uint64_t latency_us);
  void forget(std::uint64_t call_id);

 private:
  [[nodiscard]] double price_of(const provider_client& target) const;
  [[nodiscard]] std::vector<std::size_t> order(const call_options& options);
  [[nodiscard]] std::shared_ptr<routed_call> find(std::uint64_t call_id);

  provider_config config_;
  std::vector<provider_client> targets_;
  std::shared_ptr<price_book> prices_;
  std::vector<std::atomic<double>> latency_ms_;
  std::atomic<std::uint64_t> turn_{0};
  std::atomic<std::uint64_t> next_call_{1};
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::weak_ptr<routed_call>> calls_;
};

}  // namespace graphbit
