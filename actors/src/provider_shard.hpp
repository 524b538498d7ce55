#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include <graphbit/actors/policy/limiter.hpp>
#include <graphbit/actors/policy/retry.hpp>
#include <graphbit/actors/policy/retry_budget.hpp>
#include <graphbit/actors/policy/token_estimate.hpp>
#include <graphbit/net/http_client.hpp>
#include <graphbit/net/wire_format.hpp>
#include <graphbit/runtime/pinned_actor.hpp>
#include <graphbit/runtime/random.hpp>

#include "actor_slot.hpp"
#include "breaker_actor.hpp"
#include "limiter_actor.hpp"
#include "pending_call.hpp"

namespace graphbit {

/// What all shards of one provider client count; written by the shard's thread, read by any.
struct shard_counters {
  std::atomic<std::uint64_t> calls{0}, succeeded{0}, failed{0}, cancelled{0}, rejected{0};
  std::atomic<std::uint64_t> attempts{0}, retries{0};
  std::atomic<std::uint64_t> in_flight{0}, waiting{0};
  std::atomic<breaker_state> breaker{breaker_state::closed};
  std::atomic<std::uint32_t> breaker_failures{0};
};

/// The configuration in the form that every attempt needs, made once.
struct provider_endpoint {
  provider_config config;
  const wire_format* wire = nullptr;
  url at;
  std::shared_ptr<const std::string> headers;
  std::shared_ptr<const std::string> chat_target, stream_target, embeddings_target;
};
[[nodiscard]] expected<std::shared_ptr<const provider_endpoint>> make_endpoint(
    provider_config config);

/// The request pipeline of one provider client on one reactor:
/// deadline > retry (one loop, one budget) > breaker gate > limiter > breaker again > one attempt.
///
/// Problem: many independent decisions (may I send? again? when?) about one call must have one
/// owner, or they multiply (a retry per layer) and contradict each other. Every call here is in
/// exactly one stage at a time, and every stage has a way out: an answer, a deadline, a cancel.
///
/// Lifecycle: owned by the provider client actor of its reactor; all members are called on that
/// reactor's thread. The destructor answers everything that is still pending.
class provider_shard {
 public:
  struct setup {
    std::shared_ptr<const provider_endpoint> endpoint;
    std::shared_ptr<const actor_slot> breaker;
    std::shared_ptr<const actor_slot> limiter;
    std::shared_ptr<shard_counters> counters;
  };

  provider_shard(pinned_actor& self, setup s);
  ~provider_shard();
  provider_shard(const provider_shard&) = delete;
  provider_shard& operator=(const provider_shard&) = delete;

  void submit(pending_call_ptr call);
  void cancel(std::uint64_t call_id);
  void resume_stream(std::uint64_t call_id);
  void warm_up(std::function<void(expected<void>)> done);
  [[nodiscard]] http_pool_stats pool_stats() const { return http_.stats(); }

  void breaker_turned(const policy::breaker_snapshot& now);
  void probe_answered(std::uint64_t call_id, const policy::admission& admission);
  void shared(const limiter_share& share);
  /// Another shard was told by the provider to come back no sooner.
  void hold_until(time_point until);
  /// The breaker or the limiter died: joins its next incarnation once its supervisor has made it.
  void peer_down(const caf::actor_addr& peer);
  void rejoin();
  [[nodiscard]] bool joined() const {
    return breaker_actor_ == setup_.breaker->get() && limiter_actor_ == setup_.limiter->get();
  }

 private:
  class live_call;
  friend class live_call;
  struct alarm {
    time_point at;
    std::uint64_t call_id;
    bool operator>(const alarm& other) const noexcept { return at > other.at; }
  };

  // The stages, in the order of the pipeline.
  void pass_breaker(live_call& call);
  void pass_limiter(live_call& call);
  void granted(live_call& call);
  void send(live_call& call);
  void attempt_ended(live_call& call, expected<http_response> result);
  void decode(live_call& call, http_response response);
  void failed_attempt(live_call& call, error e);

  template <class Response>
  void succeeded(live_call& call, Response response, const http_headers& headers);
  void finish_with(live_call& call, error e);
  void crashed(std::uint64_t call_id, const char* what);

  void learn(const live_call& call, const http_headers& headers);
  void hold_for(const error& refusal);
  void rejected_by_breaker(live_call& call, duration retry_after);
  [[nodiscard]] bool park(live_call& call, duration wait);
  void wait_until(live_call& call, time_point at);
  void release_slot(live_call& call, std::optional<std::uint64_t> tokens);
  void report_start(live_call& call);
  void report_end(live_call& call, policy::attempt_outcome outcome);
  void flush_report();
  void pump();
  void arm();
  void rang();
  [[nodiscard]] bool swept(time_point now);
  [[nodiscard]] policy::limiter_settings wanted_limits() const;
  [[nodiscard]] error closed_by_deadline(const live_call& call) const;

  pinned_actor& self_;
  setup setup_;
  caf::actor breaker_actor_;
  caf::actor limiter_actor_;
  http_client http_;
  policy::limiter limiter_;
  policy::retry_budget budget_;
  policy::token_estimate estimate_;
  random_source random_ = random_source::from_system();
  policy::breaker_snapshot breaker_;
  bool only_shard_ = true;  // of its key and model: it may learn by itself

  std::unordered_map<std::uint64_t, std::unique_ptr<live_call>> calls_;
  std::priority_queue<alarm, std::vector<alarm>, std::greater<>> alarms_;
  boost::asio::steady_timer timer_;
  time_point timer_at_ = never;
  breaker_report_ptr report_;
  std::uint64_t attempts_ = 0;
  bool sweeping_ = false;
  bool pumping_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

using submit_atom = caf::atom_constant<caf::atom("submit")>;
using cancel_atom = caf::atom_constant<caf::atom("cancel")>;
using resume_atom = caf::atom_constant<caf::atom("resume")>;
using rejoin_atom = caf::atom_constant<caf::atom("rejoin")>;
using run_atom = caf::atom_constant<caf::atom("run")>;

struct provider_client_state {
  static inline const char* name = "provider client";
  std::unique_ptr<provider_shard> shard;
};
using provider_client_actor = caf::stateful_actor<provider_client_state, pinned_actor>;

/// Work for the shard's thread that needs the shard itself.
struct shard_task {
  std::function<void(provider_shard&)> run;
};

/// The provider client actor: the shell around one shard.
caf::behavior serve_provider(provider_client_actor* self, const provider_shard::setup& setup);

}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::shard_task)
