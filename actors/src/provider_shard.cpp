#include "provider_shard.hpp"

#include <graphbit/actors/spending.hpp>
#include <graphbit/runtime/log.hpp>

#include "live_call.hpp"

namespace graphbit {

namespace {

constexpr std::size_t other_models_max = 64;  // more are made anew for each call

[[nodiscard]] std::string random_key(random_source& random) {
  std::string key(32, '0');
  for (std::size_t half = 0; half < 2; ++half) {
    auto bits = random.next();
    for (std::size_t i = 0; i < 16; ++i, bits >>= 4)
      key[half * 16 + i] = "0123456789abcdef"[bits & 15];
  }
  return key;
}

}  // namespace

error would_wait(std::string resource_type, const std::string& why) {
  return resource_error(std::move(resource_type),
                        why + ", and this call may not wait; try again later, or let it wait");
}

expected<std::shared_ptr<const provider_endpoint>> make_endpoint(provider_config config) {
  auto resolved_config = resolve(std::move(config));
  if (!resolved_config) return fail(resolved_config.error());
  auto endpoint = std::make_shared<provider_endpoint>();
  endpoint->config = std::move(*resolved_config);
  const auto& c = endpoint->config;
  const auto* row = find_provider(c.provider);
  endpoint->wire = c.wire ? c.wire.get() : row != nullptr ? row->wire : nullptr;
  if (endpoint->wire == nullptr)
    return fail(configuration_error(
        "provider", "the wire of provider '" + c.provider + "' is not spoken by this version"));
  auto base = parse_url(c.base_url);
  if (!base) return fail(base.error());
  endpoint->at = std::move(*base);
  auto headers = endpoint->wire->headers(c);
  if (!headers) return fail(headers.error());
  endpoint->headers = std::make_shared<const std::string>(std::move(*headers));
  const std::string prefix = endpoint->at.target == "/" ? "" : endpoint->at.target;
  const auto target = [&](std::string path) {
    return std::make_shared<const std::string>(prefix + path);
  };
  endpoint->chat_target = target(endpoint->wire->chat_target(c, c.model, false));
  endpoint->stream_target = target(endpoint->wire->chat_target(c, c.model, true));
  endpoint->embeddings_target = target(endpoint->wire->embeddings_target(c));
  return endpoint;
}

expected<std::shared_ptr<const provider_endpoint>> endpoint_of_model(
    const provider_endpoint& endpoint, std::string model) {
  auto config = endpoint.config;
  config.model = std::move(model);
  for (const char* name : {"deployment_name", "version"}) config.parameters.erase(name);
  return make_endpoint(std::move(config));
}

provider_shard::provider_shard(pinned_actor& self, setup s)
    : self_(self),
      setup_(std::move(s)),
      metrics_(*setup_.metrics, setup_.endpoint->config, setup_.endpoint->at.at),
      http_(self.home(), setup_.endpoint->at.at, {.tls = setup_.endpoint->config.tls}),
      budget_(setup_.endpoint->config.max_in_flight.value_or(256)),
      adaptive_({.enabled = setup_.endpoint->config.adaptive_in_flight}),
      timer_(self.home().context()),
      report_(std::make_shared<breaker_report>()) {
  if (setup_.limits_are_shared)
    limiter_.configure_share(wanted_limits(), time_point{});  // nothing goes before there is one
  else
    limiter_.configure(wanted_limits());
  in_flight_share_ = wanted_limits().in_flight_max;
  adapt_in_flight();
  for (auto& h : hedges_) h.configure({.enabled = setup_.endpoint->config.hedge});
  rejoin();
}

provider_shard::~provider_shard() {
  *alive_ = false;
  for (auto& [id, call] : calls_) {
    for (const auto* a : {call->first.get(), call->second.get()})
      if (a != nullptr && a->exchange != 0) http_.cancel(a->exchange);
    self_.home().add_in_flight(-1);
  }
  count(setup_.counters->in_flight,
        -static_cast<std::int64_t>(setup_.counters->in_flight.load(std::memory_order_relaxed)));
  calls_.clear();  // each pending call answers itself
}

// --- calls come and go --------------------------------------------------------------------------

void provider_shard::submit(pending_call_ptr pending) {
  count(setup_.counters->calls);
  self_.home().add_in_flight(1);
  const auto id = pending->id;
  auto& slot = calls_[id];
  slot = std::make_unique<live_call>(setup_.endpoint->config, std::move(pending));
  auto& call = *slot;
  auto& p = *call.pending;
  call.meter = &metrics_.of(p.embedding() != nullptr, p.model());
  begin_trace(call);
  if (p.text_bytes() > limits::prompt_bytes_max)
    return finish_with(call,
                       resource_error("prompt_bytes", "the prompt has more than " +
                                                          std::to_string(limits::prompt_bytes_max) +
                                                          " bytes; split it into several calls"));
  auto endpoint = endpoint_for(p);
  if (!endpoint) return finish_with(call, std::move(endpoint.error()));
  call.endpoint = std::move(*endpoint);
  if (p.options.idempotency_key.empty()) p.options.idempotency_key = random_key(random_);
  if (p.options.stop.stop_possible()) {
    // Asked on whichever thread stops: it only sends a message here.
    call.on_stop = std::make_unique<std::stop_callback<std::function<void()>>>(
        p.options.stop, [handle = caf::actor_cast<caf::actor>(&self_), id] {
          caf::anon_send(handle, cancel_atom::value, id);
        });
  }
  if (p.options.deadline_at != never && steady_clock::now() >= p.options.deadline_at)
    return finish_with(call, closed_by_deadline(call));
  if (!answered_by_cache(call)) pass_breaker(call);
}

// A request may name another model than the configuration. What depends on the model (the path, a
// deployment, the form of the wire) comes from a configuration of that model.
expected<std::shared_ptr<const provider_endpoint>> provider_shard::endpoint_for(
    const pending_call& p) {
  const auto& own = setup_.endpoint;
  const std::string model(p.model());
  if (model.empty() || model == own->config.model) return own;
  const auto known = other_models_.find(model);
  if (known != other_models_.end()) return known->second;
  auto made = endpoint_of_model(*own, model);
  if (made && other_models_.size() < other_models_max) other_models_[model] = *made;
  return made;
}

void provider_shard::cancel(std::uint64_t call_id) {
  const auto found = calls_.find(call_id);
  if (found == calls_.end()) return;
  finish_with(*found->second, cancelled_error("request"));
}

void provider_shard::resume_stream(std::uint64_t call_id) {
  const auto found = calls_.find(call_id);
  if (found == calls_.end()) return;
  for (const auto* a : {found->second->first.get(), found->second->second.get()})
    if (a != nullptr && a->exchange != 0) http_.resume(a->exchange);
}

// --- gates --------------------------------------------------------------------------------------

void provider_shard::pass_breaker(live_call& call) {
  if (call.waits_since != time_point{}) end_wait(call, steady_clock::now());
  if (breaker_.state == breaker_state::open) {
    const auto now = steady_clock::now();
    if (now < breaker_.open_until) return rejected_by_breaker(call, breaker_.open_until - now);
  }
  pass_limiter(call);
}

policy::limiter_request provider_shard::needs_of(const live_call& call) const {
  const auto& p = *call.pending;
  policy::limiter_request request{.id = p.id,
                                  .priority = p.options.priority,
                                  .flow = p.options.flow,
                                  .flow_in_flight_max = p.options.flow_in_flight_max,
                                  .deadline_at = p.options.deadline_at};
  if (limiter_.limits().tokens_per_minute != 0)
    request.tokens =
        estimate_.estimate(p.text_bytes(), p.chat() != nullptr ? p.chat()->max_tokens
                                                               : std::optional<std::uint32_t>{});
  return request;
}

void provider_shard::pass_limiter(live_call& call) {
  const auto& p = *call.pending;
  const auto request = needs_of(call);
  const auto now = steady_clock::now();
  call.ticket = limiter_.try_acquire(request, now);
  if (call.ticket != 0) return granted(call);
  if (p.options.never_wait)
    return finish_with(call, would_wait("in_flight", "every slot is taken or the rate is used up"));
  if (p.options.wait_max) {
    const auto earliest = limiter_.earliest_start(request, now);
    if (earliest > now + *p.options.wait_max)
      return finish_with(call, rate_limit_error("the rate limit has no room for this call yet",
                                                remaining(earliest, now)));
  }
  if (p.options.deadline_at != never) {
    const auto earliest = limiter_.earliest_start(request, now);
    if (earliest > p.options.deadline_at)
      return finish_with(call, rate_limit_error("the rate limit leaves no room before the deadline",
                                                remaining(earliest, now)));
  }
  call.ticket = limiter_.enqueue(request, now);
  call.at = live_call::stage::queued;
  begin_wait(call, now);
  count(setup_.counters->waiting);
  if (p.options.deadline_at != never) wait_until(call, p.options.deadline_at);
  pump();
}

// The breaker once more, because waiting took time; half-open asks it for the one probe.
void provider_shard::granted(live_call& call) {
  if (breaker_.state == breaker_state::closed) return send(call, false);
  const auto now = steady_clock::now();
  if (breaker_.state == breaker_state::open && now < breaker_.open_until) {
    limiter_.give_back(std::exchange(call.ticket, 0), now);
    return rejected_by_breaker(call, breaker_.open_until - now);
  }
  call.at = live_call::stage::probing;
  self_.send(breaker_actor_, probe_atom::value, call.pending->id);
}

void provider_shard::probe_answered(std::uint64_t call_id, const policy::admission& admission) {
  const auto found = calls_.find(call_id);
  const bool waits = found != calls_.end() && found->second->at == live_call::stage::probing;
  if (!waits) {  // cancelled meanwhile
    if (admission.kind == policy::admission_kind::probe)
      self_.send(breaker_actor_, unprobe_atom::value);
    return;
  }
  auto& call = *found->second;
  if (admission.rejected()) {
    limiter_.give_back(std::exchange(call.ticket, 0), steady_clock::now());
    return rejected_by_breaker(call, admission.retry_after);
  }
  send(call, admission.kind == policy::admission_kind::probe);
}

// An open breaker is never retried: the call parks if it may, or fails at once.
void provider_shard::rejected_by_breaker(live_call& call, duration retry_after) {
  if (park(call, retry_after)) return;
  count(setup_.counters->rejected);
  const provider_config& config = setup_.endpoint->config;
  auto e =
      network_error("Circuit breaker is open, request rejected; " + config.provider + " at " +
                    config.base_url + " failed too often, try again in " +
                    std::to_string(std::chrono::ceil<milliseconds>(retry_after).count()) + " ms");
  e.retry = retry_rule::never;
  e.breaker = breaker_rule::ignored;
  e.retry_after = std::chrono::ceil<milliseconds>(retry_after);
  finish_with(call, std::move(e));
}

// Waits without holding a slot or spending a retry. False: the call has used up its patience.
bool provider_shard::park(live_call& call, duration wait) {
  const auto& options = call.pending->options;
  if (options.pause_max <= milliseconds{0}) return false;
  if (options.pause_when && !options.pause_when->load(std::memory_order_relaxed)) return false;
  wait = std::max<duration>(wait, milliseconds{1});
  const auto now = steady_clock::now();
  if (call.paused + wait > options.pause_max || now + wait > options.deadline_at) return false;
  call.paused += wait;
  call.at = live_call::stage::waiting;
  begin_wait(call, now);
  wait_until(call, now + wait);
  return true;
}

// --- ends ---------------------------------------------------------------------------------------

void provider_shard::finish_with(live_call& call, error e) {
  drop(call.first);
  drop(call.second);
  release_ticket(call);
  // What is the leader's own end alone (its deadline, its budget) is not its followers'.
  const bool own = e.cancelled || e.kind == error_kind::timeout || is_over_budget(e);
  if (call.leading && !own) call.leading->end({{}, e});
  e.attempts = call.attempts_sent;
  e.partial_text = std::move(call.delivered_text);
  if (e.provider.empty()) e.provider = setup_.endpoint->config.provider;
  tell_failure(call, e);
  count(e.cancelled ? setup_.counters->cancelled : setup_.counters->failed);
  const auto pending = std::move(call.pending);
  calls_.erase(pending->id);
  self_.home().add_in_flight(-1);
  pending->fail_with(std::move(e));
  pump();
}

// An exception in a callback: its call gets an answer that names the actor, which then ends and is
// restarted, because what it knows may be wrong now.
void provider_shard::crashed(std::uint64_t call_id, const char* what) {
  const auto reason = std::string("provider client '") + setup_.endpoint->config.provider +
                      "' failed inside: " + what;
  log(log_level::error, "actors", reason);
  pumping_ = false;
  if (const auto found = calls_.find(call_id); found != calls_.end() && found->second->pending)
    found->second->pending->fail_with(runtime_error("provider client", reason));
  caf::anon_send_exit(caf::actor_cast<caf::actor>(&self_), caf::exit_reason::unhandled_exception);
}

error provider_shard::closed_by_deadline(const live_call& call) const {
  const auto waited =
      std::chrono::duration_cast<milliseconds>(steady_clock::now() - call.pending->submitted_at);
  auto e =
      timeout_error("request", waited,
                    call.refusal ? "what the call needs was not ready in time (" +
                                       call.refusal->message + "); raise timeout_s or wait for it"
                                 : "the call's deadline passed before it could be sent; raise "
                                   "timeout_s or lower the load");
  e.breaker = breaker_rule::ignored;
  return e;
}

// What a call holds before an attempt of its does.
void provider_shard::release_ticket(live_call& call) {
  if (call.ticket == 0) return;
  const auto ticket = std::exchange(call.ticket, 0);
  if (call.at != live_call::stage::queued) return limiter_.give_back(ticket, steady_clock::now());
  limiter_.cancel(ticket);
  count(setup_.counters->waiting, -1);
}

// --- what the breaker and the limiter say --------------------------------------------------------

// About every 100 ms while calls are here: what need not be told at once.
bool provider_shard::swept(time_point now) {
  flush_report();
  if (!only_shard_)
    self_.send(limiter_actor_,
               limiter_demand{static_cast<std::uint32_t>(limiter_.in_flight()),
                              static_cast<std::uint32_t>(limiter_.waiting()), limiter_.used(now)});
  sweeping_ = !calls_.empty();
  return sweeping_;
}

void provider_shard::breaker_turned(const policy::breaker_snapshot& now) {
  breaker_ = now;
  setup_.counters->breaker.store(now.state, std::memory_order_relaxed);
  setup_.counters->breaker_failures.store(now.failures, std::memory_order_relaxed);
  if (now.state != breaker_state::closed) return;
  // Healthy again: who was parked need not sleep on.
  const auto at = steady_clock::now();
  for (auto& [id, call] : calls_)
    if (call->at == live_call::stage::waiting && call->paused > duration{0}) wait_until(*call, at);
}

void provider_shard::shared(const limiter_share& share) {
  if (share.ends_at == never)
    limiter_.configure(share.settings);
  else
    limiter_.configure_share(share.settings, share.ends_at);
  in_flight_share_ = share.settings.in_flight_max;
  adapt_in_flight();
  only_shard_ = share.whole;
  budget_.set_in_flight_limit(share.settings.in_flight_max != 0 ? share.settings.in_flight_max
                                                                : 256);
  pump();
}

// The authority counts what was in flight a minute past a share's end, and then leases it again.
void provider_shard::cut() {
  const bool ended = limiter_.ends_at() <= steady_clock::now();
  const auto allowed = ended ? std::size_t{0} : std::size_t{limiter_.limits().in_flight_max};
  if (!ended && allowed == 0) return;  // no limit
  std::vector<std::uint64_t> in_flight;
  for (const auto& [id, call] : calls_)
    if (call->at == live_call::stage::in_flight) in_flight.push_back(id);
  std::sort(in_flight.begin(), in_flight.end());
  for (std::size_t i = allowed; i < in_flight.size(); ++i) {
    auto e = network_error(
        "the share of the provider's limit ended a minute ago and could not be renewed: the "
        "store that divides the limit is out of reach");
    e.retry = retry_rule::never;
    finish_with(*calls_.at(in_flight[i]), std::move(e));
  }
}

policy::limiter_settings provider_shard::wanted_limits() const {
  const auto& config = setup_.endpoint->config;
  return {config.max_in_flight.value_or(0), config.rpm.value_or(0), config.tpm.value_or(0)};
}

void provider_shard::rejoin() {
  const auto self = caf::actor_cast<caf::actor>(&self_);
  if (const auto now = setup_.breaker->get(); now != breaker_actor_) {
    breaker_actor_ = now;
    self_.monitor(now);
    self_.send(now, join_atom::value, self);
    breaker_turned({});
    std::vector<std::uint64_t> probing;
    for (const auto& [id, call] : calls_)
      if (call->at == live_call::stage::probing) probing.push_back(id);
    for (const auto id : probing)
      if (const auto found = calls_.find(id); found != calls_.end()) granted(*found->second);
  }
  if (const auto now = setup_.limiter->get(); now != limiter_actor_) {
    limiter_actor_ = now;
    self_.monitor(now);
    self_.send(now, join_atom::value, self, wanted_limits());
  }
}

void provider_shard::peer_down(const caf::actor_addr& peer) {
  if (peer == breaker_actor_.address() || peer == limiter_actor_.address())
    self_.delayed_send(&self_, milliseconds{100}, rejoin_atom::value);
}

// --- waiting ------------------------------------------------------------------------------------

void provider_shard::pump() {
  if (pumping_) return;  // a call that ended while pumping: the loop below goes on anyway
  pumping_ = true;
  const auto now = steady_clock::now();
  while (limiter_.waiting() != 0) {
    const auto next = limiter_.next(now);
    if (!next) break;
    const auto found = calls_.find(next->id);
    if (found == calls_.end()) {
      limiter_.give_back(next->name, now);
      continue;
    }
    auto& call = *found->second;
    count(setup_.counters->waiting, -1);
    call.at = live_call::stage::arriving;
    call.wake_at = never;
    metrics_.waited(now - call.waits_since);
    end_wait(call, now);
    if (next->expired) {
      call.ticket = 0;
      finish_with(call, closed_by_deadline(call));
      continue;
    }
    call.ticket = next->name;
    granted(call);
  }
  pumping_ = false;
  arm();
}

void provider_shard::wait_until(live_call& call, time_point at) {
  call.wake_at = at;
  alarms_.push({at, call.pending->id});
  arm();
}

// One timer for the nearest of: a waiting call's alarm, the limiter's next grant.
void provider_shard::arm() {
  auto at = alarms_.empty() ? never : alarms_.top().at;
  if (limiter_.waiting() != 0) at = std::min(at, limiter_.next_wakeup(steady_clock::now()));
  if (at >= timer_at_) return;
  timer_at_ = at;
  timer_.expires_at(at);
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& moved) {
    if (!moved && *alive) rang();
  });
}

