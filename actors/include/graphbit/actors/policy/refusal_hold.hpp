#pragma once

#include <algorithm>
#include <bit>
#include <compare>
#include <cstdint>

#include <graphbit/runtime/clock.hpp>

namespace graphbit::policy {

/// When an attempt went out: the later of two is the one with the later time, then the higher
/// number.
struct sending {
  time_point at{};
  std::uint64_t number = 0;
  friend auto operator<=>(const sending&, const sending&) = default;
};

/// How long a 429 with Retry-After holds back the other calls of its key.
///
/// Under a real limit the refusal speaks of all of them, and waiting ends the refusals. Some
/// providers refuse by chance (a busy node behind a balancer): there, one Retry-After after the
/// other would stop a key that could go on. What tells them apart is the last 20 answers:
///
/// - *Fewer than half were refusals*: the hold ends as soon as an attempt that went out after the
///   refused one is answered. So that there is something to learn from, a tenth of the hold apart a
///   call may go, a scout.
/// - *Half or more were*, or too few are known: nothing goes before the time has come, and then one
///   call each 5 ms until one is answered, for the first refusal stops those behind it.
///
/// The refused call itself waits as long as it was told in any case: that is `decide_retry`'s.
/// A plain value; not thread-safe.
class refusal_hold {
 public:
  /// An attempt was refused; `until` is `now` where the server named no time.
  void refused(sending attempt, time_point until, time_point now) noexcept {
    note(true);
    hold(attempt, until, now);
  }
  /// The same, seen by another client of the key.
  void hold(sending attempt, time_point until, time_point now) noexcept {
    if (attempt < last_answered_ && are_scattered()) return;
    if (now >= until_) {  // a new one
      scouts_apart_ = std::max(until - now, duration{0}) / 10;
      next_scout_at_ = now;
    }
    is_over_ = false;
    last_refused_ = std::max(last_refused_, attempt);
    until_ = std::max(until_, until);
  }
  /// An attempt was answered. True: calls that were held may go.
  bool answered(sending attempt, time_point now) noexcept {
    note(false);
    last_answered_ = std::max(last_answered_, attempt);
    return (now >= until_ || are_scattered()) && lift(attempt, now);
  }
  /// `attempt` was answered: there is no hold any more if it went out after all that were refused.
  bool lift(sending attempt, time_point now) noexcept {
    if (is_over_ || attempt < last_refused_) return false;
    is_over_ = true;
    until_ = std::min(until_, now);
    return true;
  }

  /// When the next call may go.
  [[nodiscard]] time_point free_at(time_point now) const noexcept {
    if (is_over_) return now;
    if (now < until_) return are_scattered() ? std::min(next_scout_at_, until_) : until_;
    return are_scattered() ? now : last_sent_at_ + milliseconds(5);
  }
  /// Nothing can go before, whatever is answered meanwhile.
  [[nodiscard]] time_point certain_until() const noexcept {
    return is_over_ || are_scattered() ? time_point{} : until_;
  }
  /// A call goes out at `now`.
  void went_out(time_point now) noexcept {
    last_sent_at_ = now;
    if (!is_over_ && now < until_) next_scout_at_ = now + scouts_apart_;
  }

 private:
  static constexpr int record_max = 20, record_min = 10;

  [[nodiscard]] bool are_scattered() const noexcept {
    return known_ >= record_min && 2 * std::popcount(record_) < known_;
  }
  void note(bool refused) noexcept {
    record_ = ((record_ << 1) | (refused ? 1u : 0u)) & ((1u << record_max) - 1);
    known_ = std::min(known_ + 1, record_max);
  }

  time_point until_{}, next_scout_at_{}, last_sent_at_{};
  duration scouts_apart_{0};
  sending last_refused_, last_answered_;
  bool is_over_ = true;
  std::uint32_t record_ = 0;  // of the last answers, a bit each: it was a refusal
  int known_ = 0;             // how many of them there are
};

}  // namespace graphbit::policy
