#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <graphbit/actors/executor.hpp>
#include <graphbit/runtime/metrics.hpp>

#include "src/journal_writer.hpp"
#include "src/run_actor.hpp"
#include "src/run_replay.hpp"

namespace graphbit {

/// How a run of a store is to be gone on with.
enum class durable_wish : std::uint8_t {
  execute,  ///< begin it, or go on; of a run that failed, with what the world outside made fail
  resume,   ///< go on with one that is there, also when it ended without success
  retry,    ///< the same, and with nodes that failed in a run that completed
  fork,     ///< begin another run from the records of one
};

/// One run of a store, as its caller asks for it.
struct durable_request {
  durable_wish wish = durable_wish::execute;
  std::shared_ptr<const workflow> flow;  ///< null: the stored one
  std::shared_ptr<const run_plan> plan;  ///< of the flow; null: not made yet
  run_options options;
  fork_options fork{};  ///< `options.run_id` is the run that is forked
  reactor* home = nullptr;
  run_done done;  ///< on `home`
};

/// What durable runs need of their executor. Any thread.
struct durable_hooks {
  /// Makes the setup of a run, and opens its backends.
  std::function<expected<run_setup>(std::shared_ptr<const run_plan>, const run_options&)> prepare;
  /// Starts it, or queues it; `done` hears of its end unless it parks. False: the queue is full.
  std::function<bool(run_setup, reactor& home, run_done done)> launch;
  std::string about_json;  ///< what an executor must have in common with another to adopt its runs
  std::function<void()> ended{};  ///< on the journal's thread, as the last thing there
};

/// The durable runs of one executor: begins, continues, adopts and revives them, and keeps those
/// who wait for their results.
///
/// Problem: a run may change hands, park for days and outlive every actor, while its callers hold
/// on to nothing but its name. Here a run is its row in the store; an actor exists only while there
/// is work. What is done to a run is decided on one thread, the journal writer's.
///
/// Lifecycle: `open`; `close` hands over what is at work and writes what is left; `join`. Threads:
/// the public members may be called from any; the rest is the writer's.
class durable_runs : public std::enable_shared_from_this<durable_runs> {
 public:
  durable_runs(runtime& rt, const executor_options& options, durable_hooks hooks);
  ~durable_runs() = default;

  void open() { writer_.start(); }
  /// Returns at once; the thread ends when all runs are handed over.
  void close();
  /// Waits for that, at most `patience`. Not from a reactor or the writer.
  void join(milliseconds patience);
  [[nodiscard]] bool ended() const { return writer_.ended(); }

  void start(durable_request request);
  /// Looks at messages and due runs now, instead of within the second.
  void look();
  void cancel(const std::string& run_id);
  [[nodiscard]] const std::shared_ptr<run_store>& store() const noexcept { return store_; }
  /// The store's size as it was within the last minute; nothing yet: not known.
  [[nodiscard]] std::optional<store_size> last_size() const {
    const std::lock_guard guard(size_mutex_);
    return size_;
  }

 private:
  using request_ptr = std::shared_ptr<durable_request>;
  struct waiter {
    std::uint64_t number = 0;
    request_ptr request;
    std::unique_ptr<std::stop_callback<std::function<void()>>> on_stop;
  };
  struct known_run {
    std::shared_ptr<run_journal> journal;  // null: parked, or at work elsewhere
    std::string graph_hash;
    bool stopping = false;  // its last waiter has gone
    std::vector<waiter> waiters;
  };
  struct later_request {
    request_ptr request;
    time_point again_at, give_up_at;
  };
  struct new_request {
    request_ptr request;
    time_point give_up_at;
  };

