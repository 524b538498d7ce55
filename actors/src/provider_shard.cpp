#include "provider_shard.hpp"

#include <charconv>
#include <ctime>

#include <graphbit/actors/policy/rate_limit_headers.hpp>
#include <graphbit/runtime/log.hpp>

namespace graphbit {

namespace {

constexpr std::uint32_t retries_default = 3;
constexpr std::size_t report_events_max = 32;
constexpr auto outage_recheck = milliseconds{500};

[[nodiscard]] policy::attempt_outcome outcome_of(const error& e) {
  return e.cancelled || e.breaker == breaker_rule::ignored ? policy::attempt_outcome::ignored
                                                           : policy::attempt_outcome::failure;
}

void count(std::atomic<std::uint64_t>& counter, std::int64_t change = 1) {
  // One writer per counter: no locked instruction is needed.
  counter.store(counter.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(change),
                std::memory_order_relaxed);
}

[[nodiscard]] std::string random_key(random_source& random) {
  std::string key(32, '0');
  for (std::size_t half = 0; half < 2; ++half) {
    auto bits = random.next();
    for (std::size_t i = 0; i < 16; ++i, bits >>= 4)
      key[half * 16 + i] = "0123456789abcdef"[bits & 15];
  }
  return key;
}

[[nodiscard]] bool is_success(int status) { return status >= 200 && status < 300; }

}  // namespace

expected<std::shared_ptr<const provider_endpoint>> make_endpoint(provider_config config) {
  auto resolved_config = resolve(std::move(config));
  if (!resolved_config) return fail(resolved_config.error());
  auto endpoint = std::make_shared<provider_endpoint>();
  endpoint->config = std::move(*resolved_config);
  const auto& c = endpoint->config;
  const auto* row = find_provider(c.provider);
  if (row == nullptr || row->wire == nullptr)
    return fail(configuration_error(
        "provider", "the wire of provider '" + c.provider + "' is not spoken by this version"));
  endpoint->wire = row->wire;
  auto base = parse_url(c.base_url);
  if (!base) return fail(base.error());
  endpoint->at = std::move(*base);
  auto headers = row->wire->headers(c);
  if (!headers) return fail(headers.error());
  endpoint->headers = std::make_shared<const std::string>(std::move(*headers));
  const std::string prefix = endpoint->at.target == "/" ? "" : endpoint->at.target;
  const auto target = [&](std::string path) {
    return std::make_shared<const std::string>(prefix + path);
  };
  endpoint->chat_target = target(row->wire->chat_target(c, c.model, false));
  endpoint->stream_target = target(row->wire->chat_target(c, c.model, true));
  endpoint->embeddings_target = target(row->wire->embeddings_target(c));
  return endpoint;
}

// One call on its way through the pipeline; at the same time the receiver of its attempt.
class provider_shard::live_call final : public http_handler {
 public:
  enum class stage : std::uint8_t { arriving, queued, probing, waiting, in_flight, decoding };

  live_call(provider_shard& owner, pending_call_ptr p) : pending(std::move(p)), owner_(owner) {
    const auto& config = owner.setup_.endpoint->config;
    retries_max =
        pending->options.max_retries.value_or(config.max_retries.value_or(retries_default));
    retry.attempts = 0;
    retry.deadline_at = pending->options.deadline_at;
    retry.work_left = pending->options.work_budget.value_or(config.call_timeout);
  }

  void on_headers(const http_response& head) override {
    status = head.status;
    headers = head.headers;
    if (is_success(status))
      decoder = owner_.setup_.endpoint->wire->decode_stream(owner_.setup_.endpoint->config);
  }

  void on_data(std::string_view bytes) override {
    guarded([&] { take(bytes); });
  }

  void on_done(expected<http_response> result) override {
    guarded([&] { owner_.attempt_ended(*this, std::move(result)); });
  }

  // Outside the actor's own message handling an exception has no handler but this.
  template <class F>
  void guarded(F f) {
    auto& owner = owner_;  // `this` may be gone after f
    const auto id = pending->id;
    try {
      f();
    } catch (const std::exception& e) {
      owner.crashed(id, e.what());
    }
  }

