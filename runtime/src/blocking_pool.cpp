#include <graphbit/runtime/blocking_pool.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/native_thread.hpp>

namespace graphbit {

// Shared with its threads, which are detached: one that is stuck in foreign code at the end keeps
// this alive and nothing else.
class blocking_pool::impl : public std::enable_shared_from_this<impl> {
 public:
  explicit impl(options opts) : options_(std::move(opts)) {
    if (options_.threads_max == 0)
      options_.threads_max = 4 * std::max(1u, std::thread::hardware_concurrency());
  }

  bool submit(std::function<void()> work) {
    const std::lock_guard guard(mutex_);
    if (stopping_ || queue_.size() >= options_.queue_max) return false;
    queue_.push_back(std::move(work));
    if (idle_ >= queue_.size() || threads_ >= options_.threads_max) {
      work_came_.notify_one();
      return true;
    }
    if (start_thread() || threads_ > 0) return true;
    queue_.pop_back();
    return false;
  }

  bool stop(milliseconds patience) {
    std::unique_lock guard(mutex_);
    stopping_ = true;
    work_came_.notify_all();
    return all_ended_.wait_for(guard, patience, [this] { return threads_ == 0; });
  }

  statistics stats() {
    const std::lock_guard guard(mutex_);
    return {threads_, threads_ - idle_, queue_.size(), 0};
  }

 private:
  // Precondition: mutex_ is held.
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
    for (;;) {
      if (queue_.empty()) {
        if (stopping_) break;
        ++idle_;
        const bool woken = work_came_.wait_for(guard, options_.keep_alive,
                                               [this] { return stopping_ || !queue_.empty(); });
        --idle_;
        if (!woken) break;
        continue;
      }
      auto work = std::move(queue_.front());
      queue_.pop_front();
      guard.unlock();
      run(work);
      work = nullptr;  // what it holds is destroyed outside the lock
      guard.lock();
    }
    --threads_;
    if (threads_ == 0) all_ended_.notify_all();
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
  std::deque<std::function<void()>> queue_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

blocking_pool::blocking_pool(options opts) : impl_(std::make_shared<impl>(std::move(opts))) {}

blocking_pool::~blocking_pool() { stop(milliseconds{10'000}); }

bool blocking_pool::submit(std::function<void()> work) { return impl_->submit(std::move(work)); }

bool blocking_pool::stop(milliseconds patience) { return impl_->stop(patience); }

blocking_pool::statistics blocking_pool::stats() const { return impl_->stats(); }

}  // namespace graphbit
