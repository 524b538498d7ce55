#include "membership.hpp"

#include <tuple>
#include <utility>

namespace graphbit::cluster {

void membership::join(member_record self, time_point now) {
  self_ = self.name;
  entries_[self_] = {std::move(self), now};
}

void membership::beat(time_point now) {
  if (self_.empty()) return;
  auto& own = entries_[self_];
  ++own.record.beat;
  own.progressed_at = now;
  erase_old(now);
}

void membership::set_state(member_state state, time_point now) {
  if (self_.empty()) return;
  entries_[self_].record.state = state;
  beat(now);
}

bool membership::later(const member_record& a, const member_record& b) {
  return std::tuple(a.incarnation, a.beat, a.state) > std::tuple(b.incarnation, b.beat, b.state);
}

bool membership::merge(const std::vector<member_record>& view, time_point now) {
  bool changed = false;
  for (const auto& seen : view) {
    if (seen.name.empty()) continue;
    if (seen.name == self_) {
      changed |= merge_self(seen, now);
      continue;
    }
    const auto found = entries_.find(seen.name);
    if (found == entries_.end()) {
      if (entries_.size() >= settings_.members_max) continue;
      entries_.emplace(seen.name, entry{seen, now});
      changed = true;
    } else if (later(seen, found->second.record)) {
      auto& known = found->second;
      changed |= seen.incarnation != known.record.incarnation || seen.state != known.record.state ||
                 now - known.progressed_at > settings_.forget_after;
      known = {seen, now};
    }
  }
  return changed;
}

// What others hold of this member from before its start loses against what it says now, also when
// the machine's clock went backwards between two starts.
bool membership::merge_self(const member_record& seen, time_point now) {
  auto& own = entries_[self_].record;
  if (seen.incarnation < own.incarnation) return false;
  if (seen.incarnation == own.incarnation && seen.beat <= own.beat) return false;
  name_taken_ = name_taken_ || seen.address != own.address;
  own.incarnation = seen.incarnation + 1;
  beat(now);
  return true;
}

std::vector<member_record> membership::view(time_point now) const {
  std::vector<member_record> out;
  for (const auto& [name, e] : entries_)
    if (name == self_ || now - e.progressed_at <= settings_.forget_after) out.push_back(e.record);
  return out;
}

const member_record* membership::self() const {
  const auto found = entries_.find(self_);
  return found == entries_.end() ? nullptr : &found->second.record;
}

void membership::erase_old(time_point now) {
  std::erase_if(entries_, [&](const auto& e) {
    return e.first != self_ && now - e.second.progressed_at > settings_.erase_after;
  });
}

}  // namespace graphbit::cluster
