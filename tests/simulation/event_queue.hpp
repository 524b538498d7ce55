#pragma once

#include <cstddef>
#include <cstdint>
#include <queue>
#include <vector>

#include <graphbit/runtime/clock.hpp>

namespace graphbit::sim {

enum class event_kind : std::uint8_t {
  arrive,
  attempt_end,
  hedge_due,
  wake,  ///< a retry's or a parked call's time has come
  deadline,
  cancel,
  limiter_due,
  crash,
  restart,
};

struct event {
  time_point at{};
  std::uint64_t order = 0;  ///< of scheduling: equal times happen in this order, on every machine
  event_kind kind = event_kind::arrive;
  std::uint32_t subject = 0;  ///< a call, or a child of the supervisor
  std::uint64_t serial = 0;   ///< of what the event is about; a later serial makes it void
};

/// Virtual time: the next event is always now.
class event_queue {
 public:
  explicit event_queue(time_point start) : now_(start) {}

  void push(time_point at, event_kind kind, std::uint32_t subject, std::uint64_t serial = 0) {
    events_.push({at < now_ ? now_ : at, ++pushed_, kind, subject, serial});
  }
  /// Takes the next event off and moves time to it.
  [[nodiscard]] event pop() {
    const event next = events_.top();
    events_.pop();
    now_ = next.at;
    return next;
  }
  [[nodiscard]] bool empty() const { return events_.empty(); }
  [[nodiscard]] time_point now() const noexcept { return now_; }

 private:
  struct later {
    bool operator()(const event& a, const event& b) const noexcept {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  std::priority_queue<event, std::vector<event>, later> events_;
  std::uint64_t pushed_ = 0;
  time_point now_;
};

}  // namespace graphbit::sim
