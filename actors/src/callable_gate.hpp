#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include <graphbit/runtime/blocking_pool.hpp>

namespace graphbit {

/// Lets at most so many of one executor's callables run at once on the blocking pool; the others
/// wait in order. A callable that is given up frees its place, though its thread may still be busy.
/// Any thread.
class callable_gate : public std::enable_shared_from_this<callable_gate> {
 public:
  /// One callable on its way; `abandon` may be called at any time, also after its end.
  class ticket;

  callable_gate(blocking_pool& pool, std::size_t running_max)
      : pool_(pool), running_max_(running_max) {}

  /// Runs `work` when its turn comes, or `refused` when the pool takes no more (it is stopping or
  /// full). Neither may throw. Exactly one of them is called, unless it is abandoned before.
  [[nodiscard]] std::shared_ptr<ticket> submit(std::function<void()> work,
                                               std::function<void()> refused);
  /// Gives a callable up: it is not run if it has not begun, and its place goes to the next.
  void abandon(const std::shared_ptr<ticket>& t);

 private:
  void start(const std::shared_ptr<ticket>& t);
  [[nodiscard]] std::shared_ptr<ticket> next_waiting();
  void ended(ticket& t);

  blocking_pool& pool_;
  const std::size_t running_max_;
  std::mutex mutex_;
  std::size_t running_ = 0;
  std::deque<std::shared_ptr<ticket>> waiting_;
};

}  // namespace graphbit
