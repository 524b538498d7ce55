#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace graphbit {

enum class log_level : int { trace, debug, info, warn, error, off };

/// One line, as a sink gets it. Never holds a key, nor a prompt or an answer.
struct log_line {
  log_level level = log_level::info;
  std::string_view room;  ///< "net", "actors", ...
  std::string_view text;
};

/// The level by its name ("trace" ... "error"); `warn` for anything else.
[[nodiscard]] log_level log_level_from(std::string_view name) noexcept;
void set_log_level(log_level level) noexcept;
[[nodiscard]] bool log_enabled(log_level level) noexcept;
/// Replaces stderr as the place lines go to; an empty function brings stderr back.
void set_log_sink(std::function<void(const log_line&)> sink);
/// Writes one line to stderr (or the sink) if its level is enabled. Any thread; never throws.
void log(log_level level, std::string_view room, std::string_view text) noexcept;

}  // namespace graphbit
