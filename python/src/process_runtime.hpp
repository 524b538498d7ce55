#pragma once

#include <cstdint>
#include <memory>
#include <set>

#include <graphbit/runtime/runtime.hpp>

#include "observability.hpp"

namespace graphbit::python {

/// Something that keeps handles into the runtime, and must let go of them when it ends.
class runtime_user {
 public:
  runtime_user();
  virtual ~runtime_user();
  runtime_user(const runtime_user&) = delete;
  runtime_user& operator=(const runtime_user&) = delete;

  /// The runtime is about to end: drop every handle; the next use opens new ones.
  virtual void release_handles() = 0;
  /// In a forked child: the handles belong to the parent; leak them untouched.
  virtual void leak_handles() noexcept = 0;
};

/// The one runtime of this process, as Python sees it.
///
/// Lifecycle: `acquire` starts it at first use; `shutdown` drains and ends it, after which the next
/// `acquire` starts another. A forked child leaks its parent's and starts its own. Threads: every
/// member needs the GIL, which is its lock.
class process_runtime {
 public:
  [[nodiscard]] static process_runtime& instance();

  /// The running runtime, started if there is none. Who holds the pointer keeps it from being
  /// destroyed, not from being shut down.
  [[nodiscard]] std::shared_ptr<runtime> acquire();
  /// The running runtime, or nullptr.
  [[nodiscard]] std::shared_ptr<runtime> current() const noexcept { return runtime_; }

  /// What the next start uses.
  [[nodiscard]] const runtime_options& options() const noexcept { return options_; }
  void set_options(runtime_options options) { options_ = std::move(options); }

  /// What is shown of it, and where.
  [[nodiscard]] observability& observed() noexcept { return observed_; }

  /// All objects that may keep handles into the runtime.
  [[nodiscard]] const std::set<runtime_user*>& users() const noexcept { return users_; }

  /// Ends the runtime within `patience`; calls in flight get errors. Frees the GIL meanwhile.
  void shutdown(milliseconds patience);
  /// The same when the process ends: what does not end in time is left to the process's end.
  void shutdown_at_exit(milliseconds patience);
  /// After `fork`, in the child.
  void leak_parents() noexcept;

 private:
  friend class runtime_user;
  process_runtime();
  /// Takes the runtime out of use; nullptr where there is none.
  [[nodiscard]] std::shared_ptr<runtime> release();

  runtime_options options_;
  std::shared_ptr<runtime> runtime_;
  std::set<runtime_user*> users_;
  observability observed_;
};

}  // namespace graphbit::python
