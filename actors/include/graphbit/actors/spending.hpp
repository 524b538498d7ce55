#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// What a group of calls may use together; what is not given is not limited.
struct budget_limits {
  std::optional<double> max_cost;  ///< US dollars, by the runtime's price table
  /// Prompt and answer tokens together; none: no bound.
  std::optional<std::uint64_t> max_total_tokens;
  /// Whether there is a bound at all.
  [[nodiscard]] bool any() const noexcept { return max_cost || max_total_tokens; }
};

/// The common purse of an executor's, a run's or a batch's calls. Travels in `call_options`.
///
/// Problem: a loop gone wrong spends money fast, and no single call is at fault. Before each
/// attempt the provider client asks `refusal`, after each answer it books what was used. Calls that
/// are out when the budget ends are still answered and booked, so it can be passed by what was in
/// flight; nothing new is sent then. A purse within another (a run's in its executor's) is refused
/// by either. Attempts that were broken off are not booked: no provider tells their usage.
///
/// Threads: any.
class call_budget {
 public:
  /// What is booked here is booked with the parent too.
  explicit call_budget(budget_limits limits, std::shared_ptr<call_budget> parent = {})
      : limits_(limits), parent_(std::move(parent)) {}

  /// The purse for calls with these limits: a new one within `parent`, or `parent` itself where
  /// nothing is limited.
  [[nodiscard]] static std::shared_ptr<call_budget> within(std::shared_ptr<call_budget> parent,
                                                           const budget_limits& limits);

  /// ResourceExhausted{budget} once a limit is reached; nothing while there is room.
  [[nodiscard]] std::optional<error> refusal() const;
  /// True when calls whose price is not known cannot be allowed.
  [[nodiscard]] bool limits_cost() const noexcept {
    return limits_.max_cost || (parent_ && parent_->limits_cost());
  }
  /// Any thread. After the fact: a budget is overdrawn by the calls under way.
  void book(double cost, std::uint64_t tokens) noexcept;

  /// US dollars that were booked.
  [[nodiscard]] double cost() const noexcept { return cost_.load(std::memory_order_relaxed); }
  /// That were booked.
  [[nodiscard]] std::uint64_t tokens() const noexcept {
    return tokens_.load(std::memory_order_relaxed);
  }

 private:
  const budget_limits limits_;
  const std::shared_ptr<call_budget> parent_;
  std::atomic<double> cost_{0};
  std::atomic<std::uint64_t> tokens_{0};
};

/// True for the error by which a budget refuses.
[[nodiscard]] bool is_over_budget(const error& e) noexcept;

}  // namespace graphbit
