#include <graphbit/runtime/log.hpp>

#include <array>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <mutex>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

namespace {

using sink_function = std::function<void(const log_line&)>;

constexpr std::array<std::string_view, 6> level_names{"trace", "debug", "info",
                                                      "warn",  "error", "off"};

std::string_view environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::string_view{} : text;
}

log_format format_from(std::string_view name) {
  return name == "json" ? log_format::json : log_format::text;
}

// At the program's start, so that asking whether a level is enabled is one load.
std::atomic<log_level> enabled_from{log_level_from(environment("GRAPHBIT_LOG"))};
std::atomic<log_format> format{format_from(environment("GRAPHBIT_LOG_FORMAT"))};

std::shared_ptr<spdlog::logger> logger_to(spdlog::sink_ptr sink) {
  auto made = std::make_shared<spdlog::logger>("graphbit", std::move(sink));
  made->set_level(spdlog::level::trace);
  made->set_pattern("%v");
  made->flush_on(spdlog::level::trace);
  return made;
}

// Never destroyed: threads may log while the process exits.
struct log_state {
  std::mutex mutex;
  std::shared_ptr<const sink_function> sink;  // guarded by mutex
  std::shared_ptr<spdlog::logger> output;     // guarded by mutex

  log_state() {
    if (const auto file = environment("GRAPHBIT_LOG_FILE"); !file.empty()) try {
        output = logger_to(std::make_shared<spdlog::sinks::basic_file_sink_mt>(std::string(file)));
      } catch (const spdlog::spdlog_ex&) {  // stderr, then
      }
    if (!output) output = logger_to(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  }
};

log_state& state() {
  static auto* instance = new log_state;
  return *instance;
}

std::string time_text(std::chrono::system_clock::time_point time) {
  const auto seconds = std::chrono::system_clock::to_time_t(time);
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(ms));
  return text;
}

/// Calls `f(name, value)` for each part of the subject that is known.
template <class F>
void for_each_part(const log_subject& about, F f) {
  if (!about.run_id.empty()) f("run_id", about.run_id);
  if (!about.node.empty()) f("node", about.node);
  if (!about.request_id.empty()) f("request_id", about.request_id);
  if (about.attempt != 0) f("attempt", std::to_string(about.attempt));
}

std::string as_text(const log_line& line) {
  std::string out = time_text(line.time) + " [" + std::string(to_string(line.level)) + "] " +
                    std::string(line.room) + ": ";
  // One line each, whatever a message holds.
  for (const char c : line.text) out += c == '\n' || c == '\r' ? ' ' : c;
  for_each_part(line.about, [&](std::string_view name, std::string_view value) {
    out.append(" ").append(name).append("=");
    if (value.find_first_of(" \"=\n\r") == std::string_view::npos)
      out.append(value);
    else
      append_json_string(out, value);
  });
  return out;
}

std::string as_json(const log_line& line) {
  std::string out = "{\"time\":\"" + time_text(line.time) + "\",\"level\":\"" +
                    std::string(to_string(line.level)) + "\",\"room\":";
  append_json_string(out, line.room);
  out += ",\"message\":";
  append_json_string(out, line.text);
  for_each_part(line.about, [&](std::string_view name, std::string_view value) {
    out.append(",\"").append(name).append("\":");
    if (name == "attempt")
      out.append(value);
    else
      append_json_string(out, value);
  });
  return out + "}";
}

}  // namespace

log_level log_level_from(std::string_view name) noexcept {
  for (std::size_t i = 0; i < level_names.size(); ++i)
    if (level_names[i] == name) return static_cast<log_level>(i);
  return log_level::warn;
}

std::string_view to_string(log_level level) noexcept {
  return level_names[static_cast<std::size_t>(level)];
}

void set_log_level(log_level level) noexcept { enabled_from = level; }

bool log_enabled(log_level level) noexcept {
  return level >= enabled_from.load(std::memory_order_relaxed);
}

void set_log_format(log_format to) noexcept { format = to; }

expected<void> set_log_file(const std::string& path) {
  try {
    spdlog::sink_ptr sink;
    if (path.empty())
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    else
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    auto& s = state();
    const std::lock_guard guard(s.mutex);
    s.output = logger_to(std::move(sink));
    return {};
  } catch (const spdlog::spdlog_ex& e) {
    return fail(configuration_error("log_file", std::string("cannot log to a file: ") + e.what()));
  }
}

void set_log_sink(sink_function sink) {
  auto& s = state();
  const std::lock_guard guard(s.mutex);
  s.sink = sink ? std::make_shared<const sink_function>(std::move(sink)) : nullptr;
}

std::string format_log_line(const log_line& line, log_format as) {
  return as == log_format::json ? as_json(line) : as_text(line);
}

void log(log_level level, std::string_view room, std::string_view text,
         const log_subject& about) noexcept {
  if (!log_enabled(level)) return;
  try {
    auto& s = state();
    std::shared_ptr<const sink_function> sink;
    std::shared_ptr<spdlog::logger> output;
    {
      const std::lock_guard guard(s.mutex);
      sink = s.sink;
      output = s.output;
    }
    const log_line line{level, room, text, about, std::chrono::system_clock::now()};
    if (sink) return (*sink)(line);
    output->log(static_cast<spdlog::level::level_enum>(level), "{}", format_log_line(line, format));
  } catch (...) {  // a log line is never worth a crash
  }
}

}  // namespace graphbit
