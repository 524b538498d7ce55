#include <graphbit/actors/policy/waiting_line.hpp>

namespace graphbit::policy {

waiting_line::place waiting_line::push(value v, priority_class priority, std::uint64_t flow) {
  const place where{++arrivals_, flow, priority};
  change(flow, [&](flow_state& state) {
    auto& waiting = state.waiting[index(priority)];
    waiting.emplace_hint(waiting.end(), where.arrival, v);
  });
  ++size_;
  return where;
}

void waiting_line::erase(const place& where) {
  change(where.flow, [&](flow_state& state) {
    size_ -= state.waiting[index(where.priority)].erase(where.arrival);
  });
}

std::optional<waiting_line::value> waiting_line::front(priority_class priority) const {
  const auto& turns = turns_[index(priority)];
  if (turns.empty()) return std::nullopt;
  const std::uint64_t flow = turns.begin()->second;
  return flows_.find(flow)->second.waiting[index(priority)].begin()->second;
}

void waiting_line::bound(std::uint64_t flow, std::uint32_t in_flight_max) {
  if (flow == 0) return;
  const auto found = flows_.find(flow);
  const bool known = found != flows_.end();
  if ((known ? found->second.in_flight_max : 0) == in_flight_max) return;
  auto& state = flows_[flow];
  drop_turns(flow, state);
  state.in_flight_max = in_flight_max;
  add_turns(flow, state);
}

bool waiting_line::is_full(std::uint64_t flow) const noexcept {
  if (flow == 0) return false;
  const auto found = flows_.find(flow);
  return found != flows_.end() && found->second.full();
}

void waiting_line::entered(std::uint64_t flow) {
  if (flow != 0) change(flow, [](flow_state& state) { ++state.in_flight; });
}

void waiting_line::left(std::uint64_t flow) {
  if (flow == 0) return;
  change(flow, [](flow_state& state) {
    if (state.in_flight > 0) --state.in_flight;
  });
}

void waiting_line::add_turns(std::uint64_t flow, const flow_state& state) {
  if (state.full()) return;
  for (std::size_t c = 0; c < classes; ++c) {
    if (!state.waiting[c].empty()) turns_[c].emplace(state.waiting[c].begin()->first, flow);
  }
}

void waiting_line::drop_turns(std::uint64_t flow, const flow_state& state) {
  if (state.full()) return;
  for (std::size_t c = 0; c < classes; ++c) {
    if (!state.waiting[c].empty()) turns_[c].erase({state.waiting[c].begin()->first, flow});
  }
}

template <class Change>
void waiting_line::change(std::uint64_t flow, Change what) {
  auto& state = flows_[flow];
  drop_turns(flow, state);
  what(state);
  add_turns(flow, state);
  if (state.idle()) flows_.erase(flow);
}

}  // namespace graphbit::policy
