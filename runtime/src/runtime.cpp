#include <graphbit/runtime/runtime.hpp>

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <graphbit/runtime/blocking_pool.hpp>
#include <graphbit/runtime/caf.hpp>
#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/message_types.hpp>
#include <graphbit/runtime/native_thread.hpp>
#include <graphbit/runtime/processors.hpp>
#include <graphbit/runtime/reactor.hpp>

#include "src/quiet_scheduler.hpp"
#include "src/system_end.hpp"

namespace graphbit {

namespace {

// CAF calls all its threads "caf.multiplexer"; an operator wants to tell ours apart.
class name_threads final : public caf::thread_hook {
 public:
  explicit name_threads(std::string name) : name_(std::move(name)) {}
  void init(caf::actor_system&) override {}
  void thread_started() override {
    char current[16] = {};
    pthread_getname_np(pthread_self(), current, sizeof current);
    if (std::string_view(current).starts_with("caf."))
      pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  }
  void thread_terminates() override {}

 private:
  std::string name_;
};

void configure(caf::actor_system_config& cfg, const runtime_options& options) {
  cfg.set("scheduler.max-threads", options.worker_threads);
  cfg.load<quiet_scheduler>();  // sharing work: a fifth of stealing's wake-up cost
  cfg.add_thread_hook<name_threads>(options.thread_name_prefix + "-work");
}

// Whether the calling thread's thread-locals are gone, as they are in static destructors. Asked
// once while they live, it knows later.
[[nodiscard]] bool thread_locals_are_gone() {
  thread_local bool gone = false;  // needs no destructor, so it can be read after the others'
  struct last_words {
    ~last_words() { gone = true; }
  };
  thread_local const last_words watch;
  static_cast<void>(watch);
  return gone;
}

// ~actor_system waits for every thread that refers to its log, also for the one that destroys the
// runtime: a caf::scoped_actor there leaves such a reference.
void forget_log_of_this_thread() {
  if (!thread_locals_are_gone()) caf::logger::set_current_actor_system(nullptr);
}

}  // namespace

runtime_options resolved(runtime_options options) {
  const std::size_t cores = processors();
  if (options.worker_threads == 0)
    options.worker_threads = std::clamp<std::size_t>(2 * cores, 4, 32);
  if (options.max_blocking_threads == 0) options.max_blocking_threads = 4 * cores;
  if (options.reactors == 0) options.reactors = std::max<std::size_t>(1, cores / 2);
  if (options.thread_stack_bytes == 0) options.thread_stack_bytes = 1024 * 1024;
  return options;
}

class runtime::impl {
 public:
  explicit impl(runtime_options options) : options_(resolved(std::move(options))) {
    configure(own_config_, options_);
    {
      const signals_blocked blocked;
      const default_stack_size stack(options_.thread_stack_bytes);
      const spawn_scope scope;
      own_system_ = std::make_unique<caf::actor_system>(own_config_);
    }
    system_ = own_system_.get();
    start();
  }

