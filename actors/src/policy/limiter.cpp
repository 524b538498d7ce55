#include <graphbit/actors/policy/limiter.hpp>

#include <algorithm>
#include <limits>

namespace graphbit::policy {

namespace {

// Requests are refused in bursts even when the minute has room, tokens are counted over the minute.
constexpr double request_burst_share = 0.01;
constexpr double token_burst_share = 0.25;
constexpr std::size_t batch_share = 10;  // one slot, or one grant, in so many
constexpr duration hold_max = seconds(60);
constexpr duration count_age_max = seconds(2);

template <class Number>
Number narrower(Number configured, Number learnt) noexcept {
  if (configured == 0) return learnt;
  return learnt == 0 ? configured : std::min(configured, learnt);
}

}  // namespace

limiter::limiter(limiter_settings settings)
    : requests_(request_burst_share), tokens_(token_burst_share) {
  configure(settings);
}

ticket limiter::try_acquire(const limiter_request& request, time_point now) {
  if (slots_full() || line_.has_front(priority_class::live) ||
      line_.has_front(priority_class::batch)) {
    return 0;
  }
  if (may_go_at(request.tokens, now) > now) return 0;
  line_.bound(request.flow, request.flow_in_flight_max);
  if (line_.is_full(request.flow)) return 0;
  const std::uint32_t slot = make_entry(request);
  take(slot, now);
  return name_of(slot);
}

ticket limiter::enqueue(const limiter_request& request, time_point) {
  line_.bound(request.flow, request.flow_in_flight_max);
  const std::uint32_t slot = make_entry(request);
  entry& e = entries_[slot];
  e.now = phase::waiting;
  e.place = line_.push(slot, request.priority, request.flow);
  return name_of(slot);
}

std::optional<grant> limiter::next(time_point now) {
  const auto turn = whose_turn();
  if (!turn) return std::nullopt;
  if (slots_full()) {
    slots_are_short_ = true;
    return std::nullopt;
  }
  const std::uint32_t slot = *line_.front(*turn);
  const entry& e = entries_[slot];
  grant out{name_of(slot), e.id, e.deadline_at <= now};
  if (out.expired) {
    line_.erase(e.place);
    free_entry(slot);
    return out;
  }
  if (may_go_at(e.tokens, now) > now) {
    slots_are_short_ = false;
    return std::nullopt;
  }
  line_.erase(e.place);
  if (*turn == priority_class::batch) {
    live_in_a_row_ = 0;
  } else if (line_.has_front(priority_class::batch)) {
    ++live_in_a_row_;
  }
  take(slot, now);
  return out;
}

void limiter::release(ticket name, time_point now, std::optional<std::uint64_t> actual_tokens) {
  const std::uint32_t slot = find(name, phase::granted);
  if (slot == none) return;
  const entry& e = entries_[slot];
  if (e.rated && actual_tokens) tokens_.correct(e.tokens, *actual_tokens, e.granted.at, now);
  leave(slot);
}

void limiter::give_back(ticket name, time_point now) {
  const std::uint32_t slot = find(name, phase::granted);
  if (slot == none) return;
  const entry& e = entries_[slot];
  if (e.rated) {
    requests_.correct(1, 0, e.granted.at, now);
    tokens_.correct(e.tokens, 0, e.granted.at, now);
  }
  leave(slot);
}

void limiter::cancel(ticket name) {
  const std::uint32_t slot = find(name, phase::waiting);
  if (slot == none) return;
  line_.erase(entries_[slot].place);
  free_entry(slot);
}

time_point limiter::next_wakeup(time_point now) {
  if (slots_full()) return never;
  const auto turn = whose_turn();
  return turn ? may_go_at(entries_[*line_.front(*turn)].tokens, now) : never;
}

time_point limiter::earliest_start(const limiter_request& request, time_point now) {
  return std::max(rates_free_at(request.tokens, now), hold_.certain_until());
}

void limiter::configure(const limiter_settings& settings) {
  settings_ = settings;
  ends_at_ = never;
  requests_.set_burst_share(request_burst_share);
  tokens_.set_burst_share(token_burst_share);
  apply_rates();
}

void limiter::configure_share(const limiter_settings& share, time_point ends_at) {
  settings_ = share;
  ends_at_ = ends_at;
  requests_.set_burst_share(0);
  tokens_.set_burst_share(0);
  apply_rates();
}

void limiter::learn(const rate_limit_headers& headers, time_point now, duration age) {
  const auto requests = per_minute(headers.requests);
  const auto tokens = per_minute(headers.tokens);
  if (requests) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    learnt_requests_ = static_cast<std::uint32_t>(std::min(*requests, most));
  }
  if (tokens) learnt_tokens_ = *tokens;
  if (requests || tokens) apply_rates();

