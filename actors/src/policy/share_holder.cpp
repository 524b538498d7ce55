#include <graphbit/actors/policy/share_holder.hpp>

#include <algorithm>

namespace graphbit::policy {

share_holder::share_holder(std::uint64_t holder, limiter_settings limits, time_point now)
    : holder_(holder), limits_(limits), used_at_(now) {}

void share_holder::used(time_point at) { used_at_ = std::max(used_at_, at); }

share_holder::duty share_holder::next(time_point now) {
  if (std::min(shrunk_due_, end_due_) <= now) {
    if (shrunk_due_ <= now) shrunk_due_ = never;
    if (end_due_ <= now) end_due_ = never;
    return duty::cut;
  }
  if (asking_) return duty::none;
  if (now - used_at_ < idle_after) return ask_at_ <= now ? duty::ask : duty::none;
  return token_ != 0 ? duty::give_back : duty::none;
}

time_point share_holder::due_at() const noexcept {
  const auto cut_at = std::min(shrunk_due_, end_due_);
  if (asking_) return cut_at;
  const auto idle_at = used_at_ + idle_after;
  if (ask_at_ < idle_at) return std::min(cut_at, ask_at_);
  return token_ != 0 ? std::min(cut_at, idle_at) : cut_at;
}

share_request share_holder::request(time_point now) {
  asking_ = true;
  asked_at_ = now;
  return {.holder = holder_, .token = token_, .limits = limits_, .wanted = {}, .weight = 1};
}

void share_holder::answered(const limit_share& share, time_point now) {
  asking_ = false;
  ask_at_ = now + share.ask_after;
  token_ = share.token;
  if (token_ == 0) return;  // what it had counts as its until it ends
  const auto before = share_;
  share_ = {share.amount, asked_at_ + share.ends_in};
  // What is in flight beyond the new share goes on until a minute after the old one's end.
  const auto was = before.amount.in_flight_max, is = share.amount.in_flight_max;
  if (is != 0 && (was == 0 || was > is) && before.ends_at != time_point{})
    shrunk_due_ = std::min(shrunk_due_, before.ends_at + limit_shares::cool_for);
  end_due_ = share_.ends_at + limit_shares::cool_for;
}

void share_holder::failed(time_point now) {
  asking_ = false;
  ask_at_ = now + ask_again_after;
}

void share_holder::given_back(time_point now) {
  token_ = 0;
  end_due_ = never;  // nothing has been in flight for long
  share_.ends_at = std::min(share_.ends_at, now);
  ask_at_ = now;
}

std::optional<std::uint32_t> share_holder::in_flight_allowed(time_point now) const {
  if (now >= share_.ends_at) return 0;
  if (share_.amount.in_flight_max == 0) return std::nullopt;
  return share_.amount.in_flight_max;
}

}  // namespace graphbit::policy
