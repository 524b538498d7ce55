#include <graphbit/actors/policy/adaptive_limit.hpp>

#include <algorithm>
#include <cmath>

namespace graphbit::policy {

namespace {

double to_us(duration d) noexcept { return std::chrono::duration<double, std::micro>(d).count(); }

duration from_us(double us) noexcept {
  return std::chrono::duration_cast<duration>(std::chrono::duration<double, std::micro>(us));
}

}  // namespace

adaptive_limit::adaptive_limit(adaptive_limit_settings settings) noexcept : settings_(settings) {
  configure(settings);
  limit_ = std::clamp(settings_.initial, settings_.min, settings_.max);
}

void adaptive_limit::configure(const adaptive_limit_settings& settings) noexcept {
  settings_ = settings;
  settings_.min = std::max(1u, settings.min);
  settings_.max = std::max(settings_.min, settings.max);
  limit_ = std::clamp<double>(limit_, settings_.min, settings_.max);
}

std::uint32_t adaptive_limit::limit() const noexcept {
  return settings_.enabled ? static_cast<std::uint32_t>(limit_) : settings_.max;
}

void adaptive_limit::finished(limit_signal signal, duration latency, std::uint32_t in_flight,
                              time_point now) noexcept {
  if (!settings_.enabled || signal == limit_signal::ignored) return;
  if (signal == limit_signal::overloaded) {
    if (now < shrink_again_at_) return;  // the same burst of refusals
    limit_ = std::max<double>(settings_.min, limit_ * settings_.overload_factor);
    shrink_again_at_ = now + std::max<duration>(from_us(usual_us_), milliseconds(100));
    begin_round(now);
    return;
  }
  round_us_ += to_us(latency);
  ++round_count_;
  round_in_flight_max_ = std::max(round_in_flight_max_, in_flight);
  if (now >= round_ends_at_) end_round(now);
}

void adaptive_limit::end_round(time_point now) noexcept {
  const double mean_us = std::max(1.0, round_us_ / round_count_);
  if (usual_us_ == 0) usual_us_ = mean_us;
  const bool used = 2.0 * round_in_flight_max_ >= limit_;
  // A slower answer may be a queue of our own making: only where that cannot be is it quickly
  // believed to be usual.
  const bool no_queue = mean_us < usual_us_ || !used || limit_ <= settings_.min;
  usual_us_ += (mean_us - usual_us_) * (no_queue ? 0.3 : 0.0005);
  const double gradient = std::clamp(settings_.latency_tolerance * usual_us_ / mean_us, 0.5, 1.0);
  const double growth = gradient == 1.0 && used ? std::sqrt(limit_) : 0.0;
  limit_ = std::clamp<double>(limit_ * gradient + growth, settings_.min, settings_.max);
  begin_round(now);
  round_ends_at_ = now + from_us(mean_us);
}

void adaptive_limit::begin_round(time_point now) noexcept {
  round_us_ = 0;
  round_count_ = 0;
  round_in_flight_max_ = 0;
  round_ends_at_ = now + from_us(usual_us_);
}

}  // namespace graphbit::policy
