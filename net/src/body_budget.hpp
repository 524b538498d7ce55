#pragma once

#include <atomic>
#include <cstddef>

#include <graphbit/runtime/limits.hpp>

namespace graphbit {

/// A bound on the body bytes that all connections together hold. Any thread.
class body_budget {
 public:
  explicit body_budget(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  [[nodiscard]] bool take(std::size_t bytes) noexcept {
    const auto before = held_.fetch_add(bytes, std::memory_order_relaxed);
    // The first holder always gets its share: one big body must not wait for itself.
    if (before == 0 || before + bytes <= bytes_max_) return true;
    held_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
  }
  void give_back(std::size_t bytes) noexcept { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t held() const noexcept { return held_.load(std::memory_order_relaxed); }

  /// The process's one.
  [[nodiscard]] static body_budget& of_process() noexcept {
    static body_budget budget{limits::bodies_in_process_bytes_max};
    return budget;
  }

 private:
  const std::size_t bytes_max_;
  std::atomic<std::size_t> held_{0};
};

/// One body's share of a budget, given back at the end. The first 64 KiB of a body are free, so
/// that small answers never touch the shared counter.
class body_share {
 public:
  static constexpr std::size_t free_bytes = 64 * 1024;

  body_share() = default;
  body_share(const body_share&) = delete;
  body_share& operator=(const body_share&) = delete;
  ~body_share() { reset(); }

  /// Makes sure that `bytes` in all may be held; false: not now.
  [[nodiscard]] bool grow_to(std::size_t bytes, body_budget& budget = body_budget::of_process()) {
    if (bytes <= free_bytes || bytes <= taken_) return true;
    if (!budget.take(bytes - taken_)) return false;
    budget_ = &budget;
    taken_ = bytes;
    return true;
  }
  void reset() noexcept {
    if (taken_ != 0) budget_->give_back(taken_);
    taken_ = 0;
  }
  [[nodiscard]] std::size_t taken() const noexcept { return taken_; }

 private:
  body_budget* budget_ = nullptr;
  std::size_t taken_ = 0;
};

}  // namespace graphbit
