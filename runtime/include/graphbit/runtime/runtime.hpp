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
  std::size_t worker_threads = 0;                ///< CAF workers; clamp(2 x cores, 4, 32)
  std::size_t max_blocking_threads = 0;          ///< 4 x cores
  std::size_t reactors = 0;                      ///< max(1, cores / 2)
  std::size_t thread_stack_bytes = 1024 * 1024;  ///< of reactors and workers
  /// A thread of the blocking pool without work ends after this.
  milliseconds thread_keep_alive{10'000};
  std::string thread_name_prefix = "graphbit";  ///< as tools of the system show it
  bool enable_blocking_pool = true;             ///< false: it has one thread
  /// Called first on each reactor thread, with its index: CPU pinning, priorities.
  std::function<void(std::size_t)> reactor_started{};
};

/// What a runtime is made of, and how long it has run.
struct runtime_stats {
  std::size_t worker_threads = 0;        ///< of CAF's scheduler
  std::size_t max_blocking_threads = 0;  ///< the blocking pool's bound
  std::size_t reactors = 0;              ///< event loops, a thread each
  std::size_t actors_alive = 0;          ///< ours and the service's
  std::size_t blocking_threads = 0;      ///< of the pool, now
  std::size_t blocking_queue = 0;        ///< work that waits for one of them
  std::size_t thread_stack_bytes = 0;    ///< read back from a reactor thread
  seconds uptime{0};                     ///< since the runtime was made
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
  /// With an actor system of its own. Throws std::system_error when the system has no thread left.
  explicit runtime(runtime_options options = {});
  /// Around a service's own actor system, which must outlive this and must have been built from a
  /// configuration that went through `add_message_types`.
  runtime(caf::actor_system& system, runtime_options options);
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  /// Its own, or the service's.
  [[nodiscard]] caf::actor_system& system() noexcept;
  /// Fixed for its life.
  [[nodiscard]] std::size_t reactor_count() const noexcept;
  /// Precondition: index < reactor_count().
  [[nodiscard]] reactor& reactor_at(std::size_t index) noexcept;
  /// Round robin; where the next run is placed.
  [[nodiscard]] reactor& next_reactor() noexcept;
  /// Threads for work that blocks.
  [[nodiscard]] blocking_pool& blocking() noexcept;
  /// With every 0 replaced by its rule.
  [[nodiscard]] const runtime_options& options() const noexcept;
  /// A picture of now.
  [[nodiscard]] runtime_stats stats() const;
  /// False once `shutdown` has begun.
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
