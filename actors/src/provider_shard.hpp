#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include <graphbit/actors/policy/adaptive_limit.hpp>
#include <graphbit/actors/policy/hedge.hpp>
#include <graphbit/actors/policy/limiter.hpp>
#include <graphbit/actors/policy/percentiles.hpp>
#include <graphbit/actors/policy/retry.hpp>
#include <graphbit/actors/policy/retry_budget.hpp>
#include <graphbit/actors/policy/token_estimate.hpp>
#include <graphbit/actors/provider_client.hpp>
#include <graphbit/actors/response_cache.hpp>
#include <graphbit/net/http_client.hpp>
#include <graphbit/net/price_table.hpp>
#include <graphbit/net/wire_format.hpp>
#include <graphbit/runtime/metrics.hpp>
#include <graphbit/runtime/pinned_actor.hpp>
#include <graphbit/runtime/random.hpp>
#include <graphbit/runtime/tracer.hpp>

#include <graphbit/actors/pending_call.hpp>
#include "actor_slot.hpp"
#include "breaker_actor.hpp"
#include "call_metrics.hpp"
#include "limiter_actor.hpp"

namespace graphbit {

/// What all shards of one provider client count; written by the shard's thread, read by any.
struct shard_counters {
  std::atomic<std::uint64_t> calls{0}, succeeded{0}, failed{0}, cancelled{0}, rejected{0};
  std::atomic<std::uint64_t> attempts{0}, retries{0}, hedges{0}, hedges_won{0};
  std::atomic<std::uint64_t> cache_hits{0};
  std::atomic<std::uint64_t> in_flight{0}, waiting{0};
  std::atomic<std::uint32_t> in_flight_max{0};
  std::atomic<breaker_state> breaker{breaker_state::closed};
  std::atomic<std::uint32_t> breaker_failures{0};

  [[nodiscard]] provider_client_stats read() const {
    provider_client_stats s;
    s.calls = calls;
    s.succeeded = succeeded;
    s.failed = failed;
    s.cancelled = cancelled;
    s.rejected = rejected;
    s.attempts = attempts;
    s.retries = retries;
    s.hedges = hedges;
    s.hedges_won = hedges_won;
    s.cache_hits = cache_hits;
    s.in_flight = in_flight;
    s.waiting = waiting;
    s.in_flight_max = in_flight_max;
    return s;
  }
};

/// What a shard adds up over its calls. Its thread's own.
struct shard_totals {
  policy::percentiles latencies;  ///< of calls that succeeded
  std::uint64_t input_tokens = 0, output_tokens = 0;
  double cost = 0;

  void add(const shard_totals& other) {
    latencies.add(other.latencies);
    input_tokens += other.input_tokens;
    output_tokens += other.output_tokens;
    cost += other.cost;
  }
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
/// The same endpoint for another model of it.
[[nodiscard]] expected<std::shared_ptr<const provider_endpoint>> endpoint_of_model(
    const provider_endpoint& endpoint, std::string model);

/// What a call with `never_wait` gets where others wait.
[[nodiscard]] error would_wait(std::string resource_type, const std::string& why);

/// The request pipeline of one provider client on one reactor:
/// deadline > retry (one loop, one budget) > breaker gate > limiter > breaker again > one attempt,
/// and beside a slow attempt its hedge.
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
    std::shared_ptr<price_book> prices;
    std::shared_ptr<metrics_registry> metrics;
    std::shared_ptr<graphbit::tracer> tracer;
    bool limits_are_shared = false;         // with other processes
    std::shared_ptr<response_cache> cache;  // null: the configuration wants none
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
  [[nodiscard]] const shard_totals& totals() const { return totals_; }

  void breaker_turned(const policy::breaker_snapshot& now);
  void probe_answered(std::uint64_t call_id, const policy::admission& admission);
  void shared(const limiter_share& share);
  /// Ends what is in flight beyond the share.
  void cut();
  /// The equal call that this one waited for has ended.
  void leader_ended(std::uint64_t call_id, const response_cache::ending& how);
  /// What the store behind the cache knew of this call.
  void looked_up(std::uint64_t call_id, const std::optional<answer_store::kept_answer>& known);
  /// Another shard was told by the provider to come back no sooner.
  void held(const limiter_hold& hold);
  void lifted(const limiter_lift& lift);
  /// The breaker or the limiter died: joins its next incarnation once its supervisor has made it.
  void peer_down(const caf::actor_addr& peer);
  void rejoin();
  [[nodiscard]] bool joined() const {
    return breaker_actor_ == setup_.breaker->get() && limiter_actor_ == setup_.limiter->get();
  }

 private:
  class live_call;
  class attempt;
  struct alarm {
    time_point at;
    std::uint64_t call_id;
    bool operator>(const alarm& other) const noexcept { return at > other.at; }
  };

  // The stages, in the order of the pipeline.
  [[nodiscard]] bool answered_by_cache(live_call& call);
  [[nodiscard]] bool looks_up(live_call& call);
  [[nodiscard]] std::string cache_key(const live_call& call) const;
  void answer_from_cache(live_call& call, const cached_answer& known);
  template <class Response>
  void make_known(live_call& call, const Response& response);
  void pass_breaker(live_call& call);
  void pass_limiter(live_call& call);
  void granted(live_call& call);

