#include <graphbit/actors/policy/supervision.hpp>

#include <algorithm>
#include <utility>

namespace graphbit::policy {

using kind = supervision_action::kind;

child_index supervision::add(child_lifetime lifetime) {
  child_index index = static_cast<child_index>(children_.size());
  if (free_.empty()) {
    children_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  child& c = children_[index];
  c = child{};
  c.lifetime = lifetime;
  c.state = child_state::running;
  c.in_use = true;
  c.order = starts_++;
  ++alive_;
  return index;
}

supervision::actions supervision::exited(child_index index, bool failed, time_point now) {
  if (index >= children_.size() || children_[index].state == child_state::stopped) return {};
  child& c = children_[index];
  const bool was_asked = c.state == child_state::stopping;
  if (c.state != child_state::restarting) --alive_;
  c.state = child_state::stopped;
  if (shutting_down_) return stop_next();
  if (was_asked) {
    if (c.lifetime != child_lifetime::temporary) c.state = child_state::restarting;
    return end_group();
  }
  const bool wanted = c.lifetime == child_lifetime::permanent ||
                      (c.lifetime == child_lifetime::transient && failed);
  if (!wanted) return {};
  return settings_.rule == restart_rule::one_for_one ? restart_one(index, now)
                                                     : begin_group(index, now);
}

bool supervision::is_due(child_index index) const {
  if (index >= children_.size() || children_[index].state != child_state::restarting) return false;
  return group_.empty() || (group_.front() == index && !group_is_stopping());
}

supervision::actions supervision::started(child_index index) {
  if (index >= children_.size() || children_[index].state != child_state::restarting) return {};
  children_[index].state = child_state::running;
  ++alive_;
  if (std::erase(group_, index) == 0) return {};
  ++children_[index].restarts;
  return restart_next(duration{0});
}

void supervision::remove(child_index index) {
  if (index >= children_.size() || !children_[index].in_use || is_alive(index)) return;
  children_[index] = child{};
  std::erase(group_, index);  // it was a temporary one
  free_.push_back(index);
}

supervision::actions supervision::shut_down() {
  if (shutting_down_) return {};
  shutting_down_ = true;
  group_.clear();
  for (child_index i = 0; i < children_.size(); ++i) {
    if (is_alive(i)) to_stop_.push_back(i);
    if (children_[i].state == child_state::restarting) children_[i].state = child_state::stopped;
  }
  sort_by_start(to_stop_);
  return stop_next();
}

bool supervision::is_alive(child_index index) const noexcept {
  if (index >= children_.size()) return false;
  const child_state state = children_[index].state;
  return state == child_state::running || state == child_state::stopping;
}

bool supervision::within_intensity(std::vector<time_point>& recent, time_point now) const {
  std::erase_if(recent, [&](time_point t) { return now - t > settings_.period; });
  if (recent.size() >= settings_.restarts_max) return false;
  recent.push_back(now);
  return true;
}

duration supervision::backoff(std::size_t restarts_recent) const noexcept {
  duration wait = settings_.backoff_first;
  for (std::size_t i = 1; i < restarts_recent && wait < settings_.backoff_max; ++i) wait *= 2;
  return std::min(wait, settings_.backoff_max);
}

void supervision::sort_by_start(std::vector<child_index>& indices) const {
  std::sort(indices.begin(), indices.end(), [this](child_index a, child_index b) {
    return children_[a].order < children_[b].order;
  });
}

supervision::actions supervision::restart_one(child_index index, time_point now) {
  child& c = children_[index];
  if (!within_intensity(c.recent, now)) return {{kind::escalate, index, duration{0}}};
  c.state = child_state::restarting;
  ++c.restarts;
  return {{kind::restart, index, backoff(c.recent.size())}};
}

// Stops those that go down with the dead child, last started first. When the last of them has ended
// they are restarted in the order of their first start, each once the one before it is up. A child
// that fails meanwhile, or a restart that does, joins the group.
supervision::actions supervision::begin_group(child_index index, time_point now) {
  if (!within_intensity(recent_, now)) return {{kind::escalate, index, duration{0}}};
  join_group(index, child_state::restarting);
  const bool all = settings_.rule == restart_rule::one_for_all;
  std::vector<child_index> others;
  for (child_index i = 0; i < children_.size(); ++i) {
    const child& c = children_[i];
    if (c.state == child_state::running && (all || c.order > children_[index].order)) {
      others.push_back(i);
    }
  }
  sort_by_start(others);
  std::reverse(others.begin(), others.end());
  actions out;
  for (const child_index i : others) {
    join_group(i, child_state::stopping);
    out.push_back({kind::stop, i, duration{0}});
  }
  return out.empty() ? end_group() : out;
}

void supervision::join_group(child_index index, child_state state) {
  children_[index].state = state;
  if (std::find(group_.begin(), group_.end(), index) == group_.end()) group_.push_back(index);
  sort_by_start(group_);
}

bool supervision::group_is_stopping() const {
  return std::any_of(group_.begin(), group_.end(),
                     [this](child_index i) { return children_[i].state == child_state::stopping; });
}

supervision::actions supervision::end_group() {
  if (group_is_stopping()) return {};
  std::erase_if(group_,
                [this](child_index i) { return children_[i].state != child_state::restarting; });
  return restart_next(backoff(recent_.size()));
}

supervision::actions supervision::restart_next(duration after) const {
  if (group_.empty()) return {};
  return {{kind::restart, group_.front(), after}};
}

supervision::actions supervision::stop_next() {
  while (!to_stop_.empty() && !is_alive(to_stop_.back())) to_stop_.pop_back();
  if (to_stop_.empty()) return {};
  child& last = children_[to_stop_.back()];
  if (last.state == child_state::stopping) return {};  // the next stop follows its end
  last.state = child_state::stopping;
  return {{kind::stop, to_stop_.back(), duration{0}}};
}

}  // namespace graphbit::policy
