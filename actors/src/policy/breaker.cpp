#include <graphbit/actors/policy/breaker.hpp>

#include <algorithm>
#include <bit>
#include <utility>

namespace graphbit::policy {

namespace {

duration scaled(duration d, double factor) noexcept {
  return std::chrono::duration_cast<duration>(d * factor);
}

}  // namespace

breaker::breaker(breaker_settings settings)
    : settings_(settings), ring_(64), open_period_(settings.open_first) {}

admission breaker::check(time_point now) const noexcept {
  switch (state(now)) {
    case breaker_state::closed:
      return {admission_kind::admitted, duration{0}};
    case breaker_state::open:
      return {admission_kind::rejected, open_until_ - now};
    case breaker_state::half_open:
      break;
  }
  if (probe_out_) return {admission_kind::rejected, settings_.probe_recheck};
  return {admission_kind::probe, duration{0}};
}

admission breaker::admit(time_point now) noexcept {
  const admission answer = check(now);
  if (answer.kind == admission_kind::probe) {
    state_ = breaker_state::half_open;
    probe_out_ = true;
    probe_id_ = 0;
  }
  return answer;
}

void breaker::release_probe() noexcept {
  probe_out_ = false;
  probe_id_ = 0;
}

attempt_id breaker::started(time_point now, bool probe) {
  ++in_flight_;
  const attempt_id id = next_;
  if (next_ - first_ == ring_.size()) grow();
  ++next_;
  at(id) = {now, mark::in_flight};
  ++pending_;
  forget_old(now);
  if (probe) probe_id_ = id;
  return id;
}

void breaker::finished(attempt_id id, attempt_outcome outcome, time_point now,
                       random_source& random) {
  const bool on_record = id >= first_ && id < next_;
  if (id >= next_ || (on_record && at(id).what != mark::in_flight)) return;
  if (in_flight_ > 0) --in_flight_;
  if (on_record) {
    --pending_;
    switch (outcome) {
      case attempt_outcome::success:
        at(id).what = mark::success;
        ++succeeded_;
        break;
      case attempt_outcome::failure:
        at(id).what = mark::failure;
        ++failed_;
        break;
      case attempt_outcome::ignored:
        at(id).what = mark::ignored;
        break;
    }
  }
  forget_old(now);
  if (probe_out_ && id == probe_id_) return probe_finished(outcome, now, random);
  if (state_ == breaker_state::closed && outcome == attempt_outcome::failure && should_open()) {
    open_period_ = settings_.open_first;
    open(now, random);
  }
}

breaker_state breaker::state(time_point now) const noexcept {
  return state_ == breaker_state::open && now >= open_until_ ? breaker_state::half_open : state_;
}

breaker_snapshot breaker::snapshot(time_point now) const noexcept {
  return {state(now), open_until_, failed_};
}

std::size_t breaker::window() const noexcept {
  return std::max(settings_.window_min, 2 * in_flight_);
}

void breaker::forget_front() noexcept {
  switch (at(first_).what) {
    case mark::in_flight:
      --pending_;
      break;
    case mark::success:
      --succeeded_;
      break;
    case mark::failure:
      --failed_;
      break;
    case mark::ignored:
      break;
  }
  ++first_;
}

void breaker::forget_old(time_point now) noexcept {
  const std::size_t window_max = window();
  while (first_ != next_) {
    const record& front = at(first_);
    const bool outside = succeeded_ + failed_ + pending_ > window_max ||
                         now - front.started_at > settings_.window_age;
    if (!outside && front.what != mark::ignored) return;
    forget_front();
  }
}

// Ignored attempts keep their place in the ring, so it can be longer than the window; past four
// windows the oldest attempts go instead.
void breaker::grow() {
  if (ring_.size() >= std::bit_ceil(4 * window())) return forget_front();
  std::vector<record> larger(ring_.size() * 2);
  for (attempt_id id = first_; id != next_; ++id) larger[id & (larger.size() - 1)] = at(id);
  ring_ = std::move(larger);
}

// Those in flight may still succeed, so they weigh against both rules: a burst of errors that
// answer at once, while the first successes are still on their way, is no dead provider.
bool breaker::should_open() const noexcept {
  const auto seen = succeeded_ + failed_ + pending_;
  if (static_cast<double>(failed_) < settings_.failure_ratio * static_cast<double>(seen)) {
    return false;
  }
  return seen >= settings_.judged_min ||
         (succeeded_ == 0 && failed_ >= settings_.judged_min_no_success);
}

void breaker::open(time_point now, random_source& random) noexcept {
  const double off = settings_.open_jitter * (2 * random.uniform() - 1);
  state_ = breaker_state::open;
  open_until_ = now + scaled(open_period_, 1 + off);
  release_probe();
}

// The old record is about the outage: it must not open the breaker again.
void breaker::close() noexcept {
  state_ = breaker_state::closed;
  first_ = next_;
  succeeded_ = failed_ = pending_ = 0;
  release_probe();
}

void breaker::probe_finished(attempt_outcome outcome, time_point now,
                             random_source& random) noexcept {
  switch (outcome) {
    case attempt_outcome::success:
      return close();
    case attempt_outcome::ignored:
      return release_probe();
    case attempt_outcome::failure:
      open_period_ = std::min(scaled(open_period_, settings_.open_growth), settings_.open_max);
      return open(now, random);
  }
}

}  // namespace graphbit::policy
