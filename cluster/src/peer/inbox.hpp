#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace graphbit::cluster {

/// What other threads have for an actor: it is woken once for all that came meanwhile, so that a
/// thousand items cost one message. Any thread.
template <class T>
class inbox {
 public:
  /// True when the reader has to be woken.
  [[nodiscard]] bool push(T item) {
    const std::lock_guard guard(mutex_);
    items_.push_back(std::move(item));
    return items_.size() == 1;
  }
  [[nodiscard]] std::vector<T> take() {
    const std::lock_guard guard(mutex_);
    return std::exchange(items_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<T> items_;
};

}  // namespace graphbit::cluster
