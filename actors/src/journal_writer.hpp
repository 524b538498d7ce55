#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <graphbit/actors/run_store.hpp>
#include <graphbit/runtime/native_thread.hpp>

namespace graphbit {

class run_journal;

/// The thread on which one executor talks to its store: no reactor ever waits for a disk.
///
/// Problem: a transaction per record would cost a disk's flush each. Records are written in groups:
/// at most 20 ms or 500 rows wait for one another, and nothing waits once somebody asks to hear of
/// it. A store out of reach is tried again for `patience`; what it refuses for good breaks the runs
/// that are held: they stop, they never go on unrecorded.
///
/// Lifecycle: `start`, `finish`, `stop`. Threads: `add` and `post` from
/// any; everything handed in is called on the writer's thread.
class journal_writer {
 public:
  using done = std::function<void(const expected<void>&)>;
  /// One thing to write: a record, what becomes of the run with it, who wants to know.
  struct entry {
    std::shared_ptr<run_journal> run;
    std::optional<journal_record> record{};
    std::optional<run_change> change{};
    done told{};
  };
  struct hooks {
    /// About every `tick_period`.
    std::function<void()> tick;
    /// The run is not held any more, against its will: fenced, or the store is broken.
    std::function<void(const std::shared_ptr<run_journal>&, const error&)> lost;
    /// The last thing the thread does; who joins it is to do so elsewhere.
    std::function<void()> ended{};
  };
  static constexpr auto tick_period = milliseconds{250};
  static constexpr auto patience = seconds{30};

  journal_writer(std::shared_ptr<run_store> store, hooks h)
      : store_(std::move(store)), hooks_(std::move(h)) {}
  ~journal_writer();

  void start();
  /// The thread ends once all is written. Any thread.
  void finish();
  /// Waits until it has; after `patience` it is told to finish. Any thread but the writer's.
  void stop(milliseconds patience = milliseconds{0});
  [[nodiscard]] bool ended() const;

  /// After `stop`, or for a run that is lost, `told` hears so at once.
  void add(entry e);
  /// False: the writer has stopped, `task` will not run.
  bool post(std::function<void()> task);

  // The writer's thread only.
  void hold(const std::shared_ptr<run_journal>& run);
  void lose(const std::shared_ptr<run_journal>& run, const error& why);
  [[nodiscard]] const std::unordered_map<std::string, std::shared_ptr<run_journal>>& held() const {
    return held_;
  }
  [[nodiscard]] run_store& store() noexcept { return *store_; }
  /// The store may do it when it is asked again: it is out of reach, or somebody holds its lock.
  [[nodiscard]] static bool may_pass(const error& e);
  /// The same run is held by another lease now.
  [[nodiscard]] static error fenced(const std::string& run_id);

 private:
  using group = std::vector<entry>;

  void thread_main();
  void wait_for_work(std::unique_lock<std::mutex>& guard);
  void write(group entries);
  [[nodiscard]] std::vector<run_append> appends_of(const group& entries) const;
  [[nodiscard]] bool try_write(group& entries);
  void drop_fenced(const std::vector<run_append>& appends,
                   const std::vector<append_result>& results);
  void settle(group& entries);
  void break_all(group& entries, const error& cause);
  [[nodiscard]] time_point next_wake() const;

  std::shared_ptr<run_store> store_;
  hooks hooks_;
  native_thread thread_;

  // The writer's thread only.
  std::unordered_map<std::string, std::shared_ptr<run_journal>> held_;
  group retrying_;  // could not be written yet: the store is out of reach
  time_point unreachable_since_ = never;
  time_point retry_at_ = never;
  time_point tick_at_{};

  mutable std::mutex mutex_;  // all below
  std::condition_variable work_came_, ended_;
  group entries_;
  std::deque<std::function<void()>> tasks_;
  time_point oldest_ = never;  // of the entries
  bool urgent_ = false;
  bool stopping_ = false;
  bool stopped_ = false;    // takes nothing more in
  bool has_ended_ = false;  // nor does anything more
};

}  // namespace graphbit