  // What is measured and traced (provider_telemetry.cpp).
  void begin_wait(live_call& call, time_point now);
  void end_wait(live_call& call, time_point now);
  void answer_came(live_call& call, time_point now);
  void text_timed(live_call& call);
  void begin_trace(live_call& call);
  [[nodiscard]] std::string trace_header(const live_call& call) const;
  template <class Response>
  void tell_success(const live_call& call, const Response& response, time_point now);
  void tell_failure(const live_call& call, const error& e);
  void tell_attempt(const attempt& a, const error* failure);
  void log_attempt(const live_call& call, const error& e, std::string_view then) const;

  // Attempts (provider_attempts.cpp).
  void send(live_call& call, bool probe);
  void send_hedge(live_call& call);
  void attempt_due(live_call& call);
  [[nodiscard]] expected<http_request> encode(const live_call& call, bool hedge) const;
  void transmit(std::unique_ptr<attempt>& place, live_call& call, policy::ticket ticket,
                http_request request, bool probe);
  [[nodiscard]] http_timeouts timeouts_of(const live_call& call) const;
  void text_came(attempt& a);
  void attempt_ended(attempt& a, expected<http_response> result);
  void decode(attempt& a, http_response response);
  void wait_for_job(attempt& a, follow_up next);
  void ask_for_job(attempt& a);
  void won(attempt& a);
  void failed_attempt(attempt& a, error e);
  void retry_or_give_up(live_call& call, error e);
  void drop(std::unique_ptr<attempt>& loser);
  void close(attempt& a, policy::attempt_outcome outcome, policy::limit_signal signal,
             std::optional<std::uint64_t> tokens = {});
  template <class Response>
  void succeeded(attempt& a, Response response, const http_headers& headers);
  void learn(const attempt& a, const http_headers& headers);
  void was_refused(const attempt& a, const error& refusal);
  void was_answered(const attempt& a);
  void report_start(attempt& a);
  void report_end(attempt& a, policy::attempt_outcome outcome);

  // Requests of the wire's own, beside any call (provider_side_requests.cpp).
  using side_answer = std::function<void(expected<http_response>)>;
  [[nodiscard]] http_timeouts side_timeouts() const;
  void ask_aside(const provider_endpoint& endpoint, side_request request, side_answer then);
  void load_model(bool may_mend, std::function<void(expected<void>)> done);
  [[nodiscard]] bool mend(live_call& call, const error& refusal);
  void mended(const std::string& remedy, const expected<http_response>& result);

  [[nodiscard]] std::optional<error> refused_by_budget(const live_call& call);
  [[nodiscard]] const std::optional<model_price>& price_of(const live_call& call);
  template <class Response>
  void finish(live_call& call, Response response);
  void finish_with(live_call& call, error e);
  void crashed(std::uint64_t call_id, const char* what);

  void rejected_by_breaker(live_call& call, duration retry_after);
  [[nodiscard]] bool park(live_call& call, duration wait);
  void wait_until(live_call& call, time_point at);
  void release_ticket(live_call& call);
  void adapt_in_flight();
  void flush_report();
  void pump();
  void arm();
  void rang();
  [[nodiscard]] bool swept(time_point now);
  [[nodiscard]] policy::limiter_settings wanted_limits() const;
  [[nodiscard]] policy::limiter_request needs_of(const live_call& call) const;
  [[nodiscard]] error closed_by_deadline(const live_call& call) const;
  [[nodiscard]] expected<std::shared_ptr<const provider_endpoint>> endpoint_for(
      const pending_call& p);
  // One writer per counter: no locked instruction is needed.
  static void count(std::atomic<std::uint64_t>& counter, std::int64_t change = 1) {
    counter.store(counter.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(change),
                  std::memory_order_relaxed);
  }

  pinned_actor& self_;
  setup setup_;
  call_metrics metrics_;
  shard_totals totals_;
  caf::actor breaker_actor_;
  caf::actor limiter_actor_;
  http_client http_;
  policy::limiter limiter_;
  policy::retry_budget budget_;
  policy::token_estimate estimate_;
  policy::adaptive_limit adaptive_;
  std::uint32_t in_flight_share_ = 0;    // of the limit that was set; 0: none
  std::array<policy::hedge, 3> hedges_;  // of whole answers, streams, embeddings
  random_source random_ = random_source::from_system();
  policy::breaker_snapshot breaker_;
  bool only_shard_ = true;  // of its key and model: it may learn by itself

  std::unordered_map<std::uint64_t, std::unique_ptr<live_call>> calls_;
  std::unordered_map<std::string, std::shared_ptr<const provider_endpoint>> other_models_;
  std::unordered_map<std::string, std::vector<std::uint64_t>> mending_;  // remedy to waiting calls
  std::priority_queue<alarm, std::vector<alarm>, std::greater<>> alarms_;
  boost::asio::steady_timer timer_;
  time_point timer_at_ = never;
  breaker_report_ptr report_;
  // What was looked up last: nearly every call is of one model.
  struct {
    std::shared_ptr<const price_table> table;
    std::string model;
    std::optional<model_price> price;
  } known_price_;
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

/// To the shard of a call that waited for an equal one.
struct leader_end {
  std::uint64_t call = 0;
  response_cache::ending how;
};

/// To the shard of a call that was looked up in the store behind the cache.
struct lookup_end {
  std::uint64_t call = 0;
  std::optional<answer_store::kept_answer> known;
};

/// Work for the shard's thread that needs the shard itself.
struct shard_task {
  std::function<void(provider_shard&)> run;
};

/// The provider client actor: the shell around one shard.
caf::behavior serve_provider(provider_client_actor* self, const provider_shard::setup& setup);

}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::leader_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::lookup_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::shard_task)
