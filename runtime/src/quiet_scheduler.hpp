#pragma once

#include <atomic>
#include <mutex>
#include <unordered_set>

#include <caf/policy/work_sharing.hpp>
#include <caf/scheduler/coordinator.hpp>

#include <graphbit/runtime/caf.hpp>

namespace graphbit {

/// CAF's clock, told only what concerns it.
///
/// Problem: every actor that ends cancels all its timeouts, which queues an event for the clock's
/// thread and wakes it. A run ends one actor per node, and hardly an actor of ours ever sets a
/// timeout: a fifth of a workflow's CPU went into waking a thread for nothing. This clock notes
/// who has set one, and passes on the cancelling of those alone.
///
/// Threads: any.
class quiet_clock final : public caf::detail::thread_safe_actor_clock {
 public:
  explicit quiet_clock(caf::actor_clock& real) : real_(real) {}

  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                            uint64_t id) override;
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                         uint64_t id) override;
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override;
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override;
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;
  void schedule_message(time_point t, caf::strong_actor_ptr receiver,
                        caf::mailbox_element_ptr content) override;
  void schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender,
                        caf::message content) override;
  void cancel_all() override;

 private:
  void note(caf::abstract_actor* self);

  caf::actor_clock& real_;
  std::mutex mutex_;
  std::unordered_set<caf::abstract_actor*> users_;  // have set a timeout and not ended
  std::atomic<bool> any_{false};                    // spares the lock while there are none
};

/// CAF's work-sharing scheduler with that clock. Load it before the actor system is made.
class quiet_scheduler final : public caf::scheduler::coordinator<caf::policy::work_sharing> {
 public:
  using super = caf::scheduler::coordinator<caf::policy::work_sharing>;

  explicit quiet_scheduler(caf::actor_system& system) : super(system), clock_(super::clock()) {}
  quiet_clock& clock() noexcept override { return clock_; }
  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>) {
    return new quiet_scheduler(system);
  }

 private:
  quiet_clock clock_;
};

}  // namespace graphbit
