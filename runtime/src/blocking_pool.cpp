#include <graphbit/runtime/blocking_pool.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/native_thread.hpp>
#include <graphbit/runtime/processors.hpp>

namespace graphbit {

// Shared with its threads, which are detached: one that is stuck in foreign code at the end keeps
// this alive and nothing else.
class blocking_pool::impl : public std::enable_shared_from_this<impl> {
 public:
  explicit impl(options opts) : options_(std::move(opts)) {
    if (options_.threads_max == 0) options_.threads_max = 4 * processors();
    if (options_.abandoned_max == 0) options_.abandoned_max = options_.threads_max;
  }

  expected<job> submit(std::function<void()> work, std::function<void(const error&)> refused) {
    const std::lock_guard guard(mutex_);
    if (auto ok = has_room(); !ok) return fail(std::move(ok.error()));
    queue_.push_back({last_job_ + 1, std::move(work), std::move(refused)});
    if (!serve_queue()) {
      queue_.pop_back();
      return fail(resource_error("blocking_threads",
                                 "no thread could be started for a callable; "
                                 "the process is at its limit of threads"));
    }
    return ++last_job_;
  }

  void abandon(job which) {
    std::deque<entry> dropped;  // destroyed and refused outside the lock
    std::unique_lock guard(mutex_);
    if (running_.erase(which) == 0) return drop_queued(which, dropped);
    abandoned_.insert(which);
    if (all_ended()) all_ended_.notify_all();
    if (abandoned_.size() == options_.abandoned_max)
      log(log_level::warn, "runtime",
          std::to_string(abandoned_.size()) +
              " callables that were given up keep their threads; no further ones are replaced");
    if (usable() > 0) return static_cast<void>(serve_queue());
    dropped.swap(queue_);
    const error why = all_stuck();
    guard.unlock();
    log(log_level::error, "runtime", why.message);
    for (const entry& e : dropped)
      if (e.refused) e.refused(why);
  }

  bool stop(milliseconds patience) {
    std::unique_lock guard(mutex_);
    stopping_ = true;
    work_came_.notify_all();
    return all_ended_.wait_for(guard, patience, [this] { return all_ended(); });
  }

  statistics stats() {
    const std::lock_guard guard(mutex_);
    return {threads_, running_.size(), queue_.size(), abandoned_.size()};
  }

 private:
  struct entry {
    job id = 0;
    std::function<void()> work;
    std::function<void(const error&)> refused;
  };

  // All below but `run`: mutex_ is held.

  /// How many threads may be at work, beside those of abandoned work.
  [[nodiscard]] std::size_t usable() const {
    const std::size_t unreplaced =
        abandoned_.size() - std::min(abandoned_.size(), options_.abandoned_max);
    return options_.threads_max - std::min(options_.threads_max, unreplaced);
  }
  [[nodiscard]] std::size_t at_hand() const { return threads_ - abandoned_.size(); }
  [[nodiscard]] bool all_ended() const { return at_hand() == 0; }

  [[nodiscard]] error all_stuck() const {
    return resource_error("blocking_threads",
                          "all " + std::to_string(threads_) +
                              " threads for callables are stuck in ones whose time limit has "
                              "passed; end what they wait for, raise max_blocking_threads, or "
                              "restart the process");
  }

  [[nodiscard]] expected<void> has_room() const {
    if (stopping_)
      return fail(runtime_error("submit", "the runtime is shutting down and runs no callables"));
    if (queue_.size() >= options_.queue_max)
      return fail(resource_error("blocking_queue", "too many callables wait for a thread"));
    if (usable() == 0) return fail(all_stuck());
    return {};
  }

  /// Sees to it that what is queued will be run; false when there is no thread and none starts.
  bool serve_queue() {
    if (queue_.empty()) return true;
    if (idle_ >= queue_.size() || at_hand() >= usable()) {
      work_came_.notify_one();
      return true;
    }
    return start_thread() || at_hand() > 0;
  }

  void drop_queued(job which, std::deque<entry>& dropped) {
    const auto found = std::lower_bound(queue_.begin(), queue_.end(), which,
                                        [](const entry& e, job id) { return e.id < id; });
    if (found == queue_.end() || found->id != which) return;
    dropped.push_back(std::move(*found));
    queue_.erase(found);
  }

  bool start_thread() {
    try {
      native_thread thread;
      thread.start(options_.thread_name, options_.stack_bytes,
                   [self = shared_from_this()] { self->thread_main(); });
      thread.detach();
      ++threads_;
      return true;
    } catch (const std::system_error& e) {
      log(log_level::error, "runtime", std::string("blocking pool: ") + e.what());
      return false;
    }
  }

  void thread_main() {
    std::unique_lock guard(mutex_);
    while (at_hand() <= usable() && wait_for_work(guard)) {
      auto next = std::move(queue_.front());
      queue_.pop_front();
      running_.insert(next.id);
      guard.unlock();
      run(next.work);
      next.work = nullptr;  // what it holds is destroyed outside the lock
      next.refused = nullptr;
      guard.lock();
      if (running_.erase(next.id) == 0) abandoned_.erase(next.id);
    }
    --threads_;
    if (all_ended()) all_ended_.notify_all();
  }

  /// False: this thread has nothing left to do.
  bool wait_for_work(std::unique_lock<std::mutex>& guard) {
    const auto ready = [this] { return stopping_ || !queue_.empty(); };
    ++idle_;
    work_came_.wait_for(guard, options_.keep_alive, ready);
    --idle_;
    return !queue_.empty();
  }

  static void run(const std::function<void()>& work) {
    try {
      work();
    } catch (const std::exception& e) {
      log(log_level::error, "runtime", std::string("blocking work threw: ") + e.what());
    }
  }

  options options_;
  std::mutex mutex_;
  std::condition_variable work_came_;
  std::condition_variable all_ended_;
  std::deque<entry> queue_;  // in the order of their ids
  std::set<job> running_;
  std::set<job> abandoned_;  // while they run
  job last_job_ = 0;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

blocking_pool::blocking_pool(options opts) : impl_(std::make_shared<impl>(std::move(opts))) {}

blocking_pool::~blocking_pool() { stop(milliseconds{10'000}); }

expected<blocking_pool::job> blocking_pool::submit(std::function<void()> work,
                                                   std::function<void(const error&)> refused) {
  return impl_->submit(std::move(work), std::move(refused));
}

void blocking_pool::abandon(job which) { impl_->abandon(which); }

bool blocking_pool::stop(milliseconds patience) { return impl_->stop(patience); }

blocking_pool::statistics blocking_pool::stats() const { return impl_->stats(); }

}  // namespace graphbit