  // Beginning: durable_begin.cpp.
  void begin(const request_ptr& request, time_point give_up_at);
  [[nodiscard]] bool attach(const request_ptr& request);
  void begin_together();
  void begin_group(std::vector<new_request> group);
  [[nodiscard]] run_to_begin row_of(const durable_request& request);
  /// `claimed`: what the store said.
  void begun(const new_request& next, expected<claimed_run> claimed);
  /// Claims a run that is there; what it gives for the rule `due` may be nothing.
  [[nodiscard]] expected<std::optional<claimed_run>> claim(const std::string& run_id,
                                                           claim_rule rule,
                                                           const std::string& gone = {});
  void begin_again_later(const request_ptr& request, const error& why, time_point give_up_at);
  // durable_fork.cpp
  void begin_fork(const request_ptr& request);
  struct forked_run {
    std::shared_ptr<const workflow> flow;
    claimed_run claimed;
  };
  [[nodiscard]] expected<forked_run> forked(const durable_request& request);
  [[nodiscard]] expected<claimed_run> begin_forked(const durable_request& request,
                                                   const stored_run& source,
                                                   const std::shared_ptr<const workflow>& flow);
  void begin_ended(const request_ptr& request, const claimed_run& claimed);
  void begin_claimed(const request_ptr& request, const claimed_run& claimed);
  struct run_basis {
    run_setup setup;
    std::string mapped;  // the workflow that takes the place of the run's own; empty: none does
  };
  [[nodiscard]] expected<run_basis> basis_of(const durable_request& request,
                                             const claimed_run& claimed, const run_replay& replay);
  [[nodiscard]] expected<std::string> mapped_text(const durable_request& request,
                                                  const claimed_run& claimed,
                                                  const run_replay& replay);
  void set_going(const request_ptr& request, run_setup setup,
                 const std::shared_ptr<run_journal>& journal);
  void queue_is_full(const request_ptr& request, const std::shared_ptr<run_journal>& journal);
  [[nodiscard]] bool goes_on(const durable_request& request, const stored_run& run) const;
  void show(const request_ptr& request, const claimed_run& claimed);
  void cancel_now(const request_ptr& request, claimed_run claimed);
  void give_back(const claimed_run& claimed);
  void refuse(const request_ptr& request, const error& why);
  [[nodiscard]] expected<std::shared_ptr<const workflow>> stored_flow(const claimed_run& claimed,
                                                                      const run_replay& replay);
  struct known_flow {
    std::shared_ptr<const workflow> flow;
    std::string hash;
    std::string json;
  };
  /// The workflow with its hash and text, made once; remembered for runs that are adopted. The
  /// reference holds until the next call.
  const known_flow& learn(const std::shared_ptr<const workflow>& flow);

  // While they run.
  void add_waiter(const std::string& run_id, const request_ptr& request);
  void waiter_stopped(const std::string& run_id, std::uint64_t number);
  void answer(const request_ptr& request, const run_result& result) const;
  void answer_all(known_run& run, const run_result& result) const;
  void run_ended(const std::string& run_id, const run_result& result);
  void run_parked(const std::shared_ptr<run_journal>& run, wall_time until, std::uint64_t heard);
  void run_lost(const std::shared_ptr<run_journal>& run, const error& why);

  // Every now and then.
  void tick();
  void begin_later(time_point now);
  void renew();
  void heed(const run_message& message);
  void adopt_due();
  [[nodiscard]] bool may_adopt(const stored_run& run);
  void revive(const stored_run& run, claim_rule rule);
  void look_after_waiters(time_point now);
  void look_for_ends_elsewhere(time_point now);
  void prune();
  void measure();
  void end_if_closed();

  runtime& rt_;
  std::shared_ptr<run_store> store_;
  durable_hooks hooks_;
  const bool adopt_;
  const retention keep_;
  const run_lease lease_;

  // The writer's thread only.
  std::unordered_map<std::string, known_run> runs_;  // at work here, or waited for
  std::vector<new_request> new_;                     // to be begun in one transaction
  std::deque<later_request> later_;                  // another still holds the run
  std::deque<known_flow> flows_;                     // the oldest first
  std::map<std::string, time_point> not_ours_;  // cannot be adopted here; until then not looked at
  time_point claimed_at_{};             // the last claim was asked for: leases hold from then on
  std::string due_after_, ends_after_;  // the last that was looked at
  std::uint64_t next_waiter_ = 1;
  time_point renew_at_{}, adopt_at_{}, waiters_at_{}, prune_at_{}, measure_at_{};
  bool closing_ = false;

  mutable std::mutex size_mutex_;
  std::optional<store_size> size_;  // guarded by size_mutex_

  journal_writer writer_;  // last: its thread ends first
};

/// The journals of a runtime. A runtime service: those that are still open are closed with it, the
/// others let go of their stores when they have ended. Tells the metrics how large their stores
/// are, each store once.
class journal_service {
 public:
  explicit journal_service(runtime& rt);
  ~journal_service();
  [[nodiscard]] std::shared_ptr<durable_runs> make(runtime& rt, const executor_options& options,
                                                   durable_hooks hooks);

 private:
  /// Those that have not ended. Any thread.
  class book {
   public:
    void add(std::shared_ptr<durable_runs> runs) {
      const std::lock_guard guard(mutex_);
      runs_.push_back(std::move(runs));
    }
    /// False: somebody else has taken it.
    bool take(const std::shared_ptr<durable_runs>& runs) {
      const std::lock_guard guard(mutex_);
      return std::erase(runs_, runs) != 0;
    }
    std::vector<std::shared_ptr<durable_runs>> take_all() {
      const std::lock_guard guard(mutex_);
      return std::exchange(runs_, {});
    }
    std::vector<std::shared_ptr<durable_runs>> all() const {
      const std::lock_guard guard(mutex_);
      return runs_;
    }

   private:
    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<durable_runs>> runs_;
  };
  void collect(metrics_page& page) const;

  std::shared_ptr<book> kept_ = std::make_shared<book>();
  std::shared_ptr<metrics_registry> registry_;
  std::shared_ptr<void> collector_;
};

}  // namespace graphbit