  // Other processes may use the same key: what the provider counts as used is used. An old count
  // would be charged for a second minute, so it is left out.
  const auto follow = [&](const rate_limit_state& state, bool minute, pacer& rate) {
    if (!state.limit || !state.remaining || *state.remaining > *state.limit) return;
    if (minute && age <= count_age_max) rate.raise_to(*state.limit - *state.remaining, now);
    if (!minute && *state.remaining == 0 && state.reset_after) {
      used_up_until_ =
          std::max(used_up_until_, std::min(now + *state.reset_after - age, now + hold_max));
    }
  };
  follow(headers.requests, requests.has_value(), requests_);
  follow(headers.tokens, tokens.has_value(), tokens_);
}

void limiter::refused(ticket name, time_point until, time_point now) noexcept {
  const std::uint32_t slot = find(name, phase::granted);
  if (slot != none) hold_.refused(entries_[slot].granted, std::min(until, now + hold_max), now);
}

bool limiter::answered(ticket name, time_point now) noexcept {
  const std::uint32_t slot = find(name, phase::granted);
  return slot != none && hold_.answered(entries_[slot].granted, now);
}

void limiter::hold_until(time_point until, time_point sent_at, time_point now) noexcept {
  hold_.hold({sent_at, grants_}, std::min(until, now + hold_max), now);
}

void limiter::lift_hold(time_point sent_at, time_point now) noexcept {
  hold_.lift({sent_at, 0}, now);
}

limiter_settings limiter::limits() const noexcept {
  return {settings_.in_flight_max, static_cast<std::uint32_t>(requests_.per_minute()),
          tokens_.per_minute()};
}

limiter_settings limiter::used(time_point now) noexcept {
  return {static_cast<std::uint32_t>(in_flight()),
          static_cast<std::uint32_t>(requests_.spent_in_last_minute(now)),
          tokens_.spent_in_last_minute(now)};
}

std::uint32_t limiter::make_entry(const limiter_request& request) {
  std::uint32_t slot = free_;
  if (slot == none) {
    slot = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    free_ = entries_[slot].next_free;
  }
  entry& e = entries_[slot];
  e.id = request.id;
  e.tokens = request.tokens;
  e.deadline_at = request.deadline_at;
  e.place = {0, request.flow, request.priority};
  e.rated = false;
  return slot;
}

void limiter::free_entry(std::uint32_t slot) noexcept {
  entry& e = entries_[slot];
  e.now = phase::free;
  ++e.generation;
  e.next_free = free_;
  free_ = slot;
}

ticket limiter::name_of(std::uint32_t slot) const noexcept {
  return ticket{entries_[slot].generation} << 32 | (slot + 1);
}

std::uint32_t limiter::find(ticket name, phase expected) const noexcept {
  const auto slot = static_cast<std::uint32_t>(name) - 1;
  if (slot >= entries_.size()) return none;
  const entry& e = entries_[slot];
  return e.generation == name >> 32 && e.now == expected ? slot : none;
}

void limiter::take(std::uint32_t slot, time_point now) {
  entry& e = entries_[slot];
  e.now = phase::granted;
  e.granted = {now, ++grants_};
  e.rated = is_rated();
  hold_.went_out(now);
  ++in_flight_[index(e.place.priority)];
  line_.entered(e.place.flow);
  if (!e.rated) return;
  requests_.spend(1, now);
  tokens_.spend(e.tokens, now);
}

void limiter::leave(std::uint32_t slot) {
  const entry& e = entries_[slot];
  --in_flight_[index(e.place.priority)];
  line_.left(e.place.flow);
  free_entry(slot);
}

bool limiter::slots_full() const noexcept {
  return settings_.in_flight_max != 0 && in_flight() >= settings_.in_flight_max;
}

time_point limiter::rates_free_at(std::uint64_t tokens, time_point now) {
  time_point at = std::max(now, used_up_until_);
  if (requests_.limited()) at = std::max(at, requests_.free_at(1, now));
  if (tokens_.limited()) at = std::max(at, tokens_.free_at(tokens, now));
  return at;
}

std::optional<priority_class> limiter::whose_turn() const noexcept {
  const bool live = line_.has_front(priority_class::live);
  const bool batch = line_.has_front(priority_class::batch);
  if (!live && !batch) return std::nullopt;
  if (!batch) return priority_class::live;
  return !live || batch_is_owed() ? priority_class::batch : priority_class::live;
}

// A share's end is no time to wait for: what comes after it is a new share's to say.
time_point limiter::may_go_at(std::uint64_t tokens, time_point now) {
  const auto at = std::max(rates_free_at(tokens, now), hold_.free_at(now));
  return at < ends_at_ ? at : never;
}

// What is short decides what is shared: batch keeps a tenth of the slots when slots are, else every
// tenth grant. With fewer than ten slots a tenth of them is none, so grants are shared there, too.
bool limiter::batch_is_owed() const noexcept {
  const std::size_t slots = settings_.in_flight_max;
  if (slots_are_short_ && slots >= batch_share) {
    return in_flight(priority_class::batch) < slots / batch_share;
  }
  return live_in_a_row_ + 1 >= batch_share;
}

void limiter::apply_rates() noexcept {
  requests_.set_per_minute(narrower(settings_.requests_per_minute, learnt_requests_));
  tokens_.set_per_minute(narrower(settings_.tokens_per_minute, learnt_tokens_));
}

}  // namespace graphbit::policy
