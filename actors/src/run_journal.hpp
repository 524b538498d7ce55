#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <graphbit/runtime/caf.hpp>

#include "src/journal_writer.hpp"
#include "src/record_json.hpp"
#include "src/run_replay.hpp"

namespace graphbit {

/// One durable run as its actors see it: what is recorded already, and where to record more.
///
/// Lifecycle: made by `durable_runs` for each lease of a run; shared by the run's actors and the
/// writer. Without a writer it can only be read: a run that has ended is looked at. Threads:
/// recording and `attach` from the run's reactor; `tell` and what is said of a loss from the
/// writer's; `is_lost`, `renewed` and `may_ask` from any.
class run_journal : public std::enable_shared_from_this<run_journal> {
 public:
  run_journal(std::shared_ptr<journal_writer> writer, held_run run, run_replay replay)
      : writer_(std::move(writer)), held_(std::move(run)), replay_(std::move(replay)) {}

  [[nodiscard]] const held_run& held() const noexcept { return held_; }
  [[nodiscard]] const run_replay& replay() const noexcept { return replay_; }

  void add(journal_kind kind, std::string key, std::string body = {});
  /// Why a node was not run; once per run, however often that is found out again.
  void add_skipped(const std::string& key, const std::string& why);
  /// Calls `f` on the writer's thread once all that was added so far is durable, or never can be.
  void when_recorded(journal_writer::done f);
  /// Gives the lease up together with the last record; `f` as above.
  void leave(run_change change, std::optional<journal_record> last, journal_writer::done f);
  /// The same for the same call of this run, however often it is made.
  [[nodiscard]] std::string call_name(const std::string& key) const;

  /// The run's actor is there: it gets what came before it, and from now on all messages.
  void attach(caf::actor run);
  /// Sends a message to the run's actor, now or once it is there.
  template <class Message>
  void tell(Message message) {
    ++told_;
    send([m = std::move(message)](const caf::actor& run) { caf::anon_send(run, m); });
  }
  /// How many were told.
  [[nodiscard]] std::uint64_t told() const noexcept { return told_; }
  /// Like `tell`, for what needs no counting: it ends the run.
  void send(std::function<void(const caf::actor& run)> message);

  /// The lease holds until then, as far as is known here.
  void renewed(time_point until) noexcept { held_until_ = until; }
  /// False: nothing more may be asked for this run until its lease is renewed. Who was asleep for
  /// long finds out here, before the store can tell it that another has the run.
  [[nodiscard]] bool may_ask() const noexcept { return steady_clock::now() < held_until_.load(); }

  /// Why the run is held no more.
  [[nodiscard]] const std::optional<error>& lost_by() const noexcept { return lost_by_; }
  void set_lost(const error& why) {
    lost_by_ = why;
    is_lost_ = true;
  }
  [[nodiscard]] bool is_lost() const noexcept { return is_lost_; }

 private:
  std::shared_ptr<journal_writer> writer_;
  held_run held_;
  run_replay replay_;
  std::uint64_t told_ = 0;
  std::optional<error> lost_by_;
  std::atomic<bool> is_lost_{false};
  std::atomic<time_point> held_until_{time_point{}};

  std::mutex mutex_;
  caf::actor actor_;
  std::vector<std::function<void(const caf::actor&)>> early_;  // before the actor was there
};

}  // namespace graphbit
