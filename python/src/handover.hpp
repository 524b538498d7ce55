#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <graphbit/runtime/clock.hpp>

#include "completion_queue.hpp"

namespace graphbit::python {

/// A sequence of `Item`s that a reactor produces and Python takes, with one `End`.
///
/// Problem: a wake-up per item would cost more than the item. Items gather while the taker is busy,
/// and the one waiter, an event loop or a blocked thread, is woken once for all of them. Threads:
/// all members from any thread; none touches Python.
template <class Item, class End>
class handover {
 public:
  enum class condition { empty, items, ended };

  /// Appends, by moving. Returns how many items now wait to be taken.
  template <class Convertible>
  std::size_t append(std::vector<Convertible>& items) {
    const std::lock_guard guard(mutex_);
    for (Convertible& item : items) items_.push_back(std::move(item));
    wake();
    return items_.size();
  }
  std::size_t append(Item item) {
    const std::lock_guard guard(mutex_);
    items_.push_back(std::move(item));
    wake();
    return items_.size();
  }

  /// Forgets what was not taken yet; `item` stands in its place.
  void replace_all(Item item) {
    const std::lock_guard guard(mutex_);
    items_.clear();
    items_.push_back(std::move(item));
    wake();
  }

  /// Nothing may come after this.
  void end(End end) {
    const std::lock_guard guard(mutex_);
    end_.emplace(std::move(end));
    wake();
  }

  /// Moves all items into `taken`, which must be empty. The end comes after the last item.
  [[nodiscard]] condition take(std::vector<Item>& taken) {
    const std::lock_guard guard(mutex_);
    taken.swap(items_);
    if (!taken.empty()) return condition::items;
    return end_ ? condition::ended : condition::empty;
  }

  /// Finishes `waiter` with None as soon as there is something to take.
  void notify(ticket waiter) {
    const std::lock_guard guard(mutex_);
    waiter_ = std::move(waiter);
    if (ready()) wake();
  }

  /// Blocks until there is something to take; false when `patience` ends first.
  [[nodiscard]] bool wait_for(milliseconds patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [this] { return ready(); });
  }

  /// Precondition: `take` has said `ended`.
  [[nodiscard]] const End& ending() const { return *end_; }

 private:
  [[nodiscard]] bool ready() const { return !items_.empty() || end_.has_value(); }

  void wake() {
    changed_.notify_one();
    if (!waiter_) return;
    waiter_->finish(make_outcome(0, [](int) { return pybind11::object(pybind11::none()); }));
    waiter_.reset();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Item> items_;
  std::optional<End> end_;
  std::optional<ticket> waiter_;
};

}  // namespace graphbit::python
