#include <graphbit/runtime/log.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace graphbit {

namespace {

using sink_function = std::function<void(const log_line&)>;

std::atomic<log_level> enabled_from{log_level::warn};

// Never destroyed: threads may log while the process exits.
struct log_state {
  std::mutex mutex;
  std::shared_ptr<const sink_function> sink;
  spdlog::logger to_stderr{"graphbit", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  log_state() {
    to_stderr.set_level(spdlog::level::trace);
    to_stderr.set_pattern("%Y-%m-%dT%H:%M:%S.%e [%l] %v");
    to_stderr.flush_on(spdlog::level::trace);
  }
};

log_state& state() {
  static auto* instance = new log_state;
  return *instance;
}

}  // namespace

log_level log_level_from(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 6> names{"trace", "debug", "info",
                                                         "warn",  "error", "off"};
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<log_level>(i);
  return log_level::warn;
}

void set_log_level(log_level level) noexcept { enabled_from = level; }

bool log_enabled(log_level level) noexcept {
  return level >= enabled_from.load(std::memory_order_relaxed);
}

void set_log_sink(sink_function sink) {
  auto& s = state();
  const std::lock_guard guard(s.mutex);
  s.sink = sink ? std::make_shared<const sink_function>(std::move(sink)) : nullptr;
}

void log(log_level level, std::string_view room, std::string_view text) noexcept {
  if (!log_enabled(level)) return;
  try {
    auto& s = state();
    std::shared_ptr<const sink_function> sink;
    {
      const std::lock_guard guard(s.mutex);
      sink = s.sink;
    }
    if (sink) {
      (*sink)(log_line{level, room, text});
      return;
    }
    s.to_stderr.log(static_cast<spdlog::level::level_enum>(level), "{}: {}", room, text);
  } catch (...) {  // a log line is never worth a crash
  }
}

}  // namespace graphbit
