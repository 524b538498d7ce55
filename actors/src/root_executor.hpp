#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <graphbit/actors/provider_client.hpp>
#include <graphbit/runtime/runtime.hpp>

#include "actor_slot.hpp"
#include "provider_shard.hpp"
#include "supervisor.hpp"

namespace graphbit {

/// One provider client: what its handles share.
class provider_client::impl {
 public:
  impl(runtime& rt, std::shared_ptr<const provider_endpoint> endpoint)
      : rt(rt), endpoint(std::move(endpoint)) {}
  ~impl();

  struct shard {
    reactor* home = nullptr;
    std::shared_ptr<actor_slot> slot = std::make_shared<actor_slot>();
    std::shared_ptr<shard_counters> counters = std::make_shared<shard_counters>();
  };
  [[nodiscard]] const shard& at_home(const reactor* home) const;
  [[nodiscard]] const shard& of_call(std::uint64_t call_id) const {
    return shards[call_id % shards.size()];
  }

  std::uint64_t hand_over(const shard& to, pending_call_ptr call) const;
  template <class Sink, class Response, class Request>
  [[nodiscard]] expected<Response> wait_for(const provider_client& self, Request request,
                                            call_options options,
                                            const std::function<bool()>& interrupted) const;
  static void add_pool_stats(const shard& of, http_pool_stats& sum);

  runtime& rt;
  std::shared_ptr<const provider_endpoint> endpoint;
  std::shared_ptr<actor_slot> breaker, limiter;
  std::vector<shard> shards;  // one per reactor
  mutable std::atomic<std::uint64_t> next_call{1};
};

/// The top of a runtime's supervision tree: supervises breakers, limiters, provider clients and
/// executors, and knows which provider client belongs to which configuration.
///
/// Lifecycle: a service of the runtime, made at first use; its destructor stops all children in
/// reverse order of their start. Threads: any, but its destructor not on a reactor.
class root_executor {
 public:
  explicit root_executor(runtime& rt);
  ~root_executor();
  root_executor(const root_executor&) = delete;
  root_executor& operator=(const root_executor&) = delete;

  /// The one provider client of a configuration.
  [[nodiscard]] expected<std::shared_ptr<provider_client::impl>> client_for(provider_config config);
  /// Starts a child and has it supervised.
  caf::actor start_child(child_spec spec);
  /// The tree below the root, as it is now.
  [[nodiscard]] std::vector<child_report> tree() const;

 private:
  [[nodiscard]] std::shared_ptr<actor_slot> breaker_for(const provider_config& config);
  [[nodiscard]] std::shared_ptr<actor_slot> limiter_for(const provider_config& config);
  void drop_unused_clients();

  runtime& rt_;
  caf::actor supervisor_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<provider_client::impl>> clients_;
  std::map<std::string, std::shared_ptr<actor_slot>> breakers_, limiters_;
};

}  // namespace graphbit
