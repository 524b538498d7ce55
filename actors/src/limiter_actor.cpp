#include "limiter_actor.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace graphbit {

namespace {

struct member {
  caf::actor shard;
  limiter_demand demand;
  policy::limiter_settings granted;
};

// A member's part of a limit by its part of the demand; at least 1, for 0 would mean "no limit".
template <class N>
[[nodiscard]] N part_of(N limit, std::uint64_t weight, std::uint64_t weights) {
  if (limit == 0) return 0;
  return std::max<N>(1, static_cast<N>(limit * weight / weights));
}

// The tighter of two limits, where 0 means none.
template <class N>
[[nodiscard]] N narrower(N a, N b) {
  return a == 0 ? b : b == 0 ? a : std::min(a, b);
}

class lease_table {
 public:
  lease_table(limiter_actor* self, std::shared_ptr<limit_leaser> leaser, const shared_limit& limit)
      : self_(self) {
    if (!limit.authority) return;
    leaser_ = std::move(leaser);
    held_ = leaser_->hold(limit, [me = caf::actor_cast<caf::actor>(self)](const share_news& news) {
      caf::anon_send(me, news);
    });
  }
  ~lease_table() {
    if (leaser_) leaser_->drop(held_);
  }
  lease_table(const lease_table&) = delete;
  lease_table& operator=(const lease_table&) = delete;

  void join(const caf::actor& shard, const policy::limiter_settings& wanted) {
    self_->monitor(shard);
    members_.push_back({shard, {}, {}});
    take_limits(wanted);
    lease();
  }

  void left(const caf::actor_addr& shard) {
    std::erase_if(members_, [&](const member& m) {
      if (m.shard.address() != shard) return false;
      gone_.requests_per_minute += m.demand.used.requests_per_minute;
      gone_.tokens_per_minute += m.demand.used.tokens_per_minute;
      gone_until_ = steady_clock::now() + seconds(60);
      return true;
    });
    lease();
  }

  void demanded(const caf::actor_addr& shard, const limiter_demand& demand) {
    for (auto& m : members_)
      if (m.shard.address() == shard) m.demand = demand;
    if (leaser_) leaser_->used(held_, used());
    if (members_.size() > 1) lease();
  }

  void change(const limits_change& to) {
    limits_.in_flight_max = to.in_flight_max.value_or(limits_.in_flight_max);
    limits_.requests_per_minute = to.requests_per_minute.value_or(limits_.requests_per_minute);
    limits_.tokens_per_minute = to.tokens_per_minute.value_or(limits_.tokens_per_minute);
    lease();
  }

  // Learnt limits only ever narrow those that were set.
  void learnt(const limits_learnt& news) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    const auto before = learnt_;
    if (news.requests_per_minute)
      learnt_.requests_per_minute =
          static_cast<std::uint32_t>(std::min(*news.requests_per_minute, most));
    if (news.tokens_per_minute) learnt_.tokens_per_minute = *news.tokens_per_minute;
    if (learnt_.requests_per_minute != before.requests_per_minute ||
        learnt_.tokens_per_minute != before.tokens_per_minute)
      lease();
  }

  void leased(const share_news& news) {
    share_ = news.share;
    lease();
    if (!news.cut) return;
    for (const auto& m : members_) self_->send(m.shard, cut_atom::value);
  }

  template <class News>
  void pass_on(const caf::actor_addr& sender, const News& news) {
    for (const auto& m : members_)
      if (m.shard.address() != sender) self_->send(m.shard, news);
  }

 private:
  // Two configurations of one key and model may name different limits: the narrower one holds.
  void take_limits(const policy::limiter_settings& wanted) {
    limits_.in_flight_max = narrower(limits_.in_flight_max, wanted.in_flight_max);
    limits_.requests_per_minute = narrower(limits_.requests_per_minute, wanted.requests_per_minute);
    limits_.tokens_per_minute = narrower(limits_.tokens_per_minute, wanted.tokens_per_minute);
  }

  // A single member learns by itself, except from an authority.
  [[nodiscard]] bool is_whole() const { return members_.size() == 1 && !leaser_; }

  // By all shards, those that are gone among them, in the last minute.
  [[nodiscard]] policy::limiter_settings used() {
    if (steady_clock::now() > gone_until_) gone_ = {};
    auto sum = gone_;
    for (const auto& m : members_) {
      sum.in_flight_max += m.demand.used.in_flight_max;
      sum.requests_per_minute += m.demand.used.requests_per_minute;
      sum.tokens_per_minute += m.demand.used.tokens_per_minute;
    }
    return sum;
  }

