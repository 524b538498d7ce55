#pragma once

#include <any>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <typeindex>
#include <vector>

#include <graphbit/runtime/clock.hpp>

namespace caf {
class actor_system;
class actor_system_config;
}  // namespace caf

namespace graphbit {

class reactor;
class blocking_pool;

/// How the process runtime is built. A 0 means: by the rule beside it.
struct runtime_options {
  std::size_t worker_threads = 0;        ///< CAF workers; clamp(2 x cores, 4, 32)
  std::size_t max_blocking_threads = 0;  ///< 4 x cores
  std::size_t reactors = 0;              ///< max(1, cores / 2)
  std::size_t thread_stack_bytes = 1024 * 1024;
  milliseconds thread_keep_alive{10'000};
  std::string thread_name_prefix = "graphbit";
  bool enable_blocking_pool = true;
  /// Called first on each reactor thread, with its index: CPU pinning, priorities.
  std::function<void(std::size_t)> reactor_started{};
};

struct runtime_stats {
  std::size_t worker_threads = 0;
  std::size_t max_blocking_threads = 0;
  std::size_t reactors = 0;
  std::size_t actors_alive = 0;
  std::size_t blocking_threads = 0;
  std::size_t blocking_queue = 0;
  std::size_t thread_stack_bytes = 0;  ///< read back from a reactor thread
  seconds uptime{0};
};

/// `options` with every 0 replaced by its rule.
[[nodiscard]] runtime_options resolved(runtime_options options);

/// The ground that everything else stands on: one CAF actor system, the reactors, the blocking
/// pool.
///
/// Lifecycle: the constructor starts all threads (signals blocked, stack size as asked). `shutdown`
/// (and the destructor) ends services in reverse order of their creation, drains, and joins.
/// Several runtimes may live in one process. After `fork` a child must not touch its parent's
/// runtime; see `forked()`. Threads: all members may be called from any thread.
class runtime {
 public:
  explicit runtime(runtime_options options = {});
  /// Around a service's own actor system, which must outlive this and must have been built from a
  /// configuration that went through `add_message_types`.
  runtime(caf::actor_system& system, runtime_options options);
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  [[nodiscard]] caf::actor_system& system() noexcept;
  [[nodiscard]] std::size_t reactor_count() const noexcept;
  [[nodiscard]] reactor& reactor_at(std::size_t index) noexcept;
  /// Round robin; where the next run is placed.
  [[nodiscard]] reactor& next_reactor() noexcept;
  [[nodiscard]] blocking_pool& blocking() noexcept;
  [[nodiscard]] const runtime_options& options() const noexcept;
  [[nodiscard]] runtime_stats stats() const;
  [[nodiscard]] bool running() const noexcept;
  /// True in a child process that inherited this object by `fork`.
  [[nodiscard]] bool forked() const noexcept;

  /// Ends everything within `patience`: services, actors, reactors, pool. Idempotent.
  void shutdown(milliseconds patience = milliseconds{10'000});

  /// The one `T` of this runtime, made by `T(runtime&)` at first use and destroyed in `shutdown`,
  /// last made first. How upper rooms hang their roots here without this room knowing them.
  template <class T>
  [[nodiscard]] std::shared_ptr<T> service() {
    return std::static_pointer_cast<T>(
        find_or_make(std::type_index(typeid(T)),
                     [this]() -> std::shared_ptr<void> { return std::make_shared<T>(*this); }));
  }

 private:
  class impl;
  std::shared_ptr<void> find_or_make(std::type_index type,
                                     const std::function<std::shared_ptr<void>()>& make);
  std::unique_ptr<impl> impl_;
};

}  // namespace graphbit
