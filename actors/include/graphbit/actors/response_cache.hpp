#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <graphbit/actors/answer_store.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/limits.hpp>

namespace graphbit {

class answer_keeper;
class runtime;

/// What a cache holds, and how often that helped.
struct response_cache_stats {
  std::uint64_t hits = 0;     ///< calls that found an answer
  std::uint64_t misses = 0;   ///< calls that did not
  std::uint64_t joined = 0;   ///< calls that waited for an equal one instead of being sent
  std::uint64_t evicted = 0;  ///< answers put out because room was short
  std::size_t entries = 0;    ///< answers now
  std::size_t bytes = 0;      ///< their size, with their keys
};

/// Answers by what was asked, exactly: endpoint and encoded body; not the key, nor a request's own
/// headers. One per runtime, for the configurations that want it.
///
/// Problem: tests, retried pipelines and evaluations ask the same thing again and again, often at
/// the same time. A known answer is given at once; of equal calls at the same time one is sent, and
/// the others wait for its answer.
///
/// Bounded in bytes (least recently used goes first) and, by each asker, in age. With a store
/// behind it (`keep_in`) answers outlive the process. Threads: any.
class response_cache {
 public:
  /// How a call that led the way ended for those that waited: an answer, an error that would meet
  /// them as well, or neither: ask again.
  struct ending {
    cached_answer answer;          ///< for all who wait
    std::optional<error> failure;  ///< for all who wait
  };
  /// Called once, on the leader's thread.
  using follower = std::function<void(const ending&)>;
  /// What an asker is to do: take the answer, get one, or wait for it.
  enum class standing : std::uint8_t { known, leads, follows };
  /// What `ask` found.
  struct turn {
    standing is = standing::leads;  ///< what to do
    cached_answer answer;           ///< `known`: what was answered before
  };

  ///@{
  /// Empty; `bytes_max` bounds the answers with their keys.
  explicit response_cache(std::size_t bytes_max = limits::response_cache_bytes_max)
      : bytes_max_(bytes_max) {}
  explicit response_cache(runtime&) : response_cache() {}
  ~response_cache();
  ///@}

  /// Answers are kept there as well from now on, and looked up there when memory knows none;
  /// nullptr: in memory alone. Error: the store cannot be opened; nothing has changed then.
  [[nodiscard]] expected<void> keep_in(std::shared_ptr<answer_store> store);
  /// Gets what the store had; nothing where it had none, or failed.
  using looked_up = std::function<void(std::optional<answer_store::kept_answer>)>;
  /// Asks the store, on whose thread `then` is called once. False: there is none.
  [[nodiscard]] bool look_up(const std::string& key, looked_up then);

  /// An answer no older than `age_max`, or nothing.
  [[nodiscard]] cached_answer find(std::string_view key, duration age_max, time_point now);
  /// As `find`; without an answer the first asker leads, and has to `end` it, and those who ask
  /// meanwhile follow.
  [[nodiscard]] turn ask(const std::string& key, duration age_max, time_point now, follower f);
  /// Puts an answer in; the least recently used go where room is short.
  void keep(const std::string& key, cached_answer answer, time_point now);
  /// The same for an answer that the store gave, so that memory knows it for what it is.
  void keep_found(const std::string& key, cached_answer answer, time_point kept_at);
  /// Tells those who follow how their leader's call ended.
  void end(const std::string& key, const ending& how);
  /// Forgets all answers; leaders and followers stay.
  void clear();
  /// A picture of now.
  [[nodiscard]] response_cache_stats stats() const;

 private:
  struct entry {
    std::string key;
    cached_answer answer;
    time_point kept_at;
    std::size_t bytes = 0;
  };
  using entries = std::list<entry>;  // the latest used in front

  [[nodiscard]] std::shared_ptr<answer_keeper> keeper() const;
  [[nodiscard]] cached_answer find_locked(std::string_view key, duration age_max, time_point now);
  void erase(entries::iterator at);

  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  entries used_;
  std::unordered_map<std::string_view, entries::iterator> by_key_;  // views into the entries
  std::unordered_map<std::string, std::vector<follower>> under_way_;
  response_cache_stats counted_;
  std::shared_ptr<answer_keeper> keeper_;
};

/// The leader's duty: ends its way for the followers, whatever becomes of the leader.
class cache_lead {
 public:
  /// For the leader of `key`.
  cache_lead(std::shared_ptr<response_cache> cache, std::string key)
      : cache_(std::move(cache)), key_(std::move(key)) {}
  ~cache_lead() { end({}); }
  cache_lead(const cache_lead&) = delete;
  cache_lead& operator=(const cache_lead&) = delete;
  /// The first time counts.
  void end(const response_cache::ending& how) {
    if (const auto cache = std::move(cache_)) cache->end(key_, how);
  }

 private:
  std::shared_ptr<response_cache> cache_;
  std::string key_;
};

}  // namespace graphbit