  void take(std::string_view bytes) {
    if (!decoder) {
      if (error_body.size() < limits::response_body_bytes_max) error_body.append(bytes);
      return;
    }
    if (stream_failure) return;
    if (auto fed = decoder->feed(bytes, deltas); !fed) stream_failure = fed.error();
    if (deltas.empty()) return;
    retry.delivered = true;
    for (const auto& delta : deltas) delivered_text += delta;
    if (!pending->text_came(deltas)) owner_.http_.pause(exchange);
    deltas.clear();
  }

  pending_call_ptr pending;
  stage at = stage::arriving;
  policy::ticket ticket = 0;
  std::uint64_t attempt = 0;  // 0: none is out
  bool probe = false;
  http_client::exchange_id exchange = 0;
  policy::retry_state retry;
  std::uint32_t retries_max = 0;
  std::uint32_t attempts_sent = 0;
  duration paused{0};
  time_point sent_at{};
  time_point wake_at = never;
  std::unique_ptr<std::stop_callback<std::function<void()>>> on_stop;

  // A streamed answer as it comes in.
  std::unique_ptr<stream_decoder> decoder;
  std::vector<std::string> deltas;
  std::optional<error> stream_failure;
  std::string delivered_text;
  std::string error_body;
  int status = 0;
  http_headers headers;

