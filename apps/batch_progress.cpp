#include "batch_progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace graphbit::app {

namespace {

constexpr milliseconds redraw_period{200};
constexpr milliseconds line_period{10'000};

[[nodiscard]] std::string clock_text() {
  const auto at = std::time(nullptr);
  std::tm local{};
  localtime_r(&at, &local);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &local);
  return text;
}

[[nodiscard]] std::string money(double dollars) {
  char text[32];
  std::snprintf(text, sizeof text, dollars < 1 ? "$%.4f" : "$%.2f", dollars);
  return text;
}

// 1:02:03, or 2:03 below an hour.
[[nodiscard]] std::string span_text(std::uint64_t s) {
  char text[32];
  if (s < 3600)
    std::snprintf(text, sizeof text, "%d:%02d", static_cast<int>(s / 60), static_cast<int>(s % 60));
  else
    std::snprintf(text, sizeof text, "%llu:%02d:%02d", static_cast<unsigned long long>(s / 3600),
                  static_cast<int>(s / 60 % 60), static_cast<int>(s % 60));
  return text;
}

}  // namespace

batch_progress::batch_progress(bool quiet, std::optional<std::uint64_t> lines)
    : quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) != 0),
      lines_(lines),
      started_(steady_clock::now()) {}

void batch_progress::show(const batch_job_progress& p) {
  note_outage(p);
  const auto now = steady_clock::now();
  if (quiet_ || now < next_) return;
  next_ = now + (terminal_ ? redraw_period : line_period);
  std::fprintf(stderr, terminal_ ? "\r\x1b[K%s" : "%s\n", text(p, now).c_str());
  std::fflush(stderr);
}

void batch_progress::finish(const batch_job_progress& p) {
  if (quiet_) return;
  next_ = {};
  show(p);
  if (terminal_) std::fputc('\n', stderr);
}

void batch_progress::note_outage(const batch_job_progress& p) {
  if (p.provider == breaker_state::closed)
    down_since_.clear();
  else if (down_since_.empty())
    down_since_ = clock_text();
}

std::string batch_progress::text(const batch_job_progress& p, time_point now) const {
  const auto done = p.succeeded + p.failed;
  const double elapsed_s = std::max(0.001, std::chrono::duration<double>(now - started_).count());
  const double lines_per_s = static_cast<double>(done) / elapsed_s;
  std::string out = std::to_string(done + p.resumed);
  if (lines_) out += " of " + std::to_string(*lines_);
  out += " done";
  if (p.resumed > 0) out += " (" + std::to_string(p.resumed) + " from before)";
  out += ", " + std::to_string(p.failed) + " failed, " + std::to_string(p.in_flight) +
         " in flight, " + std::to_string(p.prompt_tokens + p.completion_tokens) + " tokens, " +
         money(p.cost) + ", " + std::to_string(static_cast<std::uint64_t>(lines_per_s)) + "/s" +
         time_left(p, lines_per_s);
  if (!down_since_.empty()) out += ", paused: provider down since " + down_since_;
  return out;
}

std::string batch_progress::time_left(const batch_job_progress& p, double lines_per_s) const {
  const auto done = p.succeeded + p.failed + p.resumed;
  if (!lines_ || done >= *lines_ || lines_per_s <= 0 || !down_since_.empty()) return {};
  const auto left_s = static_cast<double>(*lines_ - done) / lines_per_s;
  return ", " + span_text(static_cast<std::uint64_t>(left_s) + 1) + " left";
}

}  // namespace graphbit::app