  impl(caf::actor_system& system, runtime_options options)
      : options_(resolved(std::move(options))), system_(&system) {
    if (!has_message_types(system))
      throw std::invalid_argument(
          "this caf::actor_system does not know graphbit's message types: call "
          "graphbit::add_message_types(config) on its configuration before the system is made");
    start();
    system_end::of(system).tell(this, [this] {
      refuse_own_threads();
      shutdown(milliseconds{10'000});
    });
  }

  /// Nothing of a runtime is to be had once it has ended: where no error can be given, the process
  /// ends with a sentence.
  void refuse_after_end() const {
    if (system_ != nullptr) return;
    log(log_level::error, "runtime",
        "a runtime was used after its shutdown: ask running() first, or let it live longer");
    std::abort();
  }

  /// A runtime that is ended by its own reactor would wait for itself for ever.
  void refuse_own_threads() const {
    for (const auto& r : reactors_) {
      if (!r->here()) continue;
      log(log_level::error, "runtime",
          "a runtime was ended on one of its own reactors (in a callback): end it elsewhere");
      std::abort();
    }
  }

  void shutdown(milliseconds patience) {
    const std::lock_guard guard(shutdown_mutex_);
    if (!running_.exchange(false)) return;
    const auto until = steady_clock::now() + patience;
    end_services();
    blocking_->stop(remaining(until, steady_clock::now()));
    const bool all_ended = wait_for_actors(until);
    if (!all_ended && own_system_ != nullptr) {
      // Joining would hang; the process is better off without these threads' memory.
      log(log_level::error, "runtime",
          "shutdown: " + std::to_string(system_->registry().running()) +
              " actors did not end in time; their threads are left behind");
      for (auto& r : reactors_) static_cast<void>(r.release());
      reactors_.clear();
      static_cast<void>(own_system_.release());
      system_ = nullptr;
      return;
    }
    for (auto& r : reactors_) r->stop();
    reactors_.clear();
    if (own_system_ == nullptr) system_end::of(*system_).forget(this);
    own_system_.reset();
    system_ = nullptr;
  }

  std::shared_ptr<void> find_or_make(std::type_index type,
                                     const std::function<std::shared_ptr<void>()>& make) {
    const std::lock_guard guard(services_mutex_);
    if (const auto found = services_.find(type); found != services_.end()) return found->second;
    if (!running_)
      throw std::runtime_error("the runtime was shut down; make a new one before using it again");
    auto made = make();
    services_.emplace(type, made);
    order_.push_back(made);
    return made;
  }

  runtime_options options_;
  caf::actor_system_config own_config_;
  std::unique_ptr<caf::actor_system> own_system_;
  caf::actor_system* system_ = nullptr;
  std::vector<std::unique_ptr<reactor>> reactors_;
  std::unique_ptr<blocking_pool> blocking_;
  std::atomic<std::size_t> next_reactor_{0};
  std::atomic<bool> running_{true};
  const pid_t pid_ = getpid();
  const time_point started_ = steady_clock::now();

 private:
  void start() {
    for (std::size_t i = 0; i < options_.reactors; ++i) {
      reactors_.push_back(std::make_unique<reactor>(
          *system_, reactor::options{options_.thread_name_prefix + "-io" + std::to_string(i),
                                     options_.thread_stack_bytes, options_.reactor_started, i}));
      reactors_.back()->start();
    }
    blocking_pool::options pool;
    pool.threads_max = options_.enable_blocking_pool ? options_.max_blocking_threads : 1;
    pool.keep_alive = options_.thread_keep_alive;
    pool.thread_name = options_.thread_name_prefix + "-blk";
    blocking_ = std::make_unique<blocking_pool>(std::move(pool));
  }

  // Last made first: a later service may use an earlier one until its own end.
  void end_services() {
    std::vector<std::shared_ptr<void>> order;
    {
      const std::lock_guard guard(services_mutex_);
      services_.clear();
      order.swap(order_);
    }
    while (!order.empty()) order.pop_back();
  }

  // A foreign actor system has actors that are none of our business.
  [[nodiscard]] bool wait_for_actors(time_point until) const {
    if (own_system_ == nullptr) return true;
    while (system_->registry().running() > 0) {
      if (steady_clock::now() >= until) return false;
      std::this_thread::sleep_for(milliseconds{1});
    }
    return true;
  }

  std::mutex shutdown_mutex_;
  std::recursive_mutex services_mutex_;
  std::map<std::type_index, std::shared_ptr<void>> services_;
  std::vector<std::shared_ptr<void>> order_;
};

runtime::runtime(runtime_options options) : impl_(std::make_unique<impl>(std::move(options))) {
  static_cast<void>(thread_locals_are_gone());
}
runtime::runtime(caf::actor_system& system, runtime_options options)
    : impl_(std::make_unique<impl>(system, std::move(options))) {
  static_cast<void>(thread_locals_are_gone());
}

// In a thread of its own: a static runtime is destroyed after the main thread's thread-locals, one
// of which CAF uses in ~actor_system and in every spawn.
runtime::~runtime() {
  if (forked()) static_cast<void>(impl_.release());  // its threads are the parent's
  if (impl_ == nullptr || !running()) return;
  impl_->refuse_own_threads();
  forget_log_of_this_thread();
  native_thread ending;
  try {
    ending.start(options().thread_name_prefix + "-end", options().thread_stack_bytes,
                 [this] { impl_->shutdown(milliseconds{10'000}); });
  } catch (const std::system_error&) {  // no thread is to be had
    shutdown();
  }
}

caf::actor_system& runtime::system() noexcept {
  impl_->refuse_after_end();
  return *impl_->system_;
}
std::size_t runtime::reactor_count() const noexcept { return impl_->reactors_.size(); }
reactor& runtime::reactor_at(std::size_t index) noexcept {
  impl_->refuse_after_end();
  return *impl_->reactors_[index];
}
reactor& runtime::next_reactor() noexcept {
  impl_->refuse_after_end();
  return *impl_->reactors_[impl_->next_reactor_.fetch_add(1, std::memory_order_relaxed) %
                           impl_->reactors_.size()];
}
blocking_pool& runtime::blocking() noexcept { return *impl_->blocking_; }
const runtime_options& runtime::options() const noexcept { return impl_->options_; }
bool runtime::running() const noexcept { return impl_->running_; }
bool runtime::forked() const noexcept { return impl_->pid_ != getpid(); }
void runtime::shutdown(milliseconds patience) {
  impl_->refuse_own_threads();
  impl_->shutdown(patience);
}

runtime_stats runtime::stats() const {
  runtime_stats s;
  s.worker_threads = impl_->options_.worker_threads;
  s.max_blocking_threads = impl_->options_.max_blocking_threads;
  s.reactors = impl_->options_.reactors;
  s.uptime = std::chrono::duration_cast<seconds>(steady_clock::now() - impl_->started_);
  if (!running()) return s;
  s.actors_alive = impl_->system_->registry().running();
  const auto pool = impl_->blocking_->stats();
  s.blocking_threads = pool.threads;
  s.blocking_queue = pool.queued;
  s.thread_stack_bytes = impl_->reactors_.front()->stack_bytes();
  return s;
}

std::shared_ptr<void> runtime::find_or_make(std::type_index type,
                                            const std::function<std::shared_ptr<void>()>& make) {
  return impl_->find_or_make(type, make);
}

}  // namespace graphbit
