#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// How much a line matters; `off` is for a filter only.
enum class log_level : int { trace, debug, info, warn, error, off };
/// `text`: one readable line; `json`: one JSON object per line, for machines.
enum class log_format : std::uint8_t { text, json };

/// What a line is about, as far as it is known.
struct log_subject {
  std::string_view run_id;      ///< of a workflow's run
  std::string_view node;        ///< the node's name
  std::string_view request_id;  ///< our id of the call; its attempts share it
  std::uint32_t attempt = 0;    ///< from 1; 0: of none
};

/// One line, as a sink gets it. Never holds a key, nor a prompt or an answer.
struct log_line {
  log_level level = log_level::info;             ///< how much it matters
  std::string_view room;                         ///< "net", "actors", ...
  std::string_view text;                         ///< in one line, without secrets
  log_subject about{};                           ///< what part of which run or call
  std::chrono::system_clock::time_point time{};  ///< when it was logged
};

/// The level by its name ("trace" ... "error", "off"); `warn` for anything else.
[[nodiscard]] log_level log_level_from(std::string_view name) noexcept;
/// "trace", "debug", "info", "warn", "error" or "off".
[[nodiscard]] std::string_view to_string(log_level level) noexcept;
/// Before the first call of it the environment's GRAPHBIT_LOG holds, else `warn`.
void set_log_level(log_level level) noexcept;
/// Whether a line of this level goes anywhere: ask before making a costly one.
[[nodiscard]] bool log_enabled(log_level level) noexcept;
/// Before the first call of it the environment's GRAPHBIT_LOG_FORMAT ("text", "json") holds.
void set_log_format(log_format format) noexcept;
/// Appends lines to this file from now on instead of stderr; an empty path brings stderr back.
/// Before the first call of it the environment's GRAPHBIT_LOG_FILE holds.
/// Errors: Configuration{log_file} when it cannot be written.
[[nodiscard]] expected<void> set_log_file(const std::string& path);
/// Replaces stderr and file as the place lines go to; an empty function brings them back.
void set_log_sink(std::function<void(const log_line&)> sink);
/// Writes one line if its level is enabled. Any thread; never throws.
void log(log_level level, std::string_view room, std::string_view text,
         const log_subject& about = {}) noexcept;

/// The line without its line break: "net: text run_id=... node=... request_id=... attempt=2", after
/// time and level; or the same as JSON.
[[nodiscard]] std::string format_log_line(const log_line& line, log_format format);

}  // namespace graphbit
