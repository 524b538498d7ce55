#pragma once

#include <array>
#include <cstddef>

#include <graphbit/runtime/clock.hpp>

namespace graphbit::cluster {

struct failure_detector_settings {
  duration interval = milliseconds(500);  ///< how often the peer says that it lives
  duration pause = milliseconds(500);     ///< silence beyond the usual that is forgiven
  duration deviation_min = milliseconds(200);
  double phi_max = 8;  ///< declared dead when the odds of life are under 1 to 10^8

  /// However unsteady the line has been, a silence of more than this is death.
  [[nodiscard]] duration silence_max() const { return pause + 4 * interval; }
};

/// Decides from the rhythm of a peer's signs of life whether it is dead (phi accrual, Hayashibara
/// et al. 2004): a line that is slow all the time is given more patience than one that was always
/// prompt. A state machine; the time is passed in.
class failure_detector {
 public:
  failure_detector(failure_detector_settings settings, time_point now);

  /// Anything came from the peer. Signs within half an interval of each other count as one.
  void heard(time_point now);
  /// How unlikely the present silence is: -log10 of its probability.
  [[nodiscard]] double phi(time_point now) const;
  /// To be asked once per interval. Time in which nobody asked does not count as silence: this
  /// process had no CPU then, and would not have heard the peer either.
  [[nodiscard]] bool dead(time_point now);

 private:
  failure_detector_settings settings_;
  time_point heard_at_;
  time_point counted_at_;
  time_point asked_at_;
  std::array<double, 64> intervals_{};  // seconds; a ring
  std::size_t count_ = 0;
};

}  // namespace graphbit::cluster
