#include "traffic.hpp"

#include <algorithm>
#include <functional>

#include <graphbit/runtime/json_value.hpp>

namespace graphbit::sim {

namespace {

// What a client may make us remember.
constexpr std::size_t paths_max = 256;
constexpr std::size_t hashes_max = 4'000'000;

}  // namespace

void traffic::arrived() {
  ++requests_;
  in_flight_peak_ = std::max(in_flight_peak_, ++in_flight_);
}

void traffic::over(bool cancelled) {
  --in_flight_;
  if (cancelled) ++cancelled_;
}

void traffic::answered(std::string_view path, std::string_view how) {
  auto at = by_path_.find(path);
  if (at == by_path_.end())
    at = by_path_.try_emplace(by_path_.size() < paths_max ? std::string(path) : "others").first;
  auto count = at->second.find(how);
  if (count == at->second.end()) count = at->second.emplace(std::string(how), 0).first;
  ++count->second;
}

void traffic::prompt_asked(std::uint64_t hash) {
  if (prompts_.size() < hashes_max || prompts_.count(hash)) ++prompts_[hash].requests;
}

void traffic::prompt_answered(std::uint64_t hash) {
  if (const auto at = prompts_.find(hash); at != prompts_.end()) ++at->second.answers;
}

void traffic::idempotency_key(std::string_view key) {
  const auto hash = std::hash<std::string_view>{}(key);
  if (keys_.size() < hashes_max || keys_.count(hash)) ++keys_[hash];
}

void traffic::reset() {
  const auto in_flight = in_flight_;
  *this = traffic();
  in_flight_ = in_flight_peak_ = in_flight;
}

std::string traffic::to_json(const http_server_stats& connections) const {
  json_value paths(json_value::object{}), statuses(json_value::object{});
  std::map<std::string, std::uint64_t> sums;
  for (const auto& [path, how] : by_path_) {
    json_value counts(json_value::object{});
    for (const auto& [status, count] : how) {
      counts.set(status, count);
      sums[status] += count;
    }
    paths.set(path, std::move(counts));
  }
  for (const auto& [status, count] : sums) statuses.set(status, count);

  std::uint64_t repeated = 0, answered = 0, answered_again = 0, most = 0;
  for (const auto& [hash, p] : prompts_) {
    repeated += p.requests - 1;
    answered += p.answers > 0;
    answered_again += p.answers > 1 ? p.answers - 1 : 0;
    most = std::max<std::uint64_t>(most, p.requests);
  }
  std::uint64_t keys_repeated = 0;
  for (const auto& [hash, count] : keys_) keys_repeated += count - 1;

  return graphbit::to_json(json_value::object{
      {"requests", requests_},
      {"by_path", std::move(paths)},
      {"by_status", std::move(statuses)},
      {"in_flight", static_cast<std::uint64_t>(in_flight_)},
      {"in_flight_peak", static_cast<std::uint64_t>(in_flight_peak_)},
      {"cancelled", cancelled_},
      {"prompts", json_value::object{{"unique", static_cast<std::uint64_t>(prompts_.size())},
                                     {"repeated", repeated},
                                     {"most_requests", most},
                                     {"answered", answered},
                                     {"answered_again", answered_again}}},
      {"idempotency_keys", json_value::object{{"unique", static_cast<std::uint64_t>(keys_.size())},
                                              {"repeated", keys_repeated}}},
      {"connections_opened", connections.connections_opened},
      {"connections_open", static_cast<std::uint64_t>(connections.connections_open)}});
}

}  // namespace graphbit::sim
