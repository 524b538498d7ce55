#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include <graphbit/actors/call.hpp>

namespace graphbit::policy {

/// Who waits, and who would be next: calls of two priority classes in order of arrival, where a
/// flow (an executor) that has as many calls in flight as it may lets the others pass instead of
/// holding up the line. A plain value; not thread-safe; O(log waiting) per step, O(1) for calls of
/// no flow while nobody waits.
class waiting_line {
 public:
  using value = std::uint32_t;  ///< what the owner keeps in line
  /// A place in line: arrival numbers grow, so they order, too.
  struct place {
    std::uint64_t arrival = 0;
    std::uint64_t flow = 0;
    priority_class priority = priority_class::live;
  };

  [[nodiscard]] place push(value v, priority_class priority, std::uint64_t flow);
  void erase(const place& where);
  /// The first of a class whose flow has room.
  [[nodiscard]] std::optional<value> front(priority_class priority) const;
  [[nodiscard]] bool has_front(priority_class priority) const noexcept {
    return !turns_[index(priority)].empty();
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// How many calls a flow may have in flight; 0: any number. Flow 0 (no flow) is never bound.
  void bound(std::uint64_t flow, std::uint32_t in_flight_max);
  [[nodiscard]] bool is_full(std::uint64_t flow) const noexcept;
  /// A call of the flow is in flight from now on, or no more.
  void entered(std::uint64_t flow);
  void left(std::uint64_t flow);

 private:
  static constexpr std::size_t classes = 2;

  struct flow_state {
    std::uint32_t in_flight = 0, in_flight_max = 0;
    std::array<std::map<std::uint64_t, value>, classes> waiting;  // by arrival
    [[nodiscard]] bool full() const noexcept {
      return in_flight_max != 0 && in_flight >= in_flight_max;
    }
    [[nodiscard]] bool idle() const noexcept {
      return in_flight == 0 && waiting[0].empty() && waiting[1].empty();
    }
  };
  using turn = std::pair<std::uint64_t, std::uint64_t>;  // arrival of a flow's first call, flow

  [[nodiscard]] static std::size_t index(priority_class c) noexcept {
    return static_cast<std::size_t>(c);
  }
  void add_turns(std::uint64_t flow, const flow_state& state);
  void drop_turns(std::uint64_t flow, const flow_state& state);
  /// Changes a flow and keeps its turns right; forgets a flow that has become idle.
  template <class Change>
  void change(std::uint64_t flow, Change what);

  std::unordered_map<std::uint64_t, flow_state> flows_;  // those with a call waiting or in flight
  std::array<std::set<turn>, classes> turns_;            // of flows that wait and have room
  std::size_t size_ = 0;
  std::uint64_t arrivals_ = 0;
};

}  // namespace graphbit::policy
