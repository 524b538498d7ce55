#include "src/callable_gate.hpp"

#include <utility>

#include <graphbit/runtime/limits.hpp>

namespace graphbit {

class callable_gate::ticket {
 public:
  enum class stage : std::uint8_t { waiting, running, over };
  ticket(std::function<void()> w, std::function<void()> r)
      : work(std::move(w)), refused(std::move(r)) {}
  const std::function<void()> work, refused;
  stage at = stage::waiting;  // guarded by the gate's mutex
};

std::shared_ptr<callable_gate::ticket> callable_gate::submit(std::function<void()> work,
                                                             std::function<void()> refused) {
  auto t = std::make_shared<ticket>(std::move(work), std::move(refused));
  std::shared_ptr<ticket> next;
  bool full = false;
  {
    const std::lock_guard guard(mutex_);
    full = waiting_.size() >= limits::callables_queued_max;
    if (!full) waiting_.push_back(t);
  }
  if (full) t->refused();
  while ((next = next_waiting()) != nullptr) start(next);
  return t;
}

void callable_gate::abandon(const std::shared_ptr<ticket>& t) { ended(*t); }

void callable_gate::start(const std::shared_ptr<ticket>& t) {
  const bool taken = pool_.submit([self = shared_from_this(), t] {
    t->work();
    self->ended(*t);
  });
  if (taken) return;
  t->refused();
  const std::lock_guard guard(mutex_);
  if (std::exchange(t->at, ticket::stage::over) == ticket::stage::running) --running_;
}

std::shared_ptr<callable_gate::ticket> callable_gate::next_waiting() {
  const std::lock_guard guard(mutex_);
  while (!waiting_.empty() && running_ < running_max_) {
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    if (next->at != ticket::stage::waiting) continue;  // abandoned meanwhile
    next->at = ticket::stage::running;
    ++running_;
    return next;
  }
  return nullptr;
}

void callable_gate::ended(ticket& t) {
  {
    const std::lock_guard guard(mutex_);
    if (std::exchange(t.at, ticket::stage::over) != ticket::stage::running) return;
    --running_;
  }
  while (const auto next = next_waiting()) start(next);
}

}  // namespace graphbit
