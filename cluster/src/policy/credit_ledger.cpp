#include "credit_ledger.hpp"

#include <algorithm>
#include <cmath>

namespace graphbit::cluster {

void credit_ledger::add(session_id owner, std::uint32_t weight) {
  accounts_[owner] = {.weight = std::clamp<std::uint32_t>(weight, 1, 1000)};
}

void credit_ledger::remove(session_id owner) { accounts_.erase(owner); }

void credit_ledger::set_demand(session_id owner, std::uint32_t items) {
  if (const auto found = accounts_.find(owner); found != accounts_.end())
    found->second.demand = items;
}

std::uint32_t credit_ledger::window(session_id owner) const {
  const auto found = accounts_.find(owner);
  return found == accounts_.end() ? 0 : found->second.window;
}

// Fills all accounts at the pace of their weights until each has what it wants or nothing is left.
// Gives back what is left.
double credit_ledger::pour(double slots, bool past_demand) {
  for (std::size_t round = 0; round <= accounts_.size() && slots > 1e-6; ++round) {
    double weights = 0;
    for (const auto& [owner, a] : accounts_)
      if (past_demand || a.share < a.demand) weights += a.weight;
    if (weights == 0) break;
    const double pace = slots / weights;
    for (auto& [owner, a] : accounts_) {
      if (!past_demand && a.share >= a.demand) continue;
      const double room = past_demand ? slots_ : a.demand - a.share;
      const double given = std::min(pace * a.weight, room);
      a.share += given;
      slots -= given;
    }
  }
  return slots;
}

void credit_ledger::divide() {
  for (auto& [owner, a] : accounts_) a.share = 0;
  const double left = pour(slots_, false);
  static_cast<void>(pour(left, true));
}

std::vector<credit_ledger::grant> credit_ledger::changes() {
  if (!closed_) divide();
  std::vector<grant> out;
  for (auto& [owner, a] : accounts_) {
    const auto whole = static_cast<std::uint32_t>(std::floor(a.share + 1e-6));
    const auto window = closed_ ? 0 : std::max(1u, whole);
    if (window == a.window) continue;
    a.window = window;
    out.push_back({owner, window});
  }
  return out;
}

}  // namespace graphbit::cluster
