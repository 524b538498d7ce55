#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <graphbit/actors/policy/share_holder.hpp>
#include <graphbit/runtime/random.hpp>

#include "timeline.hpp"

namespace graphbit::sim {

/// A provider's limit that the members of a simulated cluster hold together by a store: real
/// holders (`share_holder`), real limiters and the real division (`limit_shares`), on clocks that
/// agree neither in the hour nor quite in speed. Members are cut off from the store, crash, and
/// lose answers.
///
/// Promises, checked at every call that goes out and at the end: no sliding minute of the provider
/// sees more than the limit, and what was leased comes back. Throws `broken_promise`.
class shared_limit {
 public:
  shared_limit(timeline& time, random_source& random, std::size_t members);

  /// A member's process began.
  void start(std::size_t member);
  /// It is gone, and so are its calls that wait.
  void crash(std::size_t member);
  /// Keeps a member from the store.
  void cut_off(std::size_t member, duration lasts);
  /// Does `send` when the member's part of the limit allows it, and it is wanted still.
  void call(std::size_t member, std::function<bool()> is_wanted, std::function<void()> send);
  /// No call waits, and all that was leased is free again.
  void check_that_all_came_back();

  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  /// How long after the last call and the last fault that may take.
  static constexpr duration comes_back_within = seconds(160);

 private:
  struct waiting_call {
    std::function<bool()> is_wanted;
    std::function<void()> send;
  };
  struct sharer {
    std::optional<policy::share_holder> holder;  // none: not running
    policy::limiter calls;
    std::deque<waiting_call> waiting;
    std::uint64_t awaited = 0;  // the exchange whose answer is waited for; 0: none
    duration clock_offset{};
    double clock_speed = 1;
    time_point cut_off_until{};
  };

  [[nodiscard]] time_point local(const sharer& s) const;
  void tick(std::size_t member);
  void do_duties(sharer& s);
  void ask(sharer& s);
  void answered(sharer& s, const policy::limit_share& share);
  void pump(sharer& s);
  void note_sent();

  timeline& time_;
  random_source& random_;
  policy::limiter_settings limits_;
  policy::limit_shares store_;
  std::vector<std::unique_ptr<sharer>> sharers_;
  std::deque<time_point> last_minute_;
  std::uint64_t sent_ = 0, epochs_ = 0, exchanges_ = 0;
};

}  // namespace graphbit::sim
