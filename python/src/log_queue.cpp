#include "log_queue.hpp"

#include <iterator>
#include <new>
#include <utility>

namespace graphbit::python {

log_queue& log_queue::instance() {
  static auto* const only = new log_queue;
  return *only;
}

void log_queue::attach() {
  set_log_sink([this](const log_line& said) { add(said); });
}

void log_queue::detach() { set_log_sink({}); }

void log_queue::add(const log_line& said) {
  line kept{said.level,
            std::string(said.room),
            std::string(said.text),
            std::string(said.about.run_id),
            std::string(said.about.node),
            std::string(said.about.request_id),
            said.about.attempt,
            std::chrono::duration<double>(said.time.time_since_epoch()).count()};
  {
    const std::lock_guard guard(mutex_);
    if (lines_.size() >= lines_max) {
      lines_.pop_front();
      ++dropped_;
    }
    lines_.push_back(std::move(kept));
  }
  came_.notify_one();
}

std::vector<log_queue::line> log_queue::take(milliseconds patience) {
  std::unique_lock lock(mutex_);
  came_.wait_for(lock, patience, [this] { return !lines_.empty(); });
  std::vector<line> taken(std::make_move_iterator(lines_.begin()),
                          std::make_move_iterator(lines_.end()));
  lines_.clear();
  return taken;
}

std::uint64_t log_queue::dropped() const {
  const std::lock_guard guard(mutex_);
  return dropped_;
}

void log_queue::renew() noexcept {
  new (&mutex_) std::mutex;
  new (&came_) std::condition_variable;
}

}  // namespace graphbit::python
