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
  explicit lease_table(limiter_actor* self) : self_(self) {}

  void join(const caf::actor& shard, const policy::limiter_settings& wanted) {
    self_->monitor(shard);
    members_.push_back({shard, {}, {}});
    take_limits(wanted);
    lease();
  }

  void left(const caf::actor_addr& shard) {
    std::erase_if(members_, [&](const member& m) { return m.shard.address() == shard; });
    lease();
  }

  void demanded(const caf::actor_addr& shard, const limiter_demand& demand) {
    for (auto& m : members_)
      if (m.shard.address() == shard) m.demand = demand;
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

  void held(const caf::actor_addr& sender, const limiter_hold& hold) {
    for (const auto& m : members_)
      if (m.shard.address() != sender) self_->send(m.shard, hold);
  }

 private:
  // Two configurations of one key and model may name different limits: the narrower one holds.
  void take_limits(const policy::limiter_settings& wanted) {
    limits_.in_flight_max = narrower(limits_.in_flight_max, wanted.in_flight_max);
    limits_.requests_per_minute = narrower(limits_.requests_per_minute, wanted.requests_per_minute);
    limits_.tokens_per_minute = narrower(limits_.tokens_per_minute, wanted.tokens_per_minute);
  }

  void lease() {
    auto limits = limits_;
    if (members_.size() > 1) {  // a single member learns by itself
      limits.requests_per_minute =
          narrower(limits.requests_per_minute, learnt_.requests_per_minute);
      limits.tokens_per_minute = narrower(limits.tokens_per_minute, learnt_.tokens_per_minute);
    }
    std::uint64_t weights = 0;
    for (const auto& m : members_) weights += weight(m);
    for (auto& m : members_) {
      policy::limiter_settings share = limits;
      if (members_.size() > 1) {
        share.requests_per_minute = part_of(limits.requests_per_minute, weight(m), weights);
        share.tokens_per_minute = part_of(limits.tokens_per_minute, weight(m), weights);
        share.in_flight_max = part_of(limits_.in_flight_max, weight(m), weights);
        share.in_flight_max = std::min(share.in_flight_max, unused_by_others(m));
        if (limits_.in_flight_max != 0) share.in_flight_max = std::max(1u, share.in_flight_max);
      }
      m.granted = share;
      self_->send(m.shard, limiter_share{share, members_.size() == 1});
    }
  }

  [[nodiscard]] static std::uint64_t weight(const member& m) {
    return 1 + m.demand.in_flight + m.demand.waiting;
  }

  // What the others hold in flight cannot be given away before they have let go of it.
  [[nodiscard]] std::uint32_t unused_by_others(const member& wanting) const {
    std::uint32_t used = 0;
    for (const auto& m : members_)
      if (m.shard != wanting.shard) used += m.demand.in_flight;
    return limits_.in_flight_max > used ? limits_.in_flight_max - used : 0;
  }

  limiter_actor* self_;
  policy::limiter_settings limits_;
  policy::limiter_settings learnt_;
  std::vector<member> members_;
};

}  // namespace

caf::behavior lease_limits(limiter_actor* self) {
  auto table = std::make_shared<lease_table>(self);
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
        table->held(caf::actor_cast<caf::actor_addr>(self->current_sender()), hold);
      },
      [table](const limits_change& to) { table->change(to); },
  };
}

}  // namespace graphbit
