#include "placement.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace graphbit::cluster {

namespace {

// Live calls go first; a batch gets every tenth turn, so that it never stands still.
constexpr std::uint32_t turns_per_batch_turn = 10;

[[nodiscard]] bool contains(const std::vector<std::string>& list, const std::string& what) {
  return std::find(list.begin(), list.end(), what) != list.end();
}

// Rendezvous hashing: a session keeps its member while others come and go.
[[nodiscard]] std::size_t affinity(const std::string& session, const std::string& member) {
  return std::hash<std::string>{}(session + '\0' + member);
}

}  // namespace

void placement::add(item_id id, item_needs needs) {
  auto& l = lanes_[needs.callable];
  l.queues[static_cast<std::size_t>(needs.priority)].push_back(id);
  items_.emplace(id, item{.needs = std::move(needs)});
  ++waiting_;
}

std::optional<placement::assignment> placement::where(item_id id) const {
  const auto found = items_.find(id);
  if (found == items_.end() || found->second.link == 0) return std::nullopt;
  return assignment{id, found->second.attempt, found->second.link};
}

std::optional<placement::assignment> placement::remove(item_id id) {
  const auto found = items_.find(id);
  if (found == items_.end()) return std::nullopt;
  const auto at = where(id);
  if (at)
    --links_.at(at->link).in_flight;
  else
    --waiting_;
  const auto needs = std::move(found->second.needs);
  items_.erase(found);
  make_room(needs, at.has_value());
  return at;
}

bool placement::has_labels(const member_record& member) const {
  return std::all_of(settings_.labels.begin(), settings_.labels.end(),
                     [&](const auto& label) { return contains(member.labels, label); });
}

void placement::link_up(link_id link, const member_record& member) {
  links_[link] = {.member = member, .suitable = has_labels(member)};
}

void placement::link_changed(link_id link, const member_record& member) {
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  found->second.member = member;
  found->second.suitable = has_labels(member);
}

void placement::set_window(link_id link, std::uint32_t window) {
  if (const auto found = links_.find(link); found != links_.end()) found->second.window = window;
}

void placement::set_starved(link_id link, bool starved) {
  if (const auto found = links_.find(link); found != links_.end()) found->second.starved = starved;
}

void placement::requeue(item_id id, item& i) {
  i.link = 0;
  make_room(i.needs, true);
  lanes_[i.needs.callable].queues[static_cast<std::size_t>(i.needs.priority)].push_front(id);
  ++waiting_;
}

placement::link_end placement::link_down(link_id link) {
  link_end end;
  if (links_.erase(link) == 0) return end;
  for (auto& [id, i] : items_) {
    if (i.link != link) continue;
    if (++i.deaths < settings_.attempts_max)
      end.requeued.push_back(id);
    else
      end.abandoned.push_back(id);
  }
  // Oldest first at the head of the queue.
  std::sort(end.requeued.begin(), end.requeued.end(), std::greater<>());
  for (const auto id : end.requeued) requeue(id, items_.at(id));
  for (const auto id : end.abandoned) {
    make_room(items_.at(id).needs, true);
    items_.erase(id);
  }
  return end;
}

// True when as many as may are in flight: the item waits aside, so that others can pass.
bool placement::park_if_full(item_id id, const item& i) {
  if (i.needs.limit == 0) return false;
  auto& b = bounds_[i.needs.limit];
  const auto most = i.needs.in_flight_max;
  b.in_flight_max = b.in_flight_max == 0 ? most : std::min(b.in_flight_max, most);
  if (b.in_flight < b.in_flight_max) return false;
  b.parked[static_cast<std::size_t>(i.needs.priority)].push_back(id);
  return true;
}

// An item that counted in a bound has ended, or will not be sent after all: the next may go.
void placement::make_room(const item_needs& needs, bool was_in_flight) {
  const auto found = bounds_.find(needs.limit);
  if (found == bounds_.end()) return;
  auto& b = found->second;
  if (was_in_flight) --b.in_flight;
  for (auto& parked : b.parked) {
    while (!parked.empty()) {
      const auto id = parked.front();
      parked.pop_front();
      if (!waits(id)) continue;
      const auto& next = items_.at(id).needs;
      lanes_[next.callable].queues[static_cast<std::size_t>(next.priority)].push_front(id);
      return;
    }
  }
  if (b.in_flight == 0) bounds_.erase(found);
}

