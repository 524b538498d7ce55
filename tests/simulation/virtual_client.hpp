#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include <graphbit/actors/policy/adaptive_limit.hpp>
#include <graphbit/actors/policy/breaker.hpp>
#include <graphbit/actors/policy/hedge.hpp>
#include <graphbit/actors/policy/limiter.hpp>
#include <graphbit/actors/policy/percentiles.hpp>
#include <graphbit/actors/policy/retry.hpp>
#include <graphbit/actors/policy/retry_budget.hpp>
#include <graphbit/actors/policy/supervision.hpp>
#include <graphbit/runtime/error.hpp>

#include <simulation/event_queue.hpp>
#include <simulation/provider_model.hpp>
#include <simulation/referee.hpp>

namespace graphbit::sim {

struct client_settings {
  policy::limiter_settings limits{};
  policy::breaker_settings breaker{};
  policy::retry_settings retry{};
  policy::hedge_settings hedge{};
  policy::adaptive_limit_settings adaptive{};
  duration attempt_timeout = seconds(30);
  duration work_budget = seconds(300);
  bool learns = false;  ///< takes up the limits that answers name, and holds all calls at a 429
};

/// Who calls, how often, and with which wishes. Shares are of all calls.
struct workload {
  std::uint32_t calls = 1000;
  std::uint32_t concurrency = 16;        ///< so many callers, each with one call at a time
  duration think_max = milliseconds(5);  ///< between a caller's calls
  double batch_share = 0;
  double cancelled_share = 0;
  double deadline_share = 0;
  duration deadline_max = seconds(20);
  std::uint32_t flows = 0;  ///< callers belong to so many executors
  std::uint32_t flow_in_flight_max = 0;
  std::uint64_t tokens_max = 0;   ///< per call
  duration pause_max{0};          ///< how long a call may be parked in an outage
  double crashes_per_minute = 0;  ///< of the client and of the breaker
};

enum class call_end : std::uint8_t {
  succeeded,
  failed,
  timed_out,
  cancelled,
  rejected,      ///< by the open breaker
  rate_limited,  ///< the server's wait was too long
  crashed,       ///< the client's actor died
};
inline constexpr std::size_t call_ends = 7;

/// What a run came to.
struct client_report {
  std::array<std::uint64_t, call_ends> ends{};
  std::uint64_t attempts = 0, retries = 0, hedges = 0, openings = 0, restarts = 0, escalations = 0,
                events = 0;
  duration length{0};
  policy::percentiles latency;  ///< of calls that succeeded
  std::vector<duration> opened_at;
  std::vector<duration> closed_at;        ///< by a successful probe
  std::vector<duration> recovered_after;  ///< from the end of the open period to that
  std::vector<std::uint32_t> per_second;  ///< answers in each second

  [[nodiscard]] std::uint64_t count(call_end end) const {
    return ends[static_cast<std::size_t>(end)];
  }
  [[nodiscard]] std::uint64_t calls() const;
};

/// The request pipeline in virtual time: the same policies in the same order as the provider client
/// (retry > breaker > limiter > breaker > attempt, with hedging), its actors' supervision and
/// deaths, against a modelled provider, watched by a referee. One object, one run.
class virtual_client {
 public:
  virtual_client(client_settings settings, workload work, provider_model provider,
                 std::uint64_t seed);
  /// Runs all calls to their end. Throws `violation`.
  client_report run();
  [[nodiscard]] const provider_model& provider() const noexcept { return provider_; }

 private:
  enum class stage : std::uint8_t { idle, queued, waiting, out, ended };
  struct attempt {
    std::uint64_t serial = 0;  // 0: none is out
    policy::ticket ticket = 0;
    policy::attempt_id on_record = 0;
    std::uint32_t breaker_life = 0;
    time_point sent_at{};
    reply answer;
    attempt_facts facts;
  };
  struct call {
    stage at = stage::idle;
    time_point arrived_at{};
    std::uint64_t serial = 0;  // of the event it waits for
    policy::ticket ticket = 0;
    policy::limiter_request request;
    policy::retry_state retry;
    duration paused{0};
    attempt first, second;
  };

  void handle(const event& e);
  void arrive(std::uint32_t i);
  void pass_breaker(std::uint32_t i);
  void pass_limiter(std::uint32_t i);
  void granted(std::uint32_t i, policy::ticket ticket);
  void rejected(std::uint32_t i, duration retry_after);
  void send(std::uint32_t i, attempt& slot, policy::ticket ticket, bool probe);
  void hedge_due(std::uint32_t i);
  void attempt_ended(std::uint32_t i, std::uint64_t serial);
  void close_attempt(attempt& slot, policy::attempt_outcome outcome);
  void answered(std::uint32_t i, attempt& winner);
  void failed(std::uint32_t i, const error& failure);
  void give_up(std::uint32_t i, const error& failure, const policy::retry_decision& decision);
  [[nodiscard]] bool park(std::uint32_t i, duration wait);
  void wait_for(std::uint32_t i, duration wait);
  void end(std::uint32_t i, call_end how);
  void pump();
  void arm_limiter();
  void learn_from(const attempt& slot);

  void crash(std::uint32_t child);
  void breaker_dies();
  void client_dies();
  void escalate();
  void restart(std::uint32_t child);
  void schedule_crash();
  void plan(std::uint32_t i);
  [[nodiscard]] duration up_to(duration longest) {
    return duration(
        static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(longest.count()) + 1)));
  }

  client_settings settings_;
  workload work_;
  provider_model provider_;
  random_source random_;
  event_queue events_;
  time_point start_;
  policy::breaker breaker_;
  policy::limiter limiter_;
  policy::retry_budget budget_;
  policy::hedge hedge_;
  policy::adaptive_limit adaptive_;
  policy::supervision supervision_;
  referee referee_;
  client_report report_;

  std::vector<call> calls_;
  std::uint32_t started_ = 0, ended_ = 0;
  std::uint64_t serials_ = 0;
  std::uint64_t limiter_serial_ = 0;
  time_point limiter_due_ = never;
  std::uint32_t breaker_life_ = 0;
  bool client_down_ = false, supervisor_down_ = false;
  std::vector<std::uint32_t> mailbox_;    // calls that came while the client was down
  std::array<std::size_t, 2> waiting_{};  // by class
};

}  // namespace graphbit::sim
