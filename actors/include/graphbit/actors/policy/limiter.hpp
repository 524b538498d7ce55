#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include <graphbit/actors/call.hpp>
#include <graphbit/actors/policy/pacer.hpp>
#include <graphbit/actors/policy/rate_limit_headers.hpp>
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
  void set_in_flight_max(std::uint32_t in_flight_max) { settings_.in_flight_max = in_flight_max; }
  /// Takes up what an answer's headers say.
  void learn(const rate_limit_headers& headers, time_point now);
  /// Nothing goes before `until`: the server's Retry-After. At most 60 s from now are believed.
  void hold_until(time_point until, time_point now) noexcept;

  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_[0] + in_flight_[1]; }
  [[nodiscard]] std::size_t in_flight(priority_class c) const noexcept {
    return in_flight_[index(c)];
  }
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
  /// The limits in force: the user's and the learnt.
  [[nodiscard]] limiter_settings limits() const noexcept;
  [[nodiscard]] time_point held_until() const noexcept { return held_until_; }

 private:
  static constexpr std::uint32_t none = 0xffffffff;
  static constexpr std::size_t classes = 2;
  enum class place : std::uint8_t { free, waiting, granted };

  /// One call; lives in a slab and is linked into its flow's queue while it waits.
  struct entry {
    std::uint64_t id = 0;
    std::uint64_t arrival = 0;
    std::uint64_t flow = 0;
    std::uint64_t tokens = 0;
    time_point deadline_at = never;
    time_point granted_at{};
    std::uint32_t generation = 0;
    std::uint32_t prev = none, next = none;  // `next` links the free entries, too
    priority_class priority = priority_class::live;
    place where = place::free;
    bool paced = false;  // took from the rates
  };
  struct queue {
    std::uint32_t head = none, tail = none;
  };
  struct flow_state {
    std::uint32_t in_flight = 0, in_flight_max = 0;
    std::array<queue, classes> queues;
    [[nodiscard]] bool full() const noexcept {
      return in_flight_max != 0 && in_flight >= in_flight_max;
    }
    [[nodiscard]] bool idle() const noexcept {
      return in_flight == 0 && queues[0].head == none && queues[1].head == none;
    }
  };
  using flow_map = std::unordered_map<std::uint64_t, flow_state>;
  using turn = std::pair<std::uint64_t, std::uint64_t>;  // arrival of the head, flow

  [[nodiscard]] static std::size_t index(priority_class c) noexcept {
    return static_cast<std::size_t>(c);
  }
  [[nodiscard]] std::uint32_t find(ticket name, place where) const noexcept;
  [[nodiscard]] ticket make_entry(const limiter_request& request);
  void free_entry(std::uint32_t i) noexcept;
  [[nodiscard]] flow_state& flow_of(const limiter_request& request);
  void push_back(flow_state& flow, std::uint32_t i);
  void unlink(flow_state& flow, std::uint32_t i);
  void drop_turns(std::uint64_t id, const flow_state& flow);
  void add_turns(std::uint64_t id, const flow_state& flow);
  void take(std::uint32_t i, flow_state* flow, time_point now);
  void leave(std::uint32_t i);
  [[nodiscard]] bool slots_full() const noexcept;
  [[nodiscard]] bool rated() const noexcept { return requests_.limited() || tokens_.limited(); }
  [[nodiscard]] time_point rates_free_at(std::uint64_t tokens, time_point now);
  [[nodiscard]] std::optional<priority_class> whose_turn() const noexcept;
  [[nodiscard]] std::uint64_t clamped(std::uint64_t tokens) const noexcept;
  void apply_rates() noexcept;

  limiter_settings settings_;
  std::uint32_t learnt_requests_ = 0;  // per minute; 0: not learnt
  std::uint64_t learnt_tokens_ = 0;
  pacer requests_;
  pacer tokens_;
  time_point held_until_{};

  std::vector<entry> entries_;
  std::uint32_t free_ = none;
  flow_map flows_;       // those with a call waiting or in flight; flow 0 always
  flow_state* unbound_;  // flow 0, looked up once
  std::array<std::set<turn>, classes> turns_;  // flows that wait and are under their own bound
  std::array<std::size_t, classes> in_flight_{};
  std::size_t waiting_ = 0;
  std::uint64_t arrivals_ = 0;
  std::uint32_t live_in_a_row_ = 0;  // grants to live calls while a batch call could have gone
};

}  // namespace graphbit::policy
