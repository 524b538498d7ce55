#include <graphbit/runtime/reactor.hpp>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <exception>

#include <boost/asio/post.hpp>

#include <graphbit/runtime/log.hpp>

namespace graphbit {

namespace {

// Bits of a waiter's word.
constexpr std::uint32_t done_bit = 1;
constexpr std::uint32_t lead_bit = 2;    // the lead was passed to this waiter
constexpr std::uint32_t asleep_bit = 4;  // it sleeps in the kernel and must be woken

constexpr auto interrupt_period = milliseconds{50};
constexpr auto sweep_period = milliseconds{100};
// How long the reactor's own thread leaves the loop to callers that come and go before it takes it
// back and blocks in the kernel, where an idle process costs nothing.
constexpr auto unmanned_max = milliseconds{20};
constexpr int resumes_per_turn = 256;
constexpr std::size_t messages_per_resume = 64;
constexpr int handlers_per_turn = 64;

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected, milliseconds timeout) {
  const auto ns = std::chrono::nanoseconds(timeout).count();
  const timespec ts{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, &ts, nullptr, 0);
}

void futex_wake(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace

reactor::reactor(caf::actor_system& system, options opts)
    : caf::execution_unit(&system),
      options_(std::move(opts)),
      work_(context_.get_executor()),
      sweep_timer_(context_) {}

reactor::~reactor() { stop(); }

reactor*& reactor::current() noexcept {
  static thread_local reactor* instance = nullptr;
  return instance;
}

void reactor::start() {
  thread_.start(options_.thread_name, options_.stack_bytes, [this] { thread_main(); });
}

void reactor::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  boost::asio::post(context_, [] {});
  kick();
  thread_.join();
  for (auto* queue : {&local_, &external_}) {
    for (auto* job : *queue) intrusive_ptr_release(job);
    queue->clear();
  }
}

// --- work coming in -----------------------------------------------------------------------------

void reactor::exec_later(caf::resumable* job) {
  const auto type = job->subtype();
  if (type != caf::resumable::io_actor && type != caf::resumable::function_object) {
    system().scheduler().enqueue(job);  // an ordinary actor, woken by a pinned one
    return;
  }
  if (here()) {
    local_.push_back(job);
    return;
  }
  bool first = false;
  {
    const std::lock_guard guard(queue_mutex_);
    first = external_.empty();
    external_.push_back(job);
    has_external_ = true;
  }
  if (!first) return;
  boost::asio::post(context_, [] {});  // ends the loop's wait; its turn drains the queue
  if (unmanned_) kick();
}

void reactor::post(std::function<void()> f) {
  boost::asio::post(context_, std::move(f));
  if (!here() && unmanned_) kick();
}

void reactor::sweep(std::function<bool(time_point)> f) {
  assert(here());
  sweeps_.push_back(std::move(f));
  if (sweeps_.size() == 1) tick();
}

void reactor::tick() {
  sweep_timer_.expires_after(sweep_period);
  sweep_timer_.async_wait([this](const boost::system::error_code& failed) {
    if (failed) return;
    const auto now = steady_clock::now();
    auto due = std::exchange(sweeps_, {});
    std::erase_if(due, [now](auto& f) { return !f(now); });
    // What was added meanwhile armed the timer already; the rest joins it.
    const bool armed = !sweeps_.empty();
    sweeps_.insert(sweeps_.end(), std::make_move_iterator(due.begin()),
                   std::make_move_iterator(due.end()));
    if (!armed && !sweeps_.empty()) tick();
  });
}

// --- the loop -----------------------------------------------------------------------------------

// One turn: wait for an event if no actor is ready, handle what came, run the actors.
void reactor::turn(duration wait) {
  try {
    // With nothing else to do, one handler: looking for more would be a system call for each.
    if (local_.empty() && !has_external_.load(std::memory_order_acquire))
      context_.run_one_for(wait);
    else
      for (int n = 0; n < handlers_per_turn && context_.poll_one() != 0; ++n) {
      }
  } catch (const std::exception& e) {
    log(log_level::error, "runtime", std::string("a reactor's handler threw: ") + e.what());
  }
  drain();
}

void reactor::drain() {
  if (has_external_.load(std::memory_order_acquire)) {
    const std::lock_guard guard(queue_mutex_);
    has_external_ = false;
    local_.insert(local_.end(), external_.begin(), external_.end());
    external_.clear();
  }
  resume_some();
}

// Bounded, so that I/O gets its turn while actors keep each other busy.
void reactor::resume_some() {
  for (int n = 0; n < resumes_per_turn && !local_.empty(); ++n) {
    auto* job = local_.front();
    local_.pop_front();
    switch (job->resume(this, messages_per_resume)) {
      case caf::resumable::resume_later:
        local_.push_back(job);
        break;
      case caf::resumable::shutdown_execution_unit:
        break;
      default:  // awaiting_message, done: the queue's reference ends
        intrusive_ptr_release(job);
    }
  }
}

void reactor::thread_main() {
  system().thread_started();
  try {
    if (options_.thread_started) options_.thread_started(options_.index);
  } catch (const std::exception& e) {
    log(log_level::error, "runtime", std::string("the start hook of a reactor threw: ") + e.what());
  } catch (...) {
    log(log_level::error, "runtime", "the start hook of a reactor threw");
  }
  while (!stopping_) {
    {
      const std::lock_guard guard(loop_mutex_);
      unmanned_ = false;
      current() = this;
      while (!stopping_ && claims_.load(std::memory_order_relaxed) == 0) turn(seconds{3600});
      current() = nullptr;
      unmanned_ = true;
    }
    // A caller runs the loop: stay away until it is gone for a while, or asks for us.
    while (!stopping_) {
      futex_wait(kicked_, 0, unmanned_max);
      kicked_ = 0;
      if (claims_ == 0) break;
    }
  }
  system().thread_terminates();
}

void reactor::kick() {
  kicked_ = 1;
  futex_wake(kicked_);
}

// --- callers that run the loop ------------------------------------------------------------------

bool reactor::drive(waiter& w, const std::function<void()>& submit,
                    const std::function<bool()>& interrupted) {
  assert(!here());
  if (take_loop()) {
    submit();
    return lead(w, interrupted);
  }
  {
    const std::lock_guard guard(queue_mutex_);
    followers_.push_back(&w);
  }
  submit();
  return follow(w, interrupted);
}

// True when this thread runs the loop from here on. While the reactor's thread has work it shall
// go on, for stealing the loop from it costs two wake-ups; asleep, it gives way.
bool reactor::take_loop() {
  const auto thread_is_busy = [this] {
    return !unmanned_ && in_flight_.load(std::memory_order_relaxed) > 0;
  };
  if (thread_is_busy() || claims_.load() != 0) return false;
  if (claims_.fetch_add(1) != 0) {
    claims_.fetch_sub(1);
    return false;
  }
  if (!loop_mutex_.try_lock()) {
    if (thread_is_busy()) {
      claims_.fetch_sub(1);
      kick();  // it may have seen the claim and left the loop
      return false;
    }
    boost::asio::post(context_, [] {});
    loop_mutex_.lock();
  }
  unmanned_ = false;
  current() = this;
  return true;
}

bool reactor::lead(waiter& w, const std::function<bool()>& interrupted) {
  bool finished = true;
  auto ask_at = never;
  if (interrupted) ask_at = steady_clock::now() + interrupt_period;
  drain();
  while ((w.word_.load(std::memory_order_acquire) & done_bit) == 0) {
    turn(interrupt_period);
    if (!interrupted || steady_clock::now() < ask_at) continue;
    ask_at += interrupt_period;
    if (interrupted()) {
      finished = false;
      break;
    }
  }
  leave_loop();
  return finished;
}

// Hands the loop to a waiting caller if there is one, else to the reactor's thread if there is
// work.
void reactor::leave_loop() {
  current() = nullptr;
  const bool work_left = !local_.empty() || in_flight_.load(std::memory_order_relaxed) > 0;
  bool passed_on = false;
  {
    const std::lock_guard guard(queue_mutex_);
    unmanned_ = true;
    loop_mutex_.unlock();
    claims_.fetch_sub(1);
    while (!followers_.empty() && !passed_on) {
      auto* next = followers_.back();
      followers_.pop_back();
      // Under the mutex the follower cannot be gone: it leaves the list under it as well.
      const auto before = next->word_.fetch_or(lead_bit);
      if ((before & asleep_bit) != 0) futex_wake(next->word_);
      passed_on = (before & done_bit) == 0;
    }
  }
  if (!passed_on && (work_left || has_external_)) kick();
}

bool reactor::follow(waiter& w, const std::function<bool()>& interrupted) {
  for (;;) {
    auto word = w.word_.load(std::memory_order_acquire);
    if ((word & done_bit) != 0) {
      drop_follower(w);
      return true;
    }
    if ((word & lead_bit) != 0) {
      w.word_.fetch_and(~lead_bit);
      if (take_loop()) return lead(w, interrupted);
      const std::lock_guard guard(queue_mutex_);
      followers_.push_back(&w);
      continue;
    }
    if (w.word_.compare_exchange_strong(word, word | asleep_bit)) {
      futex_wait(w.word_, word | asleep_bit, interrupt_period);
      w.word_.fetch_and(~asleep_bit);
    }
    if ((w.word_.load() & (done_bit | lead_bit)) == 0 && interrupted && interrupted()) {
      drop_follower(w);
      return false;
    }
  }
}

// Leaves the list of followers; a lead that was passed to us meanwhile goes on to somebody else.
void reactor::drop_follower(waiter& w) {
  {
    const std::lock_guard guard(queue_mutex_);
    std::erase(followers_, &w);
  }
  if ((w.word_.load() & lead_bit) == 0) return;
  if (take_loop())
    leave_loop();
  else
    kick();
}

void reactor::finish(waiter& w) {
  if ((w.word_.fetch_or(done_bit, std::memory_order_acq_rel) & asleep_bit) != 0)
    futex_wake(w.word_);
}

}  // namespace graphbit
