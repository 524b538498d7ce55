#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>  // before Asio: Boost 1.74's awaitable.hpp uses std::exchange without it
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <graphbit/runtime/caf.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/native_thread.hpp>

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
/// before the actor system. Threads: everything is called on the reactor's thread (the thread that
/// runs the loop at that moment) but for what says "any thread".
class reactor final : public caf::execution_unit {
 public:
  struct options {
    std::string thread_name = "graphbit-io";
    std::size_t stack_bytes = 1024 * 1024;
    std::function<void(std::size_t index)> thread_started{};  ///< CPU pinning, priorities
    std::size_t index = 0;
  };

  /// One caller's wait in `drive`. Must outlive the `drive` call and the work's `finish`.
  class waiter {
    friend class reactor;
    std::atomic<std::uint32_t> word_{0};
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
  [[nodiscard]] std::size_t stack_bytes() const noexcept { return thread_.stack_bytes(); }

  /// Queues an actor. Called by CAF; ordinary actors are handed on to the scheduler. Any thread.
  void exec_later(caf::resumable* job) override;
  /// Runs `f` on the reactor's thread, soon. Any thread; never inside this call.
  void post(std::function<void()> f);

  /// Calls `f(now)` about every 100 ms until it returns false: one timer for all deadlines.
  void sweep(std::function<bool(time_point now)> f);

  /// Counts work in flight (+1 when it starts, -1 when it ends), so that a leaving caller knows
  /// whether somebody must run the loop.
  void add_in_flight(int change) noexcept {
    in_flight_.store(in_flight_.load(std::memory_order_relaxed) + change,
                     std::memory_order_relaxed);
  }

  /// Starts work by `submit` and waits until somebody calls `finish(w)`, running the loop on this
  /// foreign thread unless another thread is busy doing so. `interrupted` (may be empty) is asked
  /// every 50 ms; when it says true, the wait ends and false is returned.
  /// Any thread but a reactor's.
  [[nodiscard]] bool drive(waiter& w, const std::function<void()>& submit,
                           const std::function<bool()>& interrupted);
  /// Ends the wait of `w`. Any thread.
  static void finish(waiter& w);

 private:
  static reactor*& current() noexcept;
  void thread_main();
  void run_loop();
  void turn(duration wait);
  void drain();
  void resume_some();
  void kick();
  void tick();
  [[nodiscard]] bool take_loop();
  void leave_loop();
  [[nodiscard]] bool lead(waiter& w, const std::function<bool()>& interrupted);
  [[nodiscard]] bool follow(waiter& w, const std::function<bool()>& interrupted);
  void drop_follower(waiter& w);

  options options_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer sweep_timer_;
  native_thread thread_;

  std::deque<caf::resumable*> local_;                    // only on the loop's thread
  std::vector<std::function<bool(time_point)>> sweeps_;  // only on the loop's thread

  std::mutex queue_mutex_;
  std::deque<caf::resumable*> external_;  // guarded by queue_mutex_
  std::vector<waiter*> followers_;        // guarded by queue_mutex_
  std::atomic<bool> has_external_{false};

  std::mutex loop_mutex_;          // who holds it runs the loop
  std::atomic<int> claims_{0};     // callers that run the loop or want to
  std::atomic<int> in_flight_{0};  // written on the loop's thread only
  std::atomic<bool> unmanned_{true};
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint32_t> kicked_{0};
};

}  // namespace graphbit