 private:
  provider_shard& owner_;
};

provider_shard::provider_shard(pinned_actor& self, setup s)
    : self_(self),
      setup_(std::move(s)),
      http_(self.home(), setup_.endpoint->at.at, {.tls = setup_.endpoint->config.tls}),
      budget_(setup_.endpoint->config.max_in_flight.value_or(256)),
      timer_(self.home().context()),
      report_(std::make_shared<breaker_report>()) {
  limiter_.configure(wanted_limits());
  rejoin();
}

provider_shard::~provider_shard() {
  *alive_ = false;
  for (auto& [id, call] : calls_) {
    if (call->exchange != 0) http_.cancel(call->exchange);
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
  slot = std::make_unique<live_call>(*this, std::move(pending));
  auto& call = *slot;
  auto& p = *call.pending;
  if (p.text_bytes() > limits::prompt_bytes_max)
    return finish_with(call,
                       resource_error("prompt_bytes", "the prompt has more than " +
                                                          std::to_string(limits::prompt_bytes_max) +
                                                          " bytes; split it into several calls"));
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
  pass_breaker(call);
}

void provider_shard::cancel(std::uint64_t call_id) {
  const auto found = calls_.find(call_id);
  if (found == calls_.end()) return;
  auto& call = *found->second;
  if (call.exchange != 0) http_.cancel(call.exchange);
  if (call.attempt != 0) report_end(call, policy::attempt_outcome::ignored);
  finish_with(call, cancelled_error("request"));
}

void provider_shard::resume_stream(std::uint64_t call_id) {
  const auto found = calls_.find(call_id);
  if (found != calls_.end() && found->second->exchange != 0) http_.resume(found->second->exchange);
}

void provider_shard::warm_up(std::function<void(expected<void>)> done) {
  struct receiver final : http_handler {
    std::function<void(expected<void>)> done;
    void on_done(expected<http_response> result) override {
      const std::unique_ptr<receiver> self(this);  // lived for this one answer
      if (result)
        done({});
      else
        done(fail(result.error()));
    }
  };
  const auto& config = setup_.endpoint->config;
  auto r = std::make_unique<receiver>();
  r->done = std::move(done);
  http_.warm_up({.connect = config.connect_timeout, .tls = config.tls_timeout}, *r.release());
}

// --- gates --------------------------------------------------------------------------------------

void provider_shard::pass_breaker(live_call& call) {
  if (breaker_.state == breaker_state::open) {
    const auto now = steady_clock::now();
    if (now < breaker_.open_until) return rejected_by_breaker(call, breaker_.open_until - now);
  }
  pass_limiter(call);
}

void provider_shard::pass_limiter(live_call& call) {
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
  const auto now = steady_clock::now();
  call.ticket = limiter_.try_acquire(request, now);
  if (call.ticket != 0) return granted(call);
  if (p.options.deadline_at != never) {
    const auto earliest = limiter_.earliest_start(request, now);
    if (earliest > p.options.deadline_at)
      return finish_with(call, rate_limit_error("the rate limit leaves no room before the deadline",
                                                remaining(earliest, now)));
  }
  call.ticket = limiter_.enqueue(request, now);
  call.at = live_call::stage::queued;
  count(setup_.counters->waiting);
  if (p.options.deadline_at != never) wait_until(call, p.options.deadline_at);
  pump();
}

// The breaker once more, because waiting took time; half-open asks it for the one probe.
void provider_shard::granted(live_call& call) {
  if (breaker_.state == breaker_state::closed) return send(call);
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
  call.probe = admission.kind == policy::admission_kind::probe;
  send(call);
}

// An open breaker is never retried: the call parks if it may, or fails at once.
void provider_shard::rejected_by_breaker(live_call& call, duration retry_after) {
  if (park(call, retry_after)) return;
  count(setup_.counters->rejected);
  auto e =
      network_error("Circuit breaker is open, request rejected; " +
                    setup_.endpoint->config.provider + " failed too often, try again in " +
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
  wait_until(call, now + wait);
  return true;
}

// --- one attempt --------------------------------------------------------------------------------

void provider_shard::send(live_call& call) {
  const auto& endpoint = *setup_.endpoint;
  const auto& p = *call.pending;
  http_request request;
  request.headers = endpoint.headers;
  request.stream = p.stream;
  request.extra_headers.reserve(64);
  request.extra_headers.append("Idempotency-Key: ")
      .append(p.options.idempotency_key)
      .append("\r\n");
  expected<void> encoded;
  if (const auto* chat = p.chat()) {
    if (chat->model.empty() || chat->model == endpoint.config.model)
      request.target = p.stream ? endpoint.stream_target : endpoint.chat_target;
    else
      request.target = std::make_shared<const std::string>(
          (endpoint.at.target == "/" ? "" : endpoint.at.target) +
          endpoint.wire->chat_target(endpoint.config, chat->model, p.stream));
    encoded = endpoint.wire->encode_chat(endpoint.config, *chat, p.stream, request.body);
  } else {
    request.target = endpoint.embeddings_target;
    encoded = endpoint.wire->encode_embeddings(endpoint.config, *p.embedding(), request.body);
  }
  if (!encoded) {
    if (call.probe) self_.send(breaker_actor_, unprobe_atom::value);
    return finish_with(call, encoded.error());
  }
  const auto now = steady_clock::now();
  http_timeouts timeouts{.connect = endpoint.config.connect_timeout,
                         .tls = endpoint.config.tls_timeout,
                         .idle = endpoint.config.idle_timeout,
                         .total_at = std::min(p.options.deadline_at, now + *call.retry.work_left)};
  if (endpoint.config.first_byte_timeout)
    timeouts.first_byte_at = std::min(timeouts.total_at, now + *endpoint.config.first_byte_timeout);
  call.at = live_call::stage::in_flight;
  call.sent_at = now;
  ++call.retry.attempts;
  ++call.attempts_sent;
  count(setup_.counters->attempts);
  report_start(call);
  call.exchange = http_.start(std::move(request), timeouts, call);
}

void provider_shard::attempt_ended(live_call& call, expected<http_response> result) {
  call.exchange = 0;
  *call.retry.work_left -= steady_clock::now() - call.sent_at;
  if (!result) {
    if (call.decoder && call.decoder->complete()) return decode(call, {});
    auto e = std::move(result.error());
    if (e.provider.empty()) e.provider = setup_.endpoint->config.provider;
    return failed_attempt(call, std::move(e));
  }
  if (call.pending->stream) {
    result->status = call.status;
    result->headers = std::move(call.headers);
    result->body = std::move(call.error_body);
  }
  learn(call, result->headers);
  if (!is_success(result->status)) {
    call.retry.should_retry = policy::parse_should_retry(result->headers.get("x-should-retry"));
    return failed_attempt(call,
                          setup_.endpoint->wire->decode_error(setup_.endpoint->config, *result));
  }
  decode(call, std::move(*result));
}

void provider_shard::decode(live_call& call, http_response response) {
  const auto& endpoint = *setup_.endpoint;
  if (call.stream_failure) return failed_attempt(call, std::move(*call.stream_failure));
  if (call.decoder) {
    auto whole = call.decoder->finish();
    return whole ? succeeded(call, std::move(*whole), response.headers)
                 : failed_attempt(call, std::move(whole.error()));
  }
  if (call.pending->embedding() != nullptr) {
    auto decoded = endpoint.wire->decode_embeddings(endpoint.config, response.body);
    return decoded ? succeeded(call, std::move(*decoded), response.headers)
                   : failed_attempt(call, std::move(decoded.error()));
  }
  auto decoded = endpoint.wire->decode_chat(endpoint.config, response.body);
  return decoded ? succeeded(call, std::move(*decoded), response.headers)
                 : failed_attempt(call, std::move(decoded.error()));
}

void provider_shard::failed_attempt(live_call& call, error e) {
  report_end(call, outcome_of(e));
  release_slot(call, std::nullopt);
  hold_for(e);
  const auto now = steady_clock::now();
  const auto& options = call.pending->options;
  policy::retry_settings settings;
  settings.retries_max = call.retries_max;
  // A parking call waits out what the server said, and a breaker that is about to open.
  if (e.retry == retry_rule::transient && !call.retry.delivered && e.retry_after &&
      park(call, *e.retry_after))
    return;
  const auto decision = policy::decide_retry(settings, e, call.retry, now, budget_, random_);
  if (e.retry == retry_rule::once) call.retry.retried_unparsable = true;
  if (options.debug || log_enabled(log_level::debug))
    log(log_level::debug, "actors",
        "attempt " + std::to_string(call.retry.attempts) + " of call " +
            std::to_string(call.pending->id) + " failed: " + e.message + "; " +
            (decision.retry() ? "retrying" : std::string(policy::to_string(decision.reason))));
  if (decision.retry()) {
    count(setup_.counters->retries);
    *call.retry.work_left -= decision.after;
    call.decoder.reset();
    call.stream_failure.reset();
    call.error_body.clear();
    call.at = live_call::stage::waiting;
    return wait_until(call, now + decision.after);
  }
  const bool out_of_retries = decision.reason == policy::give_up_reason::retries_spent ||
                              decision.reason == policy::give_up_reason::budget_spent;
  if (out_of_retries && e.breaker == breaker_rule::counts && park(call, outage_recheck)) {
    call.retry.attempts = 0;  // the outage is waited out, then the call has its retries again
    return;
  }
  if (decision.reason == policy::give_up_reason::wait_too_long) {
    auto limited =
        rate_limit_error(e.message, std::chrono::ceil<milliseconds>(decision.server_wait));
    limited.provider = e.provider;
    limited.status = e.status;
    limited.request_id = e.request_id;
    return finish_with(call, std::move(limited));
  }
  finish_with(call, std::move(e));
}

template <class Response>
void provider_shard::succeeded(live_call& call, Response response, const http_headers& headers) {
  const auto now = steady_clock::now();
  report_end(call, policy::attempt_outcome::success);
  budget_.succeeded();
  if (limiter_.limits().tokens_per_minute != 0)
    estimate_.observed(call.pending->text_bytes(), response.usage.prompt_tokens,
                       response.usage.completion_tokens);
  release_slot(call, response.usage.total_tokens);
  if (response.request_id.empty()) response.request_id = std::string(headers.get("x-request-id"));
  response.attempts = call.attempts_sent;
  response.latency_us = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now - call.pending->submitted_at)
          .count());
  if constexpr (requires { response.provider; })
    response.provider = setup_.endpoint->config.provider;
  count(setup_.counters->succeeded);
  const auto pending = std::move(call.pending);
  calls_.erase(pending->id);
  self_.home().add_in_flight(-1);
  pending->succeed(std::move(response));
  pump();
}

// --- what answers say of limits ------------------------------------------------------------------

void provider_shard::learn(const live_call& call, const http_headers& headers) {
  const auto said = policy::learn(headers, std::time(nullptr));
  if (said.empty()) return;
  const auto now = steady_clock::now();
  if (only_shard_) return limiter_.learn(said, now, now - call.sent_at);
  const limits_learnt news{policy::per_minute(said.requests), policy::per_minute(said.tokens)};
  if (news.requests_per_minute || news.tokens_per_minute) self_.send(limiter_actor_, news);
}

// A 429 with Retry-After speaks of the key, not of the one call: the others wait as well.
void provider_shard::hold_for(const error& refusal) {
  if (refusal.status != 429 || refusal.retry != retry_rule::transient || !refusal.retry_after)
    return;
  const auto until = steady_clock::now() + *refusal.retry_after;
  hold_until(until);
  if (!only_shard_) self_.send(limiter_actor_, limiter_hold{until});
}

void provider_shard::hold_until(time_point until) {
  limiter_.hold_until(until, steady_clock::now());
}

// --- ends ---------------------------------------------------------------------------------------

void provider_shard::finish_with(live_call& call, error e) {
  if (call.ticket != 0) release_slot(call, std::nullopt);
  e.attempts = call.attempts_sent;
  e.partial_text = std::move(call.delivered_text);
  if (e.provider.empty()) e.provider = setup_.endpoint->config.provider;
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
  auto e = timeout_error("request", waited,
                         "the call's deadline passed before it could be sent; raise timeout_s or "
                         "lower the load");
  e.breaker = breaker_rule::ignored;
  return e;
}

void provider_shard::release_slot(live_call& call, std::optional<std::uint64_t> tokens) {
  if (call.ticket == 0) return;
  if (call.at == live_call::stage::queued) {
    limiter_.cancel(std::exchange(call.ticket, 0));
    count(setup_.counters->waiting, -1);
    return;
  }
  limiter_.release(std::exchange(call.ticket, 0), steady_clock::now(), tokens);
}

// --- the breaker's record -----------------------------------------------------------------------

void provider_shard::report_start(live_call& call) {
  call.attempt = ++attempts_;
  report_->events.push_back({call.attempt, call.sent_at, true, call.probe, {}});
  count(setup_.counters->in_flight);
  if (!sweeping_) {
    sweeping_ = true;
    self_.home().sweep([this, alive = alive_](time_point now) { return *alive && swept(now); });
  }
}

void provider_shard::report_end(live_call& call, policy::attempt_outcome outcome) {
  if (call.attempt == 0) return;
  report_->events.push_back({call.attempt, steady_clock::now(), false, false, outcome});
  call.attempt = 0;
  count(setup_.counters->in_flight, -1);
  const bool urgent = outcome == policy::attempt_outcome::failure || call.probe;
  call.probe = false;
  if (urgent || report_->events.size() >= report_events_max) flush_report();
}

void provider_shard::flush_report() {
  if (report_->events.empty()) return;
  self_.send(breaker_actor_, std::exchange(report_, std::make_shared<breaker_report>()));
}

// About every 100 ms while calls are here: what need not be told at once.
bool provider_shard::swept(time_point) {
  flush_report();
  if (!only_shard_)
    self_.send(limiter_actor_, limiter_demand{static_cast<std::uint32_t>(limiter_.in_flight()),
                                              static_cast<std::uint32_t>(limiter_.waiting())});
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
  limiter_.configure(share.settings);
  only_shard_ = share.whole;
  budget_.set_in_flight_limit(share.settings.in_flight_max != 0 ? share.settings.in_flight_max
                                                                : 256);
  pump();
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
    if (call.at == live_call::stage::queued)
      finish_with(call, closed_by_deadline(call));
    else if (call.at == live_call::stage::waiting)
      pass_breaker(call);
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
      [shard](const limiter_hold& hold) { shard->hold_until(hold.until); },
      [self, shard](rejoin_atom) {
        shard->rejoin();
        if (!shard->joined()) self->delayed_send(self, milliseconds{100}, rejoin_atom::value);
      },
      [shard](run_atom, const shard_task& task) { task.run(*shard); },
  };
}

}  // namespace graphbit