void provider_shard::rang() {
  timer_at_ = never;
  const auto now = steady_clock::now();
  while (!alarms_.empty() && alarms_.top().at <= now) {
    const auto due = alarms_.top();
    alarms_.pop();
    const auto found = calls_.find(due.call_id);
    if (found == calls_.end() || found->second->wake_at != due.at) continue;  // it moved on
    auto& call = *found->second;
    call.wake_at = never;
    if (call.at == live_call::stage::queued || call.at == live_call::stage::following ||
        call.at == live_call::stage::looking_up || call.at == live_call::stage::mending)
      finish_with(call, closed_by_deadline(call));
    else if (call.at == live_call::stage::waiting)
      pass_breaker(call);
    else if (call.at == live_call::stage::in_flight)
      attempt_due(call);
  }
  pump();
}

// --- the shell ----------------------------------------------------------------------------------

caf::behavior serve_provider(provider_client_actor* self, const provider_shard::setup& setup) {
  self->state.shard = std::make_unique<provider_shard>(*self, setup);
  auto* shard = self->state.shard.get();
  self->set_down_handler([shard](caf::down_msg& down) { shard->peer_down(down.source); });
  return {
      [shard](submit_atom, pending_call_ptr& call) { shard->submit(std::move(call)); },
      [shard](cancel_atom, std::uint64_t call_id) { shard->cancel(call_id); },
      [shard](resume_atom, std::uint64_t call_id) { shard->resume_stream(call_id); },
      [shard](const breaker_changed& change) { shard->breaker_turned(change.now); },
      [shard](const probe_answer& answer) { shard->probe_answered(answer.call, answer.admission); },
      [shard](const limiter_share& share) { shard->shared(share); },
      [shard](cut_atom) { shard->cut(); },
      [shard](const leader_end& end) { shard->leader_ended(end.call, end.how); },
      [shard](const lookup_end& end) { shard->looked_up(end.call, end.known); },
      [shard](const limiter_hold& hold) { shard->held(hold); },
      [shard](const limiter_lift& lift) { shard->lifted(lift); },
      [self, shard](rejoin_atom) {
        shard->rejoin();
        if (!shard->joined()) self->delayed_send(self, milliseconds{100}, rejoin_atom::value);
      },
      [shard](run_atom, const shard_task& task) { task.run(*shard); },
  };
}

}  // namespace graphbit
