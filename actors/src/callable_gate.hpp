#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include <graphbit/runtime/blocking_pool.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

/// Lets at most so many of one executor's callables run at once on the blocking pool; the others
/// wait in order. A callable that is given up frees its place, though its thread may still be busy:
/// what it gives then is dropped here and counted, and touches neither node nor run. Any thread.
class callable_gate : public std::enable_shared_from_this<callable_gate> {
 public:
  using work_function = std::function<expected<json_value>()>;
  using answer_function = std::function<void(expected<json_value>)>;
  /// One callable on its way; `abandon` may be called at any time, also after its end.
  class ticket;

  struct statistics {
    std::size_t running = 0;
    std::size_t waiting = 0;
    std::uint64_t abandoned = 0;  ///< given up while they ran, in all
    std::uint64_t late = 0;       ///< those of them that ended after all
  };

  callable_gate(blocking_pool& pool, std::size_t running_max)
      : pool_(pool), running_max_(running_max) {}

  /// Runs `work` when its turn comes and hands what it gives to `answer`, on the same thread; or an
  /// error, when no thread can be had. Neither may throw. `answer` is called exactly once, unless
  /// the callable is abandoned before; it is destroyed then.
  [[nodiscard]] std::shared_ptr<ticket> submit(work_function work, answer_function answer);
  /// Gives a callable up: it is not run if it has not begun, and its place goes to the next.
  void abandon(const std::shared_ptr<ticket>& t);
  /// Whether it has been running for `limit` by `now`; waiting for its turn does not count.
  [[nodiscard]] bool is_overdue(const ticket& t, duration limit, time_point now) const;
  [[nodiscard]] statistics stats() const;

 private:
  void start(const std::shared_ptr<ticket>& t);
  void start_waiting();
  [[nodiscard]] std::shared_ptr<ticket> next_waiting();
  void carry_out(ticket& t);
  /// Answers, once; false: it was given up before.
  bool settle(ticket& t, expected<json_value> result);

  blocking_pool& pool_;
  const std::size_t running_max_;
  mutable std::mutex mutex_;
  std::size_t running_ = 0;
  std::deque<std::shared_ptr<ticket>> waiting_;
  std::uint64_t abandoned_ = 0;
  std::uint64_t late_ = 0;
};

}  // namespace graphbit
