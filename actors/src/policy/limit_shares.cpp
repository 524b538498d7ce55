#include <graphbit/actors/policy/limit_shares.hpp>

#include <algorithm>
#include <limits>
#include <sstream>

namespace graphbit::policy {

namespace {

constexpr int format_version = 1;
constexpr std::size_t in_flight_kind = 2;
constexpr duration ask_again_after = seconds(1);
// By then a holder has kept to its smaller share for a second.
constexpr duration confirm_after = milliseconds(1'200);

[[nodiscard]] std::int64_t to_micros(time_point t) {
  return std::chrono::duration_cast<std::chrono::microseconds>(t.time_since_epoch()).count();
}

[[nodiscard]] time_point from_micros(std::int64_t us) {
  return time_point{std::chrono::microseconds(us)};
}

}  // namespace

limit_shares::amounts limit_shares::amounts_of(const limiter_settings& s) noexcept {
  return {s.requests_per_minute, s.tokens_per_minute, s.in_flight_max};
}

limiter_settings limit_shares::settings_of(const amounts& a) noexcept {
  const auto narrow = [](std::uint64_t n) {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(n, std::numeric_limits<std::uint32_t>::max()));
  };
  return {.in_flight_max = narrow(a[2]),
          .requests_per_minute = narrow(a[0]),
          .tokens_per_minute = a[1]};
}

limit_share limit_shares::lease(const share_request& request, duration lasts, time_point now) {
  settle(now);
  auto* mine = find(request.holder);
  if (mine == nullptr) {
    if (holders_.size() >= holders_max) return {.ask_after = lasts};
    mine = &holders_.emplace_back(holder{.id = request.holder});
  }
  mine->limits = amounts_of(request.limits);
  mine->wanted = amounts_of(request.wanted);
  mine->weight = std::max<std::uint32_t>(request.weight, 1);
  if (request.use && mine->token != 0 && request.token == mine->token)
    confirm(*mine, *request.use, now);

  const auto totals = in_force();
  amounts granted{};
  bool refused = false;
  for (std::size_t kind = 0; kind < totals.size(); ++kind) {
    if (totals[kind] == 0) continue;  // no such limit
    granted[kind] = std::min(fair(kind, totals[kind], *mine), free(kind, totals[kind], *mine));
    refused = refused || granted[kind] == 0;
  }
  grant(*mine, refused ? amounts{} : granted);
  if (refused)
    mine->token = 0;
  else if (mine->token == 0)
    mine->token = ++last_token_;
  mine->ends_at = now + lasts;
  if (refused) return {.ask_after = next_free_in(ask_again_after, now)};
  const bool shrinks = mine->amount != mine->granted;
  return {mine->token, settings_of(granted), lasts, shrinks ? confirm_after : lasts / 3};
}

// The old share counts until its end, or until its holder confirms the new one.
void limit_shares::grant(holder& h, const amounts& granted) const {
  bool shrinks = false;
  for (std::size_t kind = 0; kind < granted.size(); ++kind) {
    shrinks = shrinks || granted[kind] < h.granted[kind];
    h.amount[kind] = std::max(h.amount[kind], granted[kind]);
  }
  if (shrinks) h.larger_until = h.ends_at;
  h.granted = granted;
}

// A holder that keeps to its smaller share has no use for the rest but what it used of it within
// the last minute, and what it has in flight until that ends.
void limit_shares::confirm(holder& h, const share_use& use, time_point now) {
  if (amounts_of(use.keeps_to) != h.granted) return;
  const auto used = amounts_of(use.used);
  amounts spent{};
  for (std::size_t kind = 0; kind < used.size(); ++kind) {
    const auto surplus = h.amount[kind] - h.granted[kind];
    const auto counts = std::min(surplus, used[kind]);
    if (kind == in_flight_kind) {
      h.amount[kind] = std::max(h.granted[kind], std::min(h.amount[kind], used[kind]));
    } else {
      spent[kind] = counts;
      h.amount[kind] = h.granted[kind];
    }
  }
  cool(spent, now + cool_for);
}

void limit_shares::give_back(const share_return& back, time_point now) {
  settle(now);
  auto* mine = find(back.holder);
  if (mine == nullptr || mine->token != back.token) return;
  auto counts = mine->amount;
  if (back.used) {
    const auto used = amounts_of(*back.used);
    for (std::size_t kind = 0; kind < counts.size(); ++kind)
      counts[kind] = std::min(counts[kind], used[kind]);
  }
  if (back.unused_for < cool_for)
    cool(counts, now + cool_for - std::max(back.unused_for, duration{0}));
  holders_.erase(holders_.begin() + (mine - holders_.data()));
}

std::size_t limit_shares::holders(time_point now) {
  settle(now);
  return static_cast<std::size_t>(
      std::count_if(holders_.begin(), holders_.end(), [](const auto& h) { return h.token != 0; }));
}

limiter_settings limit_shares::committed(time_point now) {
  settle(now);
  amounts sum{};
  for (std::size_t kind = 0; kind < sum.size(); ++kind) {
    for (const auto& h : holders_) sum[kind] += h.amount[kind];
    for (const auto& r : cooling_) sum[kind] += r.amount[kind];
  }
  return settings_of(sum);
}

// Ended shares begin to cool, cooled ones are free.
void limit_shares::settle(time_point now) {
  for (auto& h : holders_) {
    if (h.ends_at <= now) {
      cool(h.amount, std::max(h.ends_at, h.larger_until) + cool_for);
    } else if (h.amount != h.granted && h.larger_until <= now) {
      amounts surplus{};
      for (std::size_t kind = 0; kind < surplus.size(); ++kind)
        surplus[kind] = h.amount[kind] - h.granted[kind];
      cool(surplus, h.larger_until + cool_for);
      h.amount = h.granted;
    }
  }
  std::erase_if(holders_, [now](const auto& h) { return h.ends_at <= now; });
  std::erase_if(cooling_, [now](const auto& r) { return r.free_at <= now; });
}

void limit_shares::cool(const amounts& amount, time_point free_at) {
  if (amount == amounts{}) return;
  // What cools at about the same time cools together, so that the list stays short.
  constexpr auto step = milliseconds(250);
  for (auto& r : cooling_) {
    if (free_at > r.free_at || r.free_at - free_at >= step) continue;
    for (std::size_t kind = 0; kind < amount.size(); ++kind) r.amount[kind] += amount[kind];
    return;
  }
  cooling_.push_back({amount, free_at + step / 2});
}

limit_shares::holder* limit_shares::find(std::uint64_t id) noexcept {
  const auto found =
      std::find_if(holders_.begin(), holders_.end(), [id](const auto& h) { return h.id == id; });
  return found == holders_.end() ? nullptr : &*found;
}

// The least of what the holders know of the limit.
limit_shares::amounts limit_shares::in_force() const noexcept {
  amounts least{};
  for (const auto& h : holders_)
    for (std::size_t kind = 0; kind < least.size(); ++kind)
      if (h.limits[kind] != 0 && (least[kind] == 0 || h.limits[kind] < least[kind]))
        least[kind] = h.limits[kind];
  return least;
}

// Weighted max-min: who wants less than its part leaves the rest to the others; what does not
// divide goes to those who came first.
std::uint64_t limit_shares::fair(std::size_t kind, std::uint64_t total, const holder& h) const {
  std::vector<const holder*> open;
  std::uint64_t weights = 0;
  for (const auto& each : holders_) {
    open.push_back(&each);
    weights += each.weight;
  }
  const auto part_of = [&](const holder& each) {
    return static_cast<std::uint64_t>(static_cast<double>(total) *
                                      static_cast<double>(each.weight) /
                                      static_cast<double>(weights));
  };
  const auto is_content = [&](const holder* each) {
    return each->wanted[kind] != 0 && each->wanted[kind] <= part_of(*each);
  };
  for (;;) {
    const auto content = std::stable_partition(open.begin(), open.end(),
                                               [&](const auto* each) { return !is_content(each); });
    if (content == open.end()) break;
    for (auto at = content; at != open.end(); ++at) {
      if (*at == &h) return h.wanted[kind];
      total -= (*at)->wanted[kind];
      weights -= (*at)->weight;
    }
    open.erase(content, open.end());
  }
  auto rest = total;
  for (const auto* each : open) rest -= std::min(rest, part_of(*each));
  for (const auto* each : open) {
    const bool gets_one_more = rest != 0;
    if (each == &h) return part_of(h) + (gets_one_more ? 1 : 0);
    if (gets_one_more) --rest;
  }
  return 0;
}

std::uint64_t limit_shares::free(std::size_t kind, std::uint64_t total, const holder& h) const {
  std::uint64_t taken = 0;
  for (const auto& each : holders_)
    if (&each != &h) taken += each.amount[kind];
  for (const auto& r : cooling_) taken += r.amount[kind];
  return total - std::min(total, taken);
}

duration limit_shares::next_free_in(duration at_most, time_point now) const noexcept {
  auto wait = at_most;
  for (const auto& r : cooling_) wait = std::min(wait, r.free_at - now);
  return std::max<duration>(wait, milliseconds(50));
}

std::string limit_shares::to_text() const {
  std::ostringstream out;
  const auto put = [&out](const amounts& a) {
    for (const auto n : a) out << ' ' << n;
  };
  out << format_version << ' ' << last_token_ << ' ' << holders_.size() << ' ' << cooling_.size();
  for (const auto& h : holders_) {
    out << ' ' << h.id << ' ' << h.token << ' ' << h.weight << ' ' << to_micros(h.ends_at);
    put(h.amount);
    put(h.limits);
    put(h.wanted);
  }
  for (const auto& r : cooling_) {
    out << ' ' << to_micros(r.free_at);
    put(r.amount);
  }
  // Behind what earlier builds read and write: they take all that may be in use for granted.
  for (const auto& h : holders_) {
    put(h.granted);
    out << ' ' << to_micros(h.larger_until);
  }
  return out.str();
}

expected<limit_shares> limit_shares::from_text(std::string_view text) {
  std::istringstream in{std::string(text)};
  const auto take = [&in](amounts& a) {
    for (auto& n : a) in >> n;
  };
  limit_shares shares;
  int version = 0;
  std::size_t held = 0, cooling = 0;
  in >> version >> shares.last_token_ >> held >> cooling;
  if (!in || version != format_version || held > holders_max || cooling > text.size())
    return fail(
        core_error("the stored state of a limit cannot be read: remove its row, after all "
                   "who use the limit have been stopped for a minute"));
  std::int64_t at = 0;
  for (; held > 0; --held) {
    holder h;
    in >> h.id >> h.token >> h.weight >> at;
    h.ends_at = from_micros(at);
    take(h.amount);
    take(h.limits);
    take(h.wanted);
    shares.holders_.push_back(h);
  }
  for (; cooling > 0; --cooling) {
    rest r;
    in >> at;
    r.free_at = from_micros(at);
    take(r.amount);
    shares.cooling_.push_back(r);
  }
  if (!in)
    return fail(
        core_error("the stored state of a limit ends too early: remove its row, "
                   "after all who use the limit have been stopped for a minute"));
  for (auto& h : shares.holders_) {
    h.granted = h.amount;
    amounts granted{};
    take(granted);
    in >> at;
    if (!in) continue;  // an earlier build wrote it
    h.granted = granted;
    h.larger_until = from_micros(at);
  }
  return shares;
}

}  // namespace graphbit::policy
