#include <graphbit/actors/policy/hedge.hpp>

#include <algorithm>

namespace graphbit::policy {

std::optional<duration> hedge::delay() const noexcept {
  if (!settings_.enabled || newer_.count() + older_.count() < settings_.samples_min) {
    return std::nullopt;
  }
  return std::max(delay_, settings_.delay_min);
}

bool hedge::may_hedge(retry_budget& budget) noexcept {
  const auto firsts = static_cast<double>(newer_.count() + older_.count());
  const auto sent = static_cast<double>(newer_hedges_ + older_hedges_);
  if (!delay() || sent + 1 > settings_.share_max * firsts || !budget.take()) return false;
  ++newer_hedges_;
  ++hedges_;
  return true;
}

void hedge::first_answered(duration latency) noexcept {
  newer_.record(latency);
  sampled();
}

void hedge::first_lost() noexcept {
  newer_.record_beyond();
  sampled();
}

void hedge::sampled() noexcept {
  constexpr std::uint32_t refresh_every = 16;  // a percentile passes over all buckets
  if (++since_refresh_ >= refresh_every ||
      newer_.count() + older_.count() <= settings_.samples_min) {
    since_refresh_ = 0;
    percentiles all = older_;
    all.add(newer_);
    const duration wait = all.at(settings_.percentile);
    // Where even that percentile lost to its hedge, the slowest answer is the best bound there is.
    delay_ = wait == duration::max() ? all.largest() : wait;
  }
  if (newer_.count() < settings_.samples_max / 2) return;
  older_ = newer_;
  newer_.clear();
  older_hedges_ = newer_hedges_;
  newer_hedges_ = 0;
}

}  // namespace graphbit::policy
