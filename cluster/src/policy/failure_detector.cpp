#include "failure_detector.hpp"

#include <algorithm>
#include <cmath>

namespace graphbit::cluster {

namespace {

[[nodiscard]] double in_seconds(duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

failure_detector::failure_detector(failure_detector_settings settings, time_point now)
    : settings_(settings), heard_at_(now), counted_at_(now), asked_at_(now) {}

void failure_detector::heard(time_point now) {
  heard_at_ = now;
  const auto gap = now - counted_at_;
  if (gap < settings_.interval / 2) return;  // traffic between two heartbeats has no rhythm
  counted_at_ = now;
  intervals_[count_++ % intervals_.size()] = in_seconds(gap);
}

bool failure_detector::dead(time_point now) {
  const auto late = now - asked_at_ - settings_.interval;
  asked_at_ = now;
  if (late > settings_.interval) heard_at_ = std::min(now, heard_at_ + late);
  return now - heard_at_ > settings_.silence_max() || phi(now) > settings_.phi_max;
}

double failure_detector::phi(time_point now) const {
  const auto known = std::min(count_, intervals_.size());
  double mean = in_seconds(settings_.interval);
  double variance = 0;
  if (known > 0) {
    double sum = 0;
    for (std::size_t i = 0; i < known; ++i) sum += intervals_[i];
    mean = std::max(mean, sum / static_cast<double>(known));
    for (std::size_t i = 0; i < known; ++i)
      variance += (intervals_[i] - mean) * (intervals_[i] - mean);
    variance /= static_cast<double>(known);
  }
  const double deviation = std::max(std::sqrt(variance), in_seconds(settings_.deviation_min));
  const double late = in_seconds(now - heard_at_) - mean - in_seconds(settings_.pause);
  // The normal distribution's tail; erfc underflows to 0 where phi is some 300.
  const double tail = 0.5 * std::erfc(late / deviation / std::sqrt(2.0));
  return tail > 0 ? -std::log10(tail) : 1000;
}

}  // namespace graphbit::cluster
