#pragma once

#include <pthread.h>

#include <cstddef>
#include <functional>
#include <string>

namespace graphbit {

/// A thread whose stack size and name are chosen and in which all signals are blocked, so that a
/// signal always reaches a thread of the application (std::thread offers none of the three).
/// Lifecycle: `start`, then `join` or `detach`; the destructor joins. Not copyable, not movable.
class native_thread {
 public:
  native_thread() = default;
  ~native_thread();
  native_thread(const native_thread&) = delete;
  native_thread& operator=(const native_thread&) = delete;

  /// Throws std::system_error when the system has no thread left.
  void start(std::string name, std::size_t stack_bytes, std::function<void()> main);
  /// Started, and neither joined nor detached.
  [[nodiscard]] bool joinable() const noexcept { return joinable_; }
  /// Waits for its end. Precondition: joinable().
  void join();
  /// Lets it run on alone. Precondition: joinable().
  void detach();
  /// The stack size that the running thread really has; 0 before `start`.
  [[nodiscard]] std::size_t stack_bytes() const noexcept { return stack_bytes_; }

 private:
  pthread_t handle_{};
  bool joinable_ = false;
  std::size_t stack_bytes_ = 0;
};

/// Blocks all signals on this thread while it lives: threads started meanwhile inherit that.
class signals_blocked {
 public:
  signals_blocked();
  ~signals_blocked();
  signals_blocked(const signals_blocked&) = delete;
  signals_blocked& operator=(const signals_blocked&) = delete;

 private:
  sigset_t before_;
};

/// Makes `stack_bytes` the default of threads that libraries start while it lives (glibc).
/// Process-wide: keep the section short.
class default_stack_size {
 public:
  /// Until this is destroyed.
  explicit default_stack_size(std::size_t stack_bytes);
  ~default_stack_size();
  default_stack_size(const default_stack_size&) = delete;
  default_stack_size& operator=(const default_stack_size&) = delete;

 private:
  pthread_attr_t before_;
};

}  // namespace graphbit
