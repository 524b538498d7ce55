#include "src/run_replay.hpp"

#include <algorithm>

namespace graphbit {

namespace {

template <class Map>
auto* find_in(Map& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

run_replay::run_replay(std::span<const journal_record> records) {
  nodes_.reserve(records.size() / 2);
  for (const journal_record& record : records) add(record);
}

void run_replay::add(const journal_record& record) {
  switch (record.kind) {
    case journal_kind::claimed: {
      if (!began_) began_ = record.at;
      if (record.body.find("\"workflow\"") == std::string::npos) return;
      const auto body = parse_json(record.body);
      const json_value* flow = body ? body->find("workflow") : nullptr;
      if (flow != nullptr) mapped_workflow_ = to_json(*flow);
      return;
    }
    case journal_kind::node_ended:
      nodes_.insert_or_assign(record.key, record.body);
      return;
    case journal_kind::call_answered:
    case journal_kind::tool_answered:
      effects_.insert_or_assign(record.key, record.body);
      return;
    case journal_kind::wait_began:
      waits_.try_emplace(record.key, record.at);
      return;
    case journal_kind::signal:
      if (std::none_of(signals_.begin(), signals_.end(),
                       [&](const auto& s) { return s.first == record.key; }))
        signals_.emplace_back(record.key, record.body);
      return;
    case journal_kind::cancel_request:
      cancel_requested_ = true;
      return;
    case journal_kind::run_ended:
      cancel_requested_ = false;  // heeded; what goes on afterwards was wanted anew
      return;
    case journal_kind::forgotten:
      forget(record.key);
      return;
    case journal_kind::node_skipped:
      skipped_.insert(record.key);
      return;
    case journal_kind::node_parked:
      add_parking(record);
      return;
    case journal_kind::node_started:
      return;
  }
}

void run_replay::add_parking(const journal_record& record) {
  const auto body = parse_json(record.body);
  const json_value* until = body ? body->find("until") : nullptr;
  if (until == nullptr || !until->is_int()) return;  // for a signal
  parkings& so_far = parked_[record.key];
  ++so_far.count;
  so_far.in_all += milliseconds{until->as_int()} - record.at.time_since_epoch();
}

void run_replay::forget(const std::string& key) {
  nodes_.erase(key);
  waits_.erase(key);
  parked_.erase(key);
  skipped_.erase(key);
}

const std::string* run_replay::node(const std::string& key) const { return find_in(nodes_, key); }
const std::string* run_replay::effect(const std::string& key) const {
  return find_in(effects_, key);
}

std::optional<wall_time> run_replay::wait_began(const std::string& key) const {
  const auto* found = find_in(waits_, key);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

parkings run_replay::parked(const std::string& key) const {
  const auto* found = find_in(parked_, key);
  return found == nullptr ? parkings{} : *found;
}

bool run_replay::failed(const std::string& key) const {
  const std::string* body = node(key);
  return body != nullptr && body->starts_with(R"({"status":"failed")");
}

}  // namespace graphbit
