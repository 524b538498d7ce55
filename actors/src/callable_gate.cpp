#include "src/callable_gate.hpp"

#include <optional>
#include <utility>

#include <graphbit/runtime/limits.hpp>

namespace graphbit {

/// Guarded by the gate's mutex.
class callable_gate::ticket {
 public:
  enum class stage : std::uint8_t { waiting, placed, over };
  ticket(work_function w, answer_function a) : work(std::move(w)), answer(std::move(a)) {}
  work_function work;
  answer_function answer;
  stage at = stage::waiting;
  std::optional<time_point> began;  // when a thread took it up
  blocking_pool::job job = 0;
};

std::shared_ptr<callable_gate::ticket> callable_gate::submit(work_function work,
                                                             answer_function answer) {
  auto t = std::make_shared<ticket>(std::move(work), std::move(answer));
  bool full = false;
  {
    const std::lock_guard guard(mutex_);
    full = waiting_.size() >= limits::callables_queued_max;
    if (!full) waiting_.push_back(t);
  }
  if (full)
    settle(*t, fail(resource_error("callables",
                                   "too many callables of this executor wait for a "
                                   "thread; start fewer runs at once")));
  start_waiting();
  return t;
}

void callable_gate::abandon(const std::shared_ptr<ticket>& t) {
  work_function work;  // this and `answer` are destroyed outside the lock
  answer_function answer;
  blocking_pool::job job = 0;
  {
    const std::lock_guard guard(mutex_);
    if (t->at == ticket::stage::over) return;
    if (t->at == ticket::stage::placed) --running_;
    if (t->began) ++abandoned_;
    t->at = ticket::stage::over;
    work.swap(t->work);
    answer.swap(t->answer);
    job = t->job;
  }
  pool_.abandon(job);
  start_waiting();
}

bool callable_gate::is_overdue(const ticket& t, duration limit, time_point now) const {
  const std::lock_guard guard(mutex_);
  return t.at == ticket::stage::placed && t.began && now - *t.began >= limit;
}

callable_gate::statistics callable_gate::stats() const {
  const std::lock_guard guard(mutex_);
  return {running_, waiting_.size(), abandoned_, late_};
}

void callable_gate::start_waiting() {
  while (const auto next = next_waiting()) start(next);
}

std::shared_ptr<callable_gate::ticket> callable_gate::next_waiting() {
  const std::lock_guard guard(mutex_);
  while (!waiting_.empty() && running_ < running_max_) {
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    if (next->at != ticket::stage::waiting) continue;  // abandoned meanwhile
    next->at = ticket::stage::placed;
    ++running_;
    return next;
  }
  return nullptr;
}

void callable_gate::start(const std::shared_ptr<ticket>& t) {
  const auto self = shared_from_this();
  const auto job = pool_.submit([self, t] { self->carry_out(*t); },
                                [self, t](const error& why) {
                                  if (self->settle(*t, fail(why))) self->start_waiting();
                                });
  if (!job) {
    settle(*t, fail(job.error()));
    return;
  }
  bool is_over = false;
  {
    const std::lock_guard guard(mutex_);
    t->job = *job;
    is_over = t->at == ticket::stage::over;
  }
  if (is_over) pool_.abandon(*job);  // it was given up before its number was known
}

void callable_gate::carry_out(ticket& t) {
  work_function work;
  {
    const std::lock_guard guard(mutex_);
    if (t.at == ticket::stage::over) return;
    t.began = steady_clock::now();
    work.swap(t.work);
  }
  if (settle(t, work())) start_waiting();
}

// A late end touches nothing but the count: the pool and the actors may be gone by then.
bool callable_gate::settle(ticket& t, expected<json_value> result) {
  answer_function answer;
  {
    const std::lock_guard guard(mutex_);
    if (t.at == ticket::stage::over) {
      if (t.began) ++late_;
      return false;
    }
    if (t.at == ticket::stage::placed) --running_;
    t.at = ticket::stage::over;
    answer.swap(t.answer);
  }
  answer(std::move(result));
  return true;
}

}  // namespace graphbit
