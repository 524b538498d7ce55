#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <graphbit/actors/supervisor.hpp>
#include <graphbit/runtime/runtime.hpp>

#include "actor_slot.hpp"
#include "call_gate.hpp"
#include "provider_pipeline.hpp"

namespace graphbit {

/// The top of a runtime's supervision tree: supervises breakers, limiters, provider clients and
/// executors, and knows which provider client belongs to which configuration.
///
/// Lifecycle: a service of the runtime, made at first use; its destructor stops all children in
/// reverse order of their start. Threads: any, but its destructor not on a reactor.
class root_executor {
 public:
  /// The runtime's. Error: Runtime when it was shut down.
  [[nodiscard]] static expected<std::shared_ptr<root_executor>> of(runtime& rt);
  explicit root_executor(runtime& rt);
  ~root_executor();
  root_executor(const root_executor&) = delete;
  root_executor& operator=(const root_executor&) = delete;

  /// The one provider client of a configuration, and of who divides its limits among processes;
  /// null: who was set by `share_limits`.
  [[nodiscard]] expected<std::shared_ptr<provider_pipeline>> client_for(
      provider_config config, std::shared_ptr<limit_authority> limits = nullptr);
  void share_limits(std::shared_ptr<limit_authority> authority);
  /// Closed when the runtime ends; handles enter it before they touch actors or reactors.
  [[nodiscard]] const std::shared_ptr<call_gate>& gate() const noexcept { return gate_; }
  /// A slot that is emptied when the runtime ends: no handle of an actor outlives its system.
  [[nodiscard]] std::shared_ptr<actor_slot> make_slot();
  /// Starts a child and has it supervised.
  caf::actor start_child(child_spec spec);
  /// The supervisor itself, which answers (tree) with handles.
  [[nodiscard]] const caf::actor& actor() const noexcept { return supervisor_.actor(); }
  /// The tree below the root, as it is now.
  [[nodiscard]] std::vector<supervised> tree(duration patience = seconds(5)) const {
    return supervisor_.children(patience);
  }
  /// All provider clients there are.
  [[nodiscard]] std::vector<std::shared_ptr<provider_pipeline>> clients();

 private:
  [[nodiscard]] std::shared_ptr<actor_slot> breaker_for(const provider_config& config);
  [[nodiscard]] std::shared_ptr<actor_slot> limiter_for(
      const provider_config& config, const std::shared_ptr<limit_authority>& limits);
  void drop_unused_clients();
  void drop_unused_limiters();
  void collect(metrics_page& page);

  runtime& rt_;
  std::shared_ptr<call_gate> gate_ = std::make_shared<call_gate>();
  supervisor supervisor_;
  std::mutex slots_mutex_;
  std::vector<std::weak_ptr<actor_slot>> slots_;  // guarded by slots_mutex_
  std::size_t slots_pruned_at_ = 64;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<provider_pipeline>> clients_;
  std::map<std::string, std::shared_ptr<actor_slot>> breakers_;
  struct limiter_entry {
    std::shared_ptr<actor_slot> slot;
    bool shares = false;  ///< with other processes, by an authority that may end before this one
  };
  std::map<std::string, limiter_entry> limiters_;
  std::shared_ptr<limit_authority> limits_;  // null: limits are this process's own
  std::shared_ptr<void> collector_;
};

}  // namespace graphbit
