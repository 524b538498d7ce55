#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <unordered_map>
#include <vector>

#include <graphbit/runtime/pinned_actor.hpp>

#include "src/executor_ledger.hpp"
#include "src/run_actor.hpp"

namespace graphbit {

/// One run on its way through an executor. If it is lost before it starts (its executor died or was
/// closed), its destructor still gives an answer.
class run_request {
 public:
  run_request(std::uint64_t number, run_setup setup, reactor& home,
              std::shared_ptr<executor_ledger> ledger, run_done done);
  ~run_request();
  run_request(const run_request&) = delete;
  run_request& operator=(const run_request&) = delete;

  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] const std::string& run_id() const noexcept { return run_id_; }
  /// Once: the run's time begins and its actor is spawned.
  [[nodiscard]] caf::actor start();
  /// Answers a run that has not started. `why` says cancelled or what went wrong.
  void refuse(error why) noexcept;
  /// Told to the run once it has started.
  void add_signal(signal_came s) { signals_.push_back(std::move(s)); }
  /// Calls `f` when the caller's token is stopped, as long as this request lives.
  void on_stop(const std::stop_token& token, std::function<void()> f);
  /// True once that token was stopped; an executor that died may have missed it.
  [[nodiscard]] bool stop_requested() const noexcept { return token_.stop_requested(); }

  milliseconds timeout{0};
  time_point deadline_at = never;  ///< the caller's own
  std::string timeout_operation;

 private:
  std::uint64_t number_;
  std::string run_id_;
  run_setup setup_;
  reactor& home_;
  std::shared_ptr<executor_ledger> ledger_;
  std::vector<signal_came> signals_;
  run_done done_;  // empty once the run was started or refused
  std::stop_token token_;
  std::optional<std::stop_callback<std::function<void()>>> stop_;
};

/// To an executor's actor.
struct accept_run {
  std::shared_ptr<run_request> request;
};
struct cancel_run {
  std::uint64_t number = 0;  ///< 0: those with `run_id`
  std::string run_id{};
};

/// The runs of one executor that are at work. Kept beside its actor, on the same reactor, so that
/// an actor that is restarted can still cancel and count them.
struct active_runs {
  struct entry {
    caf::actor actor;
    std::shared_ptr<run_request> request;  // holds the caller's stop callback
  };
  std::unordered_map<caf::actor_addr, entry> by_address;
};

struct signal_run {
  std::string run_id;
  signal_came signal;
};

struct executor_actor_state {
  static inline const char* name = "executor";
};
using executor_actor = caf::stateful_actor<executor_actor_state, pinned_actor>;

/// The actor behind an executor: starts runs up to the mode's number, queues the others in order,
/// and supervises them (one_for_one; a run is never restarted, because it could ask a provider
/// twice: its caller gets an error instead). An exit message cancels all runs, waits for them and
/// ends. Restarted by the root executor after a failure: runs at work go on, under the new actor;
/// those that waited were answered with an error.
caf::behavior supervise_runs(executor_actor* self, const std::shared_ptr<executor_ledger>& ledger,
                             const std::shared_ptr<active_runs>& active);

}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::accept_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::cancel_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::signal_run)
