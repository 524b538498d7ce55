#pragma once

#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <string>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/random.hpp>

namespace graphbit::bench {

/// What this process has spent since it was made.
class spent {
 public:
  /// CPU of all its threads.
  [[nodiscard]] double cpu_seconds() const { return cpu_now() - cpu_; }
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(system_clock().now() - start_).count();
  }

 private:
  [[nodiscard]] static double cpu_now() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
  }
  double cpu_ = cpu_now();
  time_point start_ = system_clock().now();
};

/// Words by chance: as hard to compress as prose.
[[nodiscard]] inline std::string words_by_chance(random_source& random, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    for (auto letters = 2 + random.below(8); letters > 0; --letters)
      text += static_cast<char>('a' + random.below(26));
    text += ' ';
  }
  text.resize(bytes);
  return text;
}

}  // namespace graphbit::bench
