#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// Keeps what callers do with a runtime's reactors apart from the end of those reactors.
///
/// Problem: handles (provider clients, executors, batches) may outlive their runtime, and a thread
/// may be inside one of their functions while another shuts the runtime down. Every such function
/// enters the gate first; the runtime's end closes it, after which nobody gets in, and waits until
/// all are out.
///
/// Lifecycle: made by the root executor, shared with every handle. Threads: any.
class call_gate {
 public:
  /// One caller's stay inside; false when it was not let in.
  class pass {
   public:
    pass(bool let_in, call_gate* to_leave) noexcept : let_in_(let_in), to_leave_(to_leave) {}
    ~pass() {
      if (to_leave_ != nullptr) to_leave_->leave();
    }
    pass(const pass&) = delete;
    pass& operator=(const pass&) = delete;
    [[nodiscard]] explicit operator bool() const noexcept { return let_in_; }

   private:
    bool let_in_;
    call_gate* to_leave_;
  };

  [[nodiscard]] pass enter() noexcept {
    const bool closed = (state_.fetch_add(one, std::memory_order_acq_rel) & closed_bit) != 0;
    if (closed) leave();
    return {!closed, closed ? nullptr : this};
  }
  /// For code on a reactor's own thread, which ends only after all that runs on it.
  [[nodiscard]] static pass inside_already() noexcept { return {true, nullptr}; }

  void close() noexcept { state_.fetch_or(closed_bit, std::memory_order_acq_rel); }

  /// True once everybody is out; false when somebody still is after `patience`.
  [[nodiscard]] bool wait_until_empty(duration patience) const {
    const auto until = steady_clock::now() + patience;
    while (state_.load(std::memory_order_acquire) >= one) {
      if (steady_clock::now() >= until) return false;
      std::this_thread::sleep_for(milliseconds{1});
    }
    return true;
  }

 private:
  static constexpr std::uint64_t closed_bit = 1;
  static constexpr std::uint64_t one = 2;

  void leave() noexcept { state_.fetch_sub(one, std::memory_order_acq_rel); }

  std::atomic<std::uint64_t> state_{0};
};

/// What a call on a handle gets once its runtime has ended.
[[nodiscard]] inline error runtime_has_ended(const char* operation) {
  return runtime_error(operation,
                       "the runtime was shut down; make a new one and open this again with it");
}

}  // namespace graphbit
