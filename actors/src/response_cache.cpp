#include <graphbit/actors/response_cache.hpp>

#include <utility>

#include "answer_keeper.hpp"

namespace graphbit {

namespace {

constexpr std::size_t entry_bytes = 512;  // of list, map and response, about

[[nodiscard]] std::size_t size_of(const chat_response& answer) {
  std::size_t bytes = answer.content.size();
  for (const auto& call : answer.tool_calls)
    bytes += call.id.size() + call.name.size() + call.arguments.size();
  return bytes;
}

[[nodiscard]] std::size_t size_of(const embedding_response& answer) {
  std::size_t bytes = 0;
  for (const auto& vector : answer.vectors) bytes += sizeof(vector) + vector.size() * sizeof(float);
  return bytes;
}

[[nodiscard]] std::size_t bytes_of(const cached_answer& answer) {
  return entry_bytes + std::visit([](const auto& known) { return size_of(known); }, *answer);
}

}  // namespace

response_cache::~response_cache() = default;

expected<void> response_cache::keep_in(std::shared_ptr<answer_store> store) {
  if (store)
    if (auto opened = store->open(); !opened) return opened;
  auto keeper = store ? std::make_shared<answer_keeper>(std::move(store)) : nullptr;
  const std::lock_guard guard(mutex_);
  keeper.swap(keeper_);  // the former one ends outside the lock
  return {};
}

bool response_cache::look_up(const std::string& key, looked_up then) {
  const auto asked = keeper();
  if (asked) asked->find(key, std::move(then));
  return asked != nullptr;
}

std::shared_ptr<answer_keeper> response_cache::keeper() const {
  const std::lock_guard guard(mutex_);
  return keeper_;
}

cached_answer response_cache::find(std::string_view key, duration age_max, time_point now) {
  const std::lock_guard guard(mutex_);
  auto answer = find_locked(key, age_max, now);
  ++(answer ? counted_.hits : counted_.misses);
  return answer;
}

response_cache::turn response_cache::ask(const std::string& key, duration age_max, time_point now,
                                         follower f) {
  const std::lock_guard guard(mutex_);
  if (auto answer = find_locked(key, age_max, now)) {
    ++counted_.hits;
    return {standing::known, std::move(answer)};
  }
  const auto [found, first] = under_way_.try_emplace(key);
  if (first) {
    ++counted_.misses;
    return {standing::leads, {}};
  }
  ++counted_.joined;
  found->second.push_back(std::move(f));
  return {standing::follows, {}};
}

void response_cache::keep(const std::string& key, cached_answer answer, time_point now) {
  if (const auto to = keeper())
    to->keep({key, {answer, std::chrono::system_clock::now()}}, key.size() + bytes_of(answer));
  keep_found(key, std::move(answer), now);
}

void response_cache::keep_found(const std::string& key, cached_answer answer, time_point kept_at) {
  const auto bytes = key.size() + bytes_of(answer);
  if (bytes > bytes_max_ / 8) return;  // one answer must not put out all others
  const std::lock_guard guard(mutex_);
  if (const auto known = by_key_.find(key); known != by_key_.end()) erase(known->second);
  used_.push_front({key, std::move(answer), kept_at, bytes});
  by_key_[used_.front().key] = used_.begin();
  counted_.bytes += bytes;
  while (counted_.bytes > bytes_max_) {
    ++counted_.evicted;
    erase(std::prev(used_.end()));
  }
}

void response_cache::end(const std::string& key, const ending& how) {
  std::vector<follower> followers;
  {
    const std::lock_guard guard(mutex_);
    const auto found = under_way_.find(key);
    if (found == under_way_.end()) return;
    followers = std::move(found->second);
    under_way_.erase(found);
  }
  for (const auto& tell : followers) tell(how);
}

void response_cache::clear() {
  const std::lock_guard guard(mutex_);
  by_key_.clear();
  used_.clear();
  counted_.bytes = 0;
}

response_cache_stats response_cache::stats() const {
  const std::lock_guard guard(mutex_);
  auto now = counted_;
  now.entries = used_.size();
  return now;
}

cached_answer response_cache::find_locked(std::string_view key, duration age_max, time_point now) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end() || now - found->second->kept_at > age_max) return nullptr;
  used_.splice(used_.begin(), used_, found->second);
  return used_.front().answer;
}

void response_cache::erase(entries::iterator at) {
  counted_.bytes -= at->bytes;
  by_key_.erase(at->key);
  used_.erase(at);
}

}  // namespace graphbit
