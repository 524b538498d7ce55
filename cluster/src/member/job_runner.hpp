#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include <graphbit/actors/callable.hpp>
#include <graphbit/actors/provider_client.hpp>

#include "src/member/owner_limits.hpp"
#include "src/peer/inbox.hpp"
#include "src/policy/member_core.hpp"

namespace graphbit::cluster {

/// What happened to a job, told to the member's actor.
struct job_ended {
  job_id job = 0;
  work_result result;
};
struct job_text {
  job_id job = 0;
  std::vector<std::string> pieces;
};
struct job_restarted {
  job_id job = 0;
};
/// For the owner of that name.
struct job_limit_question {
  std::string owner;
  limit_question_ptr question;
};
using job_event = std::variant<job_ended, job_text, job_restarted, job_limit_question>;

/// Where jobs' events are put, and who is woken for them. Any thread.
class job_events {
 public:
  explicit job_events(std::function<void()> wake) : wake_(std::move(wake)) {}
  void put(job_event event) {
    if (inbox_.push(std::move(event))) wake_();
  }
  [[nodiscard]] std::vector<job_event> take() { return inbox_.take(); }

 private:
  inbox<job_event> inbox_;
  std::function<void()> wake_;
};

/// Carries jobs out with this process's means: model calls by its provider clients, functions on
/// its blocking pool. Every started job ends by one `job_ended`. One thread at a time.
class job_runner {
 public:
  job_runner(runtime& rt, std::vector<callable> callables, std::shared_ptr<job_events> events);

  /// `limits`: who divides the configuration's limits; null: as `share_limits` says.
  void start(job_id job, const work_item& item, const configuration* config,
             const std::shared_ptr<limit_authority>& limits);
  /// Cancels a model call; a function runs to its end.
  void stop(job_id job);
  void resume(job_id job);
  /// The job has ended.
  void forget(job_id job);
  /// Sets whether a stream's reader is behind: the next text pauses it.
  void set_paused(job_id job, bool paused);

 private:
  struct running_call {
    provider_client client;
    std::uint64_t call = 0;
    std::shared_ptr<std::atomic<bool>> paused;
  };
  void call_model(job_id job, const work_item& item, const configuration& config,
                  const std::shared_ptr<limit_authority>& limits);
  void call_function(job_id job, const function_call& call);

  runtime& rt_;
  // Shared with the blocking pool: a function goes on when its member's actor has died.
  std::map<std::string, std::shared_ptr<const callable>> callables_;
  std::shared_ptr<job_events> events_;
  std::unordered_map<job_id, running_call> calls_;
};

}  // namespace graphbit::cluster