bool placement::waits(item_id id) const {
  const auto found = items_.find(id);
  return found != items_.end() && found->second.link == 0;
}

std::optional<item_id> placement::next_of(lane& l) {
  for (auto& queue : l.queues)
    while (!queue.empty() && !waits(queue.front())) queue.pop_front();
  auto& live = l.queues[static_cast<std::size_t>(priority_class::live)];
  auto& batch = l.queues[static_cast<std::size_t>(priority_class::batch)];
  if (live.empty() && batch.empty()) return std::nullopt;
  const bool batch_turn = ++l.turn % turns_per_batch_turn == 0;
  auto& queue = live.empty() || (batch_turn && !batch.empty()) ? batch : live;
  const auto id = queue.front();
  queue.pop_front();
  return id;
}

bool placement::any_free(const std::string& callable) const {
  return std::any_of(links_.begin(), links_.end(), [&](const auto& l) {
    return l.second.free() && (callable.empty() || contains(l.second.member.callables, callable));
  });
}

placement::peer* placement::choose(const item& i, link_id& link) {
  peer* best = nullptr;
  double best_score = -1;
  for (auto& [id, p] : links_) {
    if (!p.free() || (i.needs.rated && p.starved)) continue;
    if (!i.needs.callable.empty() && !contains(p.member.callables, i.needs.callable)) continue;
    // The emptiest by share, so that members of different sizes fill alike.
    const double score = i.needs.session.empty()
                             ? 1.0 - static_cast<double>(p.in_flight) / p.window
                             : static_cast<double>(affinity(i.needs.session, p.member.name));
    if (score <= best_score) continue;
    best = &p;
    best_score = score;
    link = id;
  }
  return best;
}

std::vector<placement::assignment> placement::dispatch() {
  std::vector<assignment> out;
  for (auto it = lanes_.begin(); it != lanes_.end();) {
    auto& [callable, l] = *it;
    std::optional<item_id> id;
    while (any_free(callable) && (id = next_of(l))) {
      auto& i = items_.at(*id);
      if (park_if_full(*id, i)) continue;
      link_id link = 0;
      auto* to = choose(i, link);
      if (to == nullptr) {  // nobody who has room has a part of its rate
        l.queues[static_cast<std::size_t>(i.needs.priority)].push_front(*id);
        break;
      }
      i.link = link;
      ++i.attempt;
      ++to->in_flight;
      if (i.needs.limit != 0) ++bounds_.at(i.needs.limit).in_flight;
      --waiting_;
      out.push_back({*id, i.attempt, link});
    }
    const bool empty = l.queues[0].empty() && l.queues[1].empty();
    it = empty && !callable.empty() ? lanes_.erase(it) : std::next(it);
  }
  return out;
}

bool placement::current(item_id id, std::uint32_t attempt, link_id link) const {
  const auto found = items_.find(id);
  return found != items_.end() && found->second.attempt == attempt && found->second.link == link;
}

bool placement::finish(item_id id, std::uint32_t attempt, link_id link) {
  if (!current(id, attempt, link)) return false;
  static_cast<void>(remove(id));
  return true;
}

void placement::give_back(item_id id, std::uint32_t attempt, link_id link) {
  if (!current(id, attempt, link)) return;
  --links_.at(link).in_flight;
  requeue(id, items_.at(id));
}

std::uint32_t placement::capacity() const {
  std::uint32_t sum = 0;
  for (const auto& [id, p] : links_)
    if (p.suitable) sum += p.window;
  return sum;
}

bool placement::has_suitable_member() const {
  return std::any_of(links_.begin(), links_.end(), [](const auto& l) {
    return l.second.suitable && l.second.member.state == member_state::up;
  });
}

bool placement::offers(const std::string& callable) const {
  return std::any_of(links_.begin(), links_.end(), [&](const auto& l) {
    return l.second.suitable && contains(l.second.member.callables, callable);
  });
}

std::pair<std::uint32_t, std::uint32_t> placement::load(link_id link) const {
  const auto found = links_.find(link);
  if (found == links_.end()) return {0, 0};
  return {found->second.window, found->second.in_flight};
}

}  // namespace graphbit::cluster
