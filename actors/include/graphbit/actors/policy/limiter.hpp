#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <graphbit/actors/call.hpp>
#include <graphbit/actors/policy/pacer.hpp>
#include <graphbit/actors/policy/rate_limit_headers.hpp>
#include <graphbit/actors/policy/refusal_hold.hpp>
#include <graphbit/actors/policy/waiting_line.hpp>
#include <graphbit/runtime/clock.hpp>

namespace graphbit::policy {

/// 0 means: no such limit.
struct limiter_settings {
  std::uint32_t in_flight_max = 0;
  std::uint32_t requests_per_minute = 0;
  std::uint64_t tokens_per_minute = 0;
};

/// One call that wants to go out.
struct limiter_request {
  std::uint64_t id = 0;  ///< the caller's own name for it; comes back in the grant
  priority_class priority = priority_class::live;
  std::uint64_t flow = 0;                ///< 0: of no flow
  std::uint32_t flow_in_flight_max = 0;  ///< 0: the flow has no bound; the latest value wins
  std::uint64_t tokens = 0;              ///< estimated
  time_point deadline_at = never;
};

/// Names one call from `enqueue` or `try_acquire` until `release`, `give_back` or `cancel`.
/// A name that is no longer known is ignored by them. Never 0.
using ticket = std::uint64_t;

struct grant {
  ticket name = 0;
  std::uint64_t id = 0;
  bool expired = false;  ///< its deadline passed while it waited: nothing is held, answer Timeout
};

/// Decides who may send, and when: calls in flight, requests per minute and tokens per minute, for
/// one key and model.
///
/// Order: live calls first, but where both wait batch keeps a tenth: of the slots when slots are
/// what is short, of the grants when a rate is. Within a class in order of arrival, except that a
/// call whose flow (an executor) is at its own in-flight bound lets others pass. Rates hold in
/// every sliding minute.
///
/// One call: `try_acquire`, or `enqueue` and then `next` until its grant comes; after the call
/// `release`. Ask `next` after every `release`, `cancel`, change of limits and at `next_wakeup`.
/// A plain value; not thread-safe. Without limits a call costs some nanoseconds.
class limiter {
 public:
  explicit limiter(limiter_settings settings = {});

  /// Grants at once if nothing is in the way and nobody waits; otherwise 0: `enqueue`.
  [[nodiscard]] ticket try_acquire(const limiter_request& request, time_point now);
  [[nodiscard]] ticket enqueue(const limiter_request& request, time_point now);
  /// The next call that may go now.
  [[nodiscard]] std::optional<grant> next(time_point now);
  /// The call is over; `actual_tokens` as the provider counted them, if it did.
  void release(ticket name, time_point now, std::optional<std::uint64_t> actual_tokens = {});
  /// The granted call is not sent after all: what it took is given back.
  void give_back(ticket name, time_point now);
  /// A waiting call is not wanted any more.
  void cancel(ticket name);

  /// When `next` should be asked again although nothing else happens; `never` when only a
  /// `release` can help. Deadlines of waiting calls are not in it: their owner cancels them.
  [[nodiscard]] time_point next_wakeup(time_point now);
  /// A lower bound of when `request` could go if it came now: past its deadline it can fail at
  /// once.
  [[nodiscard]] time_point earliest_start(const limiter_request& request, time_point now);

  /// Limits set by the user; learnt ones only ever narrow them.
  void configure(const limiter_settings& settings);
  /// A share of limits that other processes use, too: paced without bursts, and nothing goes from
  /// `ends_at` on.
  void configure_share(const limiter_settings& share, time_point ends_at);
  void set_in_flight_max(std::uint32_t in_flight_max) { settings_.in_flight_max = in_flight_max; }
  /// Takes up what an answer's headers say; `age`: since its request was sent, because that is the
  /// moment they describe.
  void learn(const rate_limit_headers& headers, time_point now, duration age = {});
  /// The granted call was refused with a 429. Until the server's time has come the others are held
  /// back, unless later calls show that it was by chance (`refusal_hold`). At most 60 s from now
  /// are believed; `until` is `now` where the server named no time. Before `release`.
  void refused(ticket name, time_point until, time_point now) noexcept;
  /// The granted call was answered. True: calls that were held may go. Before `release`.
  bool answered(ticket name, time_point now) noexcept;
  /// Another client of the key was refused, or answered, at what it had sent at `sent_at`.
  void hold_until(time_point until, time_point sent_at, time_point now) noexcept;
  void lift_hold(time_point sent_at, time_point now) noexcept;

  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_[0] + in_flight_[1]; }
  [[nodiscard]] std::size_t in_flight(priority_class c) const noexcept {
    return in_flight_[index(c)];
  }
  [[nodiscard]] std::size_t waiting() const noexcept { return line_.size(); }
  /// The limits in force: the user's and the learnt.
  [[nodiscard]] limiter_settings limits() const noexcept;
  /// What is in flight, and what the last minute has taken of the rates that are limited.
  [[nodiscard]] limiter_settings used(time_point now) noexcept;
  /// When the share ends; `never` for limits of this process's own.
  [[nodiscard]] time_point ends_at() const noexcept { return ends_at_; }

 private:
  static constexpr std::uint32_t none = 0xffffffff;
  enum class phase : std::uint8_t { free, waiting, granted };

  /// One call; lives in a slab, found by its ticket (slot and generation).
  struct entry {
    std::uint64_t id = 0;
    std::uint64_t tokens = 0;
    time_point deadline_at = never;
    sending granted;
    waiting_line::place place;
    std::uint32_t generation = 1;
    std::uint32_t next_free = none;
    phase now = phase::free;
    bool rated = false;  // counted in the rates
  };

  [[nodiscard]] static std::size_t index(priority_class c) noexcept {
    return static_cast<std::size_t>(c);
  }
  [[nodiscard]] std::uint32_t make_entry(const limiter_request& request);
  void free_entry(std::uint32_t slot) noexcept;
  [[nodiscard]] ticket name_of(std::uint32_t slot) const noexcept;
  [[nodiscard]] std::uint32_t find(ticket name, phase expected) const noexcept;

  void take(std::uint32_t slot, time_point now);
  void leave(std::uint32_t slot);
  [[nodiscard]] bool slots_full() const noexcept;
  [[nodiscard]] bool is_rated() const noexcept { return requests_.limited() || tokens_.limited(); }
  [[nodiscard]] time_point rates_free_at(std::uint64_t tokens, time_point now);
  [[nodiscard]] time_point may_go_at(std::uint64_t tokens, time_point now);
  [[nodiscard]] std::optional<priority_class> whose_turn() const noexcept;
  [[nodiscard]] bool batch_is_owed() const noexcept;
  void apply_rates() noexcept;

  limiter_settings settings_;
  std::uint32_t learnt_requests_ = 0;  // per minute; 0: not learnt
  std::uint64_t learnt_tokens_ = 0;
  pacer requests_;
  pacer tokens_;
  time_point used_up_until_{};  // a limit of another period than a minute
  refusal_hold hold_;
  std::uint64_t grants_ = 0;
  time_point ends_at_ = never;

  std::vector<entry> entries_;
  std::uint32_t free_ = none;
  waiting_line line_;
  std::array<std::size_t, 2> in_flight_{};  // by class
  bool slots_are_short_ = true;             // what ran out last: slots, or a rate
  std::uint32_t live_in_a_row_ = 0;  // grants to live calls while a batch call could have gone
};

}  // namespace graphbit::policy
