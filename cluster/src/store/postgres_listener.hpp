#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include <graphbit/runtime/clock.hpp>

namespace graphbit {

/// Hears what other processes announce (LISTEN), on a connection and a thread of its own, from the
/// first wait on. While the connection is broken, waits end every second so that their callers look
/// for themselves. Threads: any.
class postgres_listener {
 public:
  explicit postgres_listener(std::string url) : url_(std::move(url)) {}
  ~postgres_listener();
  postgres_listener(const postgres_listener&) = delete;
  postgres_listener& operator=(const postgres_listener&) = delete;

  /// Grows with every announcement; starts to listen.
  [[nodiscard]] std::uint64_t changes();
  /// An announcement of this process.
  void changed();
  void wait(std::uint64_t seen, time_point until);

 private:
  void listen(const std::stop_token& stop);
  void listen_once(const std::stop_token& stop);

  const std::string url_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t changes_ = 0;
  int wake_ = -1;  // an eventfd that ends the thread's wait
  std::jthread thread_;
};

}  // namespace graphbit
