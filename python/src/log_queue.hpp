#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/log.hpp>

namespace graphbit::python {

/// Lines of our log on their way to Python's logging.
///
/// Problem: lines are written on reactors, which must not wait for the GIL. So they queue up here,
/// and a thread of Python's takes them. Bounded: past that the oldest are dropped and counted.
/// Lifecycle: one per process, never destroyed. Threads: any.
class log_queue {
 public:
  struct line {
    log_level level = log_level::info;
    std::string room, text, run_id, node, request_id;
    std::uint32_t attempt = 0;
    double time_s = 0;  ///< since 1970
  };
  [[nodiscard]] static log_queue& instance();

  /// From now on all lines come here instead of stderr or file.
  void attach();
  void detach();
  /// Waits for lines for at most `patience`; may give none.
  [[nodiscard]] std::vector<line> take(milliseconds patience);
  [[nodiscard]] std::uint64_t dropped() const;
  /// In a forked child: a thread of the parent may have held the lock.
  void renew() noexcept;

 private:
  static constexpr std::size_t lines_max = 10'000;
  void add(const log_line& said);

  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::deque<line> lines_;  // guarded by mutex_
  std::uint64_t dropped_ = 0;
};

}  // namespace graphbit::python
