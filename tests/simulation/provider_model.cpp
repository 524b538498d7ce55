#include <simulation/provider_model.hpp>

#include <cmath>
#include <numbers>

namespace graphbit::sim {

namespace {

double normal(random_source& random) {  // Box and Muller
  const double u = 1.0 - random.uniform(), v = random.uniform();
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

duration scaled(duration d, double factor) {
  return std::chrono::duration_cast<duration>(d * factor);
}

duration answer_latency(const provider_phase& phase, random_source& random) {
  double factor = phase.latency_sigma == 0 ? 1 : std::exp(phase.latency_sigma * normal(random));
  if (phase.slow_share > 0 && random.uniform() < phase.slow_share) factor = 10;
  return scaled(phase.latency, factor);
}

reply_kind draw_kind(const provider_phase& phase, random_source& random) {
  double at = random.uniform();
  const auto falls_in = [&](double share) { return (at -= share) < 0; };
  if (falls_in(phase.server_error)) return reply_kind::server_error;
  if (falls_in(phase.reset)) return reply_kind::reset;
  if (falls_in(phase.rate_limited)) return reply_kind::rate_limited;
  if (falls_in(phase.bad_request)) return reply_kind::bad_request;
  if (falls_in(phase.unparsable)) return reply_kind::unparsable;
  if (falls_in(phase.stale)) return reply_kind::stale;
  if (falls_in(phase.never_answers)) return reply_kind::never_answers;
  return reply_kind::answered;
}

policy::rate_limit_state lie(random_source& random) {
  const auto number = [&]() -> std::optional<std::uint64_t> {
    switch (random.below(5)) {
      case 0:
        return std::nullopt;
      case 1:
        return 0;
      case 2:
        return 100 + random.below(100'000);
      case 3:
        return ~std::uint64_t{0};
      default:
        return 30 + random.below(1000);
    }
  };
  policy::rate_limit_state state{number(), number(), std::nullopt};
  if (random.below(2) == 0) state.reset_after = milliseconds(random.below(200'000));
  return state;
}

}  // namespace

reply provider_model::answer(time_point now, random_source& random) {
  const auto at = phase_at(now);
  const provider_phase& phase = phases_[at];
  ++requests_[at];
  reply out;
  out.kind = exceeds_limit(now) ? reply_kind::rate_limited : draw_kind(phase, random);
  const bool full_latency = out.kind == reply_kind::answered || out.kind == reply_kind::unparsable;
  out.after = full_latency ? answer_latency(phase, random) : phase.error_latency;
  if (out.kind == reply_kind::rate_limited) out.retry_after = phase.retry_after;
  if (phase.lies) {
    out.limits = {lie(random), lie(random)};
    if (out.kind == reply_kind::rate_limited) out.retry_after = milliseconds(random.below(120'000));
  }
  return out;
}

std::size_t provider_model::phase_at(time_point now) const {
  duration circle{0};
  for (const auto& phase : phases_) circle += phase.length;
  duration at = (now - started_at_) % circle;
  for (std::size_t i = 0; i < phases_.size(); ++i) {
    if (at < phases_[i].length) return i;
    at -= phases_[i].length;
  }
  return phases_.size() - 1;
}

// The provider's own view: refused requests count against the limit, too.
bool provider_model::exceeds_limit(time_point now) {
  if (requests_per_minute_ == 0) return false;
  while (!minute_.empty() && now - minute_.front() > std::chrono::minutes(1)) minute_.pop_front();
  minute_.push_back(now);
  if (minute_.size() <= requests_per_minute_) return false;
  ++over_limit_;
  return true;
}

}  // namespace graphbit::sim