  // What this process may use in all.
  [[nodiscard]] policy::limiter_settings limits_in_force() {
    auto limits = limits_;
    if (!is_whole()) {
      limits.requests_per_minute =
          narrower(limits.requests_per_minute, learnt_.requests_per_minute);
      limits.tokens_per_minute = narrower(limits.tokens_per_minute, learnt_.tokens_per_minute);
    }
    if (!leaser_) return limits;
    const bool changed = limits.in_flight_max != asked_for_.in_flight_max ||
                         limits.requests_per_minute != asked_for_.requests_per_minute ||
                         limits.tokens_per_minute != asked_for_.tokens_per_minute;
    asked_for_ = limits;
    if (changed) leaser_->limits_are(held_, limits);
    if (share_.ends_at == time_point{}) return limits;
    auto share = share_.amount;  // an authority may leave calls in flight to each process
    share.in_flight_max = narrower(share.in_flight_max, limits.in_flight_max);
    return share;
  }

  // Without limits there is nothing to lease and nothing that ends.
  [[nodiscard]] time_point ends_at(const policy::limiter_settings& limits) const {
    const bool any = limits.in_flight_max != 0 || limits.requests_per_minute != 0 ||
                     limits.tokens_per_minute != 0;
    return leaser_ && any ? share_.ends_at : never;
  }

  void lease() {
    const auto limits = limits_in_force();
    std::uint64_t weights = 0;
    for (const auto& m : members_) weights += weight(m);
    for (auto& m : members_) {
      policy::limiter_settings share = limits;
      if (members_.size() > 1) {
        share.requests_per_minute = part_of(limits.requests_per_minute, weight(m), weights);
        share.tokens_per_minute = part_of(limits.tokens_per_minute, weight(m), weights);
        share.in_flight_max = part_of(limits.in_flight_max, weight(m), weights);
        share.in_flight_max = std::min(share.in_flight_max, unused_by_others(m, limits));
        if (limits.in_flight_max != 0) share.in_flight_max = std::max(1u, share.in_flight_max);
      }
      m.granted = share;
      self_->send(m.shard, limiter_share{share, is_whole(), ends_at(limits)});
    }
  }

  [[nodiscard]] static std::uint64_t weight(const member& m) {
    return 1 + m.demand.in_flight + m.demand.waiting;
  }

  // What the others hold in flight cannot be given away before they have let go of it.
  [[nodiscard]] std::uint32_t unused_by_others(const member& wanting,
                                               const policy::limiter_settings& limits) const {
    std::uint32_t used = 0;
    for (const auto& m : members_)
      if (m.shard != wanting.shard) used += m.demand.in_flight;
    return limits.in_flight_max > used ? limits.in_flight_max - used : 0;
  }

  limiter_actor* self_;
  policy::limiter_settings limits_;
  policy::limiter_settings learnt_;
  std::vector<member> members_;
  std::shared_ptr<limit_leaser> leaser_;  // null: the limits are this process's own
  std::uint64_t held_ = 0;
  policy::limiter_settings asked_for_;
  policy::share_in_force share_;
  policy::limiter_settings gone_;  // what shards that have ended used, while it counts
  time_point gone_until_{};
};

}  // namespace

caf::behavior lease_limits(limiter_actor* self, const std::shared_ptr<limit_leaser>& leaser,
                           const shared_limit& limit) {
  auto table = std::make_shared<lease_table>(self, leaser, limit);
  self->set_down_handler([table](caf::down_msg& down) { table->left(down.source); });
  return {
      [table](join_atom, const caf::actor& shard, const policy::limiter_settings& wanted) {
        table->join(shard, wanted);
      },
      [table, self](const limiter_demand& demand) {
        table->demanded(caf::actor_cast<caf::actor_addr>(self->current_sender()), demand);
      },
      [table](const limits_learnt& news) { table->learnt(news); },
      [table, self](const limiter_hold& hold) {
        table->pass_on(caf::actor_cast<caf::actor_addr>(self->current_sender()), hold);
      },
      [table, self](const limiter_lift& lift) {
        table->pass_on(caf::actor_cast<caf::actor_addr>(self->current_sender()), lift);
      },
      [table](const limits_change& to) { table->change(to); },
      [table](const share_news& news) { table->leased(news); },
  };
}

}  // namespace graphbit
