#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include <graphbit/runtime/clock.hpp>

namespace graphbit::sim {

/// Virtual time and what is to happen in it.
class timeline {
 public:
  void at(time_point when, std::function<void()> what) {
    events_.push({std::max(when, now_), ++pushed_, std::move(what)});
  }
  void in(duration after, std::function<void()> what) { at(now_ + after, std::move(what)); }
  bool step() {
    if (events_.empty()) return false;
    auto next = events_.top();
    events_.pop();
    now_ = next.at;
    ++done_;
    next.what();
    return true;
  }
  [[nodiscard]] time_point now() const { return now_; }
  [[nodiscard]] std::uint64_t done() const { return done_; }

 private:
  struct entry {
    time_point at;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const entry& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  std::priority_queue<entry> events_;
  time_point now_ = manual_clock().now();
  std::uint64_t pushed_ = 0, done_ = 0;
};

}  // namespace graphbit::sim
