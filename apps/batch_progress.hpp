#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <graphbit/actors/batch_job.hpp>
#include <graphbit/runtime/clock.hpp>

namespace graphbit::app {

/// Shows on standard error how far a job is: one line that redraws itself on a terminal, a line
/// every 10 s elsewhere. One thread at a time.
class batch_progress {
 public:
  /// `lines`: how many the input has, where that is known: then the time left is told, too.
  batch_progress(bool quiet, std::optional<std::uint64_t> lines);

  void show(const batch_job_progress& p);
  /// The last picture, whatever the time since the one before.
  void finish(const batch_job_progress& p);

 private:
  void note_outage(const batch_job_progress& p);
  [[nodiscard]] std::string text(const batch_job_progress& p, time_point now) const;
  [[nodiscard]] std::string time_left(const batch_job_progress& p, double lines_per_s) const;

  bool quiet_;
  bool terminal_;
  std::optional<std::uint64_t> lines_;
  time_point started_;
  time_point next_{};
  std::string down_since_;
};

}  // namespace graphbit::app
