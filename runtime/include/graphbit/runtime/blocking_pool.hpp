#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// Threads for work that blocks or calls back into Python, so that no reactor and no CAF worker
/// waits for it. Threads start on demand up to a bound and end after `keep_alive` without work;
/// they have 8 MiB stacks and all signals blocked.
///
/// A thread cannot be stopped from outside: work that is given up while it runs (`abandon`) keeps
/// its thread, and another one may start in that thread's stead, up to `abandoned_max` of them.
/// Past that the pool shrinks by each further one, and when none is left it refuses work and says
/// why, until one of them comes back.
class blocking_pool {
 public:
  /// How many threads, how much may wait, and how threads are made.
  struct options {
    std::size_t threads_max = 0;      ///< 0: 4 x cores
    std::size_t queue_max = 100'000;  ///< work that waits; more is refused
    std::size_t abandoned_max = 0;    ///< threads that are replaced; 0: as many as `threads_max`
    milliseconds keep_alive{10'000};  ///< a thread without work ends after this
    std::size_t stack_bytes = 8u * 1024 * 1024;  ///< of each thread
    std::string thread_name = "graphbit-block";  ///< as tools of the system show it
  };
  /// How many threads and how much work there is now.
  struct statistics {
    std::size_t threads = 0;    ///< all, those of abandoned work among them
    std::size_t busy = 0;       ///< with work that somebody waits for
    std::size_t queued = 0;     ///< not begun
    std::size_t abandoned = 0;  ///< threads still in work that was given up
  };
  /// Names work that was taken.
  using job = std::uint64_t;

  /// Starts no thread yet.
  explicit blocking_pool(options opts);
  /// Joins all threads but those in abandoned work, 10 s at most.
  ~blocking_pool();
  blocking_pool(const blocking_pool&) = delete;
  blocking_pool& operator=(const blocking_pool&) = delete;

  /// Queues `work`. Fails when the pool is stopping, its queue is full, or each of its threads is
  /// in abandoned work; should the last happen while `work` waits, `refused` is called with that
  /// error in its place. Any thread. `work` must not throw: what it throws is logged and dropped.
  [[nodiscard]] expected<job> submit(std::function<void()> work,
                                     std::function<void(const error&)> refused = {});
  /// Nobody waits for this work any more: it is not run, or its thread is replaced. Nothing
  /// happens when it has ended. Any thread.
  void abandon(job which);
  /// Takes no new work and waits for what runs and is not abandoned, at most `patience`. True when
  /// that has ended.
  bool stop(milliseconds patience);
  /// A consistent picture. Any thread.
  [[nodiscard]] statistics stats() const;

 private:
  class impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace graphbit
