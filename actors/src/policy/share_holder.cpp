#include <graphbit/actors/policy/share_holder.hpp>

#include <algorithm>

namespace graphbit::policy {

share_holder::share_holder(std::uint64_t holder, limiter_settings limits, time_point now)
    : holder_(holder), limits_(limits), used_at_(now) {}

void share_holder::used(time_point at, const limiter_settings& use) {
  used_at_ = std::max(used_at_, at);
  use_ = use;
}

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
  share_request out{.holder = holder_, .token = token_, .limits = limits_};
  if (token_ != 0 && now - answered_at_ >= kept_to_after) out.use = share_use{share_.amount, use_};
  return out;
}

void share_holder::answered(const limit_share& share, time_point now) {
  asking_ = false;
  ask_at_ = now + share.ask_after;
  token_ = share.token;
  answered_at_ = now;
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

// What was sent within the last moments may not be counted yet.
share_return share_holder::to_return(time_point now) const {
  share_return out{.holder = holder_, .token = token_, .unused_for = now - used_at_, .used = use_};
  const auto late = [](auto amount) { return static_cast<decltype(amount)>(amount * 2 / 60 + 1); };
  out.used->requests_per_minute += late(share_.amount.requests_per_minute);
  out.used->tokens_per_minute += late(share_.amount.tokens_per_minute);
  return out;
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
