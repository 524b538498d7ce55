#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>  // before Asio: Boost 1.74's awaitable.hpp uses std::exchange without it
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <graphbit/runtime/caf.hpp>
#include <graphbit/runtime/clock.hpp>

namespace graphbit {

/// A thread on which pinned actors and their sockets live together.
///
/// Problem: an actor on CAF's scheduler that talks to a socket on an I/O thread pays a thread
/// wake-up (about 50 us) each way. A reactor is an Asio event loop that is also a CAF execution
/// unit: provider client, limiter, breaker, run and connection all run on it and talk without a
/// switch. A caller that waits for an answer may run the loop itself (`drive`), which saves the
/// last switch as well.
///
/// Lifecycle: created after the actor system; `start`; all pinned actors end; `stop`; destroyed
/// before the actor system. Threads: everything is called on the reactor's thread but for what
/// says "any thread".
class reactor final : public caf::execution_unit {
 public:
  struct options {
    std::string thread_name = "graphbit-io";
    std::function<void(std::size_t index)> thread_started;  ///< CPU pinning, priorities
    std::size_t index = 0;
  };

  reactor(caf::actor_system& system, options opts);
  ~reactor() override;

  void start();
  /// Ends the thread. Precondition: all pinned actors ended. Any thread but its own.
  void stop();

  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }
  /// True on the thread that runs the loop right now. Any thread.
  [[nodiscard]] bool here() const noexcept { return current() == this; }
  [[nodiscard]] std::size_t index() const noexcept { return options_.index; }

  /// Queues an actor. Called by CAF; ordinary actors are handed on to the scheduler. Any thread.
  void exec_later(caf::resumable* job) override;
  /// Runs `f` on the reactor's thread, soon. Any thread; never runs it inside this call.
  void post(std::function<void()> f);

  /// Calls `f(now)` about every 100 ms until it returns false: one timer for all deadlines.
  void sweep(std::function<bool(time_point now)> f);

  /// Waits until `*done` is not 0, running the loop on this foreign thread when no other caller
  /// does. `submit` starts the work, on whichever thread. `interrupted` is asked every 50 ms; when
  /// it says true, waiting ends. Returns false when interrupted. Not from a reactor's thread.
  bool drive(std::atomic<std::uint32_t>& done, const std::function<void()>& submit,
             const std::function<bool()>& interrupted);
  /// Sets `done` and wakes whoever waits for it in `drive`. Any thread.
  void finish(std::atomic<std::uint32_t>& done);

 private:
  static const reactor*& current() noexcept;
  void arm();
  void drain();
  void run();
  void kick();
  void tick();
  [[nodiscard]] bool try_lead(std::atomic<std::uint32_t>& done,
                              const std::function<bool()>& interrupted, bool& interrupted_out);

  options options_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;

  std::deque<caf::resumable*> local_;     // only on the loop's thread
  bool armed_ = false;                    // only on the loop's thread
  std::mutex queue_mutex_;
  std::deque<caf::resumable*> external_;  // guarded by queue_mutex_
  std::atomic<bool> has_external_{false};

  std::mutex loop_mutex_;                 // who holds it runs the loop
  std::atomic<int> claims_{0};            // callers that want to run the loop
  std::atomic<bool> unmanned_{true};
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint32_t> kicked_{0};

  boost::asio::steady_timer sweep_timer_;
  std::vector<std::function<bool(time_point)>> sweeps_;
};

}  // namespace graphbit
