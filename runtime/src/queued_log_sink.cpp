#include <graphbit/runtime/queued_log_sink.hpp>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <graphbit/runtime/native_thread.hpp>

namespace graphbit {

namespace {

// A line that outlives its caller.
struct kept_line {
  explicit kept_line(const log_line& line)
      : level(line.level),
        room(line.room),
        text(line.text),
        run_id(line.about.run_id),
        node(line.about.node),
        request_id(line.about.request_id),
        attempt(line.about.attempt),
        time(line.time) {}
  [[nodiscard]] log_line view() const {
    return {level, room, text, {run_id, node, request_id, attempt}, time};
  }

  log_level level;
  std::string room, text, run_id, node, request_id;
  std::uint32_t attempt;
  std::chrono::system_clock::time_point time;
};

class line_queue {
 public:
  line_queue(std::function<void(const log_line&)> slow, std::size_t lines_max)
      : slow_(std::move(slow)), lines_max_(lines_max) {
    thread_.start("graphbit-log", 256 * 1024, [this] { work(); });
  }
  ~line_queue() {
    {
      const std::lock_guard guard(mutex_);
      ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  line_queue(const line_queue&) = delete;
  line_queue& operator=(const line_queue&) = delete;

  void add(const log_line& line) {
    kept_line kept(line);
    {
      const std::lock_guard guard(mutex_);
      if (lines_.size() >= lines_max_) {
        ++dropped_;
        return;
      }
      lines_.push_back(std::move(kept));
    }
    changed_.notify_one();
  }

 private:
  void work() {
    std::unique_lock guard(mutex_);
    for (;;) {
      changed_.wait(guard, [this] { return ending_ || !lines_.empty(); });
      if (lines_.empty()) return;
      auto lines = std::exchange(lines_, {});
      const auto dropped = std::exchange(dropped_, 0);
      guard.unlock();
      if (dropped > 0) tell(kept_line({log_level::warn, "runtime", text_of(dropped)}));
      for (const auto& line : lines) tell(line);
      guard.lock();
    }
  }
  static std::string text_of(std::size_t dropped) {
    return std::to_string(dropped) + " log lines were dropped: the sink is too slow";
  }
  void tell(const kept_line& line) noexcept {
    try {
      slow_(line.view());
    } catch (...) {  // a log line is never worth a crash
    }
  }

  const std::function<void(const log_line&)> slow_;
  const std::size_t lines_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<kept_line> lines_;
  std::size_t dropped_ = 0;
  bool ending_ = false;
  native_thread thread_;
};

}  // namespace

std::function<void(const log_line&)> queued_log_sink(std::function<void(const log_line&)> slow,
                                                     std::size_t lines_max) {
  return [queue = std::make_shared<line_queue>(std::move(slow), lines_max)](const log_line& line) {
    queue->add(line);
  };
}

}  // namespace graphbit
