#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <graphbit/actors/answer_store.hpp>
#include <graphbit/runtime/native_thread.hpp>

namespace graphbit {

/// The thread on which a response cache talks to its store: no reactor waits for a disk.
///
/// What is asked goes before what is to be kept; answers are kept in groups. Bounded: past
/// `lookups_max` the store counts as not knowing, past `bytes_queued_max` answers are not kept.
///
/// Lifecycle: the thread starts with the first work; the destructor keeps what is queued and joins.
/// Threads: any.
class answer_keeper {
 public:
  /// Called on the keeper's thread, or at once; without a value where nothing is known.
  using found = std::function<void(std::optional<answer_store::kept_answer>)>;
  static constexpr std::size_t lookups_max = 10'000;
  static constexpr std::size_t bytes_queued_max = 64u * 1024 * 1024;

  explicit answer_keeper(std::shared_ptr<answer_store> store) : store_(std::move(store)) {}
  ~answer_keeper();
  answer_keeper(const answer_keeper&) = delete;
  answer_keeper& operator=(const answer_keeper&) = delete;

  void find(std::string key, found then);
  /// `bytes`: about how much memory the answer takes.
  void keep(answer_store::new_answer answer, std::size_t bytes);

 private:
  struct lookup {
    std::string key;
    found then;
  };

  void start_locked();
  void thread_main();
  void answer(const lookup& asked);
  void write(const std::vector<answer_store::new_answer>& group);
  void tell_of(const error& why);

  const std::shared_ptr<answer_store> store_;
  native_thread thread_;
  std::string told_;  // the keeper's thread only: the failure that was logged last

  std::mutex mutex_;  // all below
  std::condition_variable work_came_;
  std::deque<lookup> lookups_;
  std::vector<answer_store::new_answer> to_keep_;
  std::size_t bytes_queued_ = 0;
  bool stopping_ = false;
};

}  // namespace graphbit
