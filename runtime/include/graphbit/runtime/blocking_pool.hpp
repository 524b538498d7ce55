#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <graphbit/runtime/clock.hpp>

namespace graphbit {

/// Threads for work that blocks or calls back into Python, so that no reactor and no CAF worker
/// waits for it. Threads start on demand up to a bound and end after `keep_alive` without work;
/// they have 8 MiB stacks and all signals blocked.
class blocking_pool {
 public:
  struct options {
    std::size_t threads_max = 0;  ///< 0: 4 x cores
    std::size_t queue_max = 100'000;
    milliseconds keep_alive{10'000};
    std::size_t stack_bytes = 8u * 1024 * 1024;
    std::string thread_name = "graphbit-block";
  };
  struct statistics {
    std::size_t threads = 0;
    std::size_t busy = 0;
    std::size_t queued = 0;
    std::size_t replaced = 0;  ///< stuck threads that a fresh one stands in for
  };

  explicit blocking_pool(options opts);
  /// Joins all threads but those that are stuck past `abandon`ed work.
  ~blocking_pool();
  blocking_pool(const blocking_pool&) = delete;
  blocking_pool& operator=(const blocking_pool&) = delete;

  /// Queues `work`; false when the queue is full or the pool is stopping. Any thread.
  /// `work` must not throw: what it throws is logged and dropped.
  [[nodiscard]] bool submit(std::function<void()> work);
  /// Takes no new work and waits for what runs, at most `patience`. True when all threads ended.
  bool stop(milliseconds patience);
  [[nodiscard]] statistics stats() const;

 private:
  class impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace graphbit
