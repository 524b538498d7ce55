// Attempts: one HTTP exchange each, a hedge beside a slow one, and what their ends mean for the
// call, the breaker, the limiter and the retry budget.
#include <ctime>
#include <type_traits>

#include <graphbit/actors/policy/rate_limit_headers.hpp>
#include <graphbit/actors/spending.hpp>
#include <graphbit/runtime/log.hpp>

#include "live_call.hpp"

namespace graphbit {

namespace {

constexpr std::uint32_t retries_default = 3;
constexpr std::size_t report_events_max = 32;
constexpr auto outage_recheck = milliseconds{500};

[[nodiscard]] bool is_success(int status) { return status >= 200 && status < 300; }

[[nodiscard]] policy::attempt_outcome outcome_of(const error& e) {
  return e.cancelled || e.breaker == breaker_rule::ignored ? policy::attempt_outcome::ignored
                                                           : policy::attempt_outcome::failure;
}

[[nodiscard]] policy::limit_signal signal_of(const error& e) {
  const bool full = e.status == 429 || e.status == 503 || e.status == 529 ||
                    (e.kind == error_kind::timeout && !e.cancelled);
  return full ? policy::limit_signal::overloaded : policy::limit_signal::ignored;
}

}  // namespace

// --- the call and its exchange -------------------------------------------------------------------

provider_shard::live_call::live_call(const provider_config& config, pending_call_ptr p)
    : pending(std::move(p)),
      retries_max(
          pending->options.max_retries.value_or(config.max_retries.value_or(retries_default))) {
  retry.attempts = 0;
  retry.deadline_at = pending->options.deadline_at;
  retry.work_left = pending->options.work_budget.value_or(config.call_timeout);
}

void provider_shard::attempt::on_headers(const http_response& head) {
  status = head.status;
  headers = head.headers;
  const auto& endpoint = *of.endpoint;
  // The answers to a job that was taken in go on where the first one stopped.
  if (is_success(status) && !decoder) decoder = endpoint.wire->decode_stream(endpoint.config);
}

void provider_shard::attempt::on_data(std::string_view bytes) {
  guarded([&] { take(bytes); });
}

void provider_shard::attempt::on_done(expected<http_response> result) {
  guarded([&] { owner_.attempt_ended(*this, std::move(result)); });
}

// Outside the actor's own message handling an exception has no handler but this.
template <class F>
void provider_shard::attempt::guarded(F f) {
  auto& owner = owner_;  // `this` may be gone after f
  const auto id = of.pending->id;
  try {
    f();
  } catch (const std::exception& e) {
    owner.crashed(id, e.what());
  }
}

void provider_shard::attempt::take(std::string_view bytes) {
  if (!is_success(status)) {
    if (error_body.size() < limits::response_body_bytes_max) error_body.append(bytes);
    return;
  }
  if (stream_failure) return;
  if (auto fed = decoder->feed(bytes, deltas); !fed) stream_failure = fed.error();
  if (!deltas.empty()) owner_.text_came(*this);
}

// From the first text on, a call belongs to the attempt that brought it.
void provider_shard::text_came(attempt& a) {
  auto& call = a.of;
  if (!call.retry.delivered) won(a);
  call.retry.delivered = true;
  text_timed(call);
  for (const auto& delta : a.deltas) call.delivered_text += delta;
  if (!call.pending->text_came(a.deltas)) http_.pause(a.exchange);
  a.deltas.clear();
}

// --- sending -------------------------------------------------------------------------------------

void provider_shard::send(live_call& call, bool probe) {
  auto refused = refused_by_budget(call);
  auto request = encode(call, false);
  if (!request) refused = std::move(request.error());
  if (refused) {
    if (probe) self_.send(breaker_actor_, unprobe_atom::value);
    return finish_with(call, std::move(*refused));
  }
  const auto now = steady_clock::now();
  call.at = live_call::stage::in_flight;
  call.round_began = now;
  ++call.retry.attempts;
  transmit(call.first, call, std::exchange(call.ticket, 0), std::move(*request), probe);
  if (call.pending->options.never_wait && http_.stats().waiting > 0)
    return finish_with(call, would_wait("connections", "every connection is busy"));
  if (probe) return;
  if (const auto delay = hedges_[call.kind()].delay()) wait_until(call, now + *delay);
}

// A hedge goes out only where it displaces nobody: no waiting for a slot or for the rates.
void provider_shard::send_hedge(live_call& call) {
  if (!call.first || call.second || call.retry.delivered) return;
  if (breaker_.state != breaker_state::closed || refused_by_budget(call)) return;
  const auto now = steady_clock::now();
  const auto ticket = limiter_.try_acquire(needs_of(call), now);
  if (ticket == 0) return;
  auto request = encode(call, true);
  if (!request || !hedges_[call.kind()].may_hedge(budget_)) return limiter_.give_back(ticket, now);
  count(setup_.counters->hedges);
  transmit(call.second, call, ticket, std::move(*request), false);
}

// The alarm of a call whose attempt is out: a job is to be asked for, or a hedge is due.
void provider_shard::attempt_due(live_call& call) {
  for (auto* a : {call.first.get(), call.second.get()})
    if (a != nullptr && !a->next_target.empty()) return ask_for_job(*a);
  send_hedge(call);
}

expected<http_request> provider_shard::encode(const live_call& call, bool hedge) const {
  const auto& endpoint = *call.endpoint;
  const auto& p = *call.pending;
  http_request request;
  request.headers = endpoint.headers;
  request.stream = p.stream;
  request.extra_headers.reserve(64);
  request.extra_headers.append("Idempotency-Key: ")
      .append(p.options.idempotency_key)
      .append(hedge ? "-h\r\n" : "\r\n");
  request.extra_headers += trace_header(call);
  expected<void> encoded;
  if (const auto* chat = p.chat()) {
    request.target = p.stream ? endpoint.stream_target : endpoint.chat_target;
    request.extra_headers += endpoint.wire->call_headers(endpoint.config, *chat, p.stream);
    encoded = endpoint.wire->encode_chat(endpoint.config, *chat, p.stream, request.body);
  } else {
    request.target = endpoint.embeddings_target;
    encoded = endpoint.wire->encode_embeddings(endpoint.config, *p.embedding(), request.body);
  }
  if (!encoded) return fail(std::move(encoded.error()));
  return request;
}

void provider_shard::transmit(std::unique_ptr<attempt>& place, live_call& call,
                              policy::ticket ticket, http_request request, bool probe) {
  place = std::make_unique<attempt>(*this, call, ticket);
  place->probe = probe;
  place->sent_at = steady_clock::now();
  place->number = ++call.attempts_sent;
  place->span = call.span.numbered_child(place->number);
  place->hedge = &place == &call.second;
  count(setup_.counters->attempts);
  report_start(*place);
  place->exchange = http_.start(std::move(request), timeouts_of(call), *place);
}

http_timeouts provider_shard::timeouts_of(const live_call& call) const {
  const auto& config = setup_.endpoint->config;
  http_timeouts timeouts{
      .connect = config.connect_timeout,
      .tls = config.tls_timeout,
      .idle = config.idle_timeout,
      .total_at = std::min(call.retry.deadline_at, call.round_began + *call.retry.work_left)};
  if (config.first_byte_timeout)
    timeouts.first_byte_at =
        std::min(timeouts.total_at, steady_clock::now() + *config.first_byte_timeout);
  return timeouts;
}

// --- an attempt's end ----------------------------------------------------------------------------

void provider_shard::attempt_ended(attempt& a, expected<http_response> result) {
  a.exchange = 0;
  auto& call = a.of;
  answer_came(call, steady_clock::now());
  if (!result) {
    if (a.decoder && a.decoder->complete()) return decode(a, {});
    auto e = std::move(result.error());
    if (e.provider.empty()) e.provider = setup_.endpoint->config.provider;
    return failed_attempt(a, std::move(e));
  }
  if (call.pending->stream && a.status != 0) {
    result->status = a.status;
    result->headers = std::move(a.headers);
    result->body = std::move(a.error_body);
  }
  a.answer_status = result->status;
  learn(a, result->headers);
  if (!is_success(result->status)) {
    call.retry.should_retry = policy::parse_should_retry(result->headers.get("x-should-retry"));
    return failed_attempt(a, call.endpoint->wire->decode_error(call.endpoint->config, *result));
  }
  decode(a, std::move(*result));
}

void provider_shard::decode(attempt& a, http_response response) {
  const auto& endpoint = *a.of.endpoint;
  if (a.stream_failure) return failed_attempt(a, std::move(*a.stream_failure));
  if (a.decoder) {
    if (auto next = a.decoder->next_step()) return wait_for_job(a, std::move(*next));
    auto whole = a.decoder->finish();
    return whole ? succeeded(a, std::move(*whole), response.headers)
                 : failed_attempt(a, std::move(whole.error()));
  }
  if (a.of.pending->embedding() != nullptr) {
    auto decoded = endpoint.wire->decode_embeddings(endpoint.config, response.body);
    if (decoded && decoded->model.empty()) decoded->model = endpoint.config.model;
    return decoded ? succeeded(a, std::move(*decoded), response.headers)
                   : failed_attempt(a, std::move(decoded.error()));
  }
  if (auto next = endpoint.wire->next_step(endpoint.config, response.body))
    return wait_for_job(a, std::move(*next));
  auto decoded = endpoint.wire->decode_chat(endpoint.config, response.body);
  return decoded ? succeeded(a, std::move(*decoded), response.headers)
                 : failed_attempt(a, std::move(decoded.error()));
}

// The provider took the call in as a job. The attempt goes on: it holds its slot, and asks again.
void provider_shard::wait_for_job(attempt& a, follow_up next) {
  auto& call = a.of;
  drop(&a == call.first.get() ? call.second : call.first);
  const auto at = steady_clock::now() + next.after;
  if (at >= timeouts_of(call).total_at)
    return failed_attempt(
        a, timeout_error(
               "request", std::chrono::duration_cast<milliseconds>(steady_clock::now() - a.sent_at),
               "the provider's job was not done within the call's time; raise timeout_s"));
  a.next_target = std::move(next.target);
  wait_until(call, at);
}

void provider_shard::ask_for_job(attempt& a) {
  const auto& endpoint = *a.of.endpoint;
  http_request request{.method = "GET"};
  request.stream = a.of.pending->stream;
  request.target =
      std::make_shared<const std::string>((endpoint.at.target == "/" ? "" : endpoint.at.target) +
                                          std::exchange(a.next_target, std::string{}));
  request.headers = endpoint.headers;
  a.exchange = http_.start(std::move(request), timeouts_of(a.of), a);
}

// The attempt's answer stands: its rival is cancelled on the wire.
void provider_shard::won(attempt& a) {
  auto& call = a.of;
  auto& hedge = hedges_[call.kind()];
  if (&a == call.first.get()) {
    if (hedge.settings().enabled) hedge.first_answered(steady_clock::now() - a.sent_at);
    return drop(call.second);
  }
  if (call.first) hedge.first_lost();
  count(setup_.counters->hedges_won);
  drop(call.first);
}

void provider_shard::failed_attempt(attempt& a, error e) {
  auto& call = a.of;
  tell_attempt(a, &e);
  was_refused(a, e);
  close(a, outcome_of(e), signal_of(e));
  (&a == call.first.get() ? call.first : call.second).reset();
  if (call.out()) return arm();  // its rival may still answer
  *call.retry.work_left -= steady_clock::now() - call.round_began;
  if (mend(call, e)) return;
  retry_or_give_up(call, std::move(e));
}

void provider_shard::retry_or_give_up(live_call& call, error e) {
  const auto now = steady_clock::now();
  const auto& options = call.pending->options;
  policy::retry_settings settings;
  settings.retries_max = call.retries_max;
  if (options.wait_max)
    settings.server_wait_max = std::min<duration>(settings.server_wait_max, *options.wait_max);
  // A parking call waits out what the server said, and a breaker that is about to open.
  if (e.retry == retry_rule::transient && !call.retry.delivered && e.retry_after &&
      park(call, *e.retry_after))
    return;
  const auto decision = policy::decide_retry(settings, e, call.retry, now, budget_, random_);
  if (e.retry == retry_rule::once) call.retry.retried_unparsable = true;
  if (options.debug || log_enabled(log_level::debug))
    log_attempt(call, e, decision.retry() ? "retrying" : policy::to_string(decision.reason));
  if (decision.retry()) {
    count(setup_.counters->retries);
    *call.retry.work_left -= decision.after;
    call.at = live_call::stage::waiting;
    begin_wait(call, now);
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
    limited.breaker = e.breaker;  // tells a rate that recovers from a quota that does not
    return finish_with(call, std::move(limited));
  }
  finish_with(call, std::move(e));
}

template <class Response>
void provider_shard::succeeded(attempt& a, Response response, const http_headers& headers) {
  auto& call = a.of;
  tell_attempt(a, nullptr);
  if (!call.retry.delivered) won(a);
  budget_.succeeded();
  if (limiter_.limits().tokens_per_minute != 0)
    estimate_.observed(call.pending->text_bytes(), response.usage.prompt_tokens,
                       response.usage.completion_tokens);
  was_answered(a);
  close(a, policy::attempt_outcome::success, policy::limit_signal::answered,
        response.usage.total_tokens);
  if (response.request_id.empty()) response.request_id = std::string(headers.get("x-request-id"));
  response.attempts = call.attempts_sent;
  if (const auto price = price_of(call)) response.cost = cost_of(*price, response.usage);
  if (const auto& budget = call.pending->options.budget)
    budget->book(response.cost.value_or(0), response.usage.total_tokens);
  if constexpr (std::is_same_v<Response, chat_response>) {
    response.provider = setup_.endpoint->config.provider;
  }
  make_known(call, response);
  finish(call, std::move(response));
}

template <class Response>
void provider_shard::finish(live_call& call, Response response) {
  const auto now = steady_clock::now();
  response.latency_us = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now - call.pending->submitted_at)
          .count());
  tell_success(call, response, now);
  count(setup_.counters->succeeded);
  const auto pending = std::move(call.pending);
  calls_.erase(pending->id);
  self_.home().add_in_flight(-1);
  pending->succeed(std::move(response));
  pump();
}

// --- what calls cost -----------------------------------------------------------------------------

const std::optional<model_price>& provider_shard::price_of(const live_call& call) {
  const auto& config = setup_.endpoint->config;
  const auto own = call.pending->model();
  const std::string_view model = own.empty() ? std::string_view(config.model) : own;
  if (auto table = setup_.prices->current();
      table != known_price_.table || model != known_price_.model)
    known_price_ = {table, std::string(model), table->find(config.provider, model)};
  return known_price_.price;
}

std::optional<error> provider_shard::refused_by_budget(const live_call& call) {
  const auto& budget = call.pending->options.budget;
  if (!budget) return std::nullopt;
  if (budget->limits_cost() && !price_of(call))
    return configuration_error("max_cost",
                               "no price is known for model '" + setup_.endpoint->config.model +
                                   "', so its cost cannot be limited; add it to the price table");
  return budget->refusal();
}

// --- the response cache --------------------------------------------------------------------------

// True when nothing is to be sent: the answer is known, or an equal call is under way.
bool provider_shard::answered_by_cache(live_call& call) {
  const auto& p = *call.pending;
  if (!setup_.cache || p.options.fresh) return false;
  if (call.cached_as.empty()) call.cached_as = cache_key(call);
  if (call.cached_as.empty()) return false;  // cannot be sent either; `send` says why
  const auto age_max = *setup_.endpoint->config.response_cache_max_age;
  const auto now = steady_clock::now();
  if (p.stream) {  // shows its text as it comes, so it neither waits for another nor leads
    const auto known = setup_.cache->find(call.cached_as, age_max, now);
    if (!known) return looks_up(call);
    answer_from_cache(call, known);
    return true;
  }
  const auto tell = [self = caf::actor_cast<caf::actor>(&self_), id = p.id](const auto& how) {
    caf::anon_send(self, leader_end{id, how});
  };
  const auto turn = setup_.cache->ask(call.cached_as, age_max, now, tell);
  switch (turn.is) {
    case response_cache::standing::known:
      answer_from_cache(call, turn.answer);
      return true;
    case response_cache::standing::leads:
      call.leading = std::make_unique<cache_lead>(setup_.cache, call.cached_as);
      return !p.options.never_wait && looks_up(call);
    case response_cache::standing::follows:
      call.at = live_call::stage::following;
      begin_wait(call, now);
      if (p.options.deadline_at != never) wait_until(call, p.options.deadline_at);
      return true;
  }
  return false;
}

// True: the store behind the cache is asked, and `looked_up` goes on.
bool provider_shard::looks_up(live_call& call) {
  const auto id = call.pending->id;
  const auto tell = [self = caf::actor_cast<caf::actor>(&self_), id](auto known) {
    caf::anon_send(self, lookup_end{id, std::move(known)});
  };
  if (!setup_.cache->look_up(call.cached_as, tell)) return false;
  call.at = live_call::stage::looking_up;
  begin_wait(call, steady_clock::now());
  if (const auto at = call.pending->options.deadline_at; at != never) wait_until(call, at);
  return true;
}

void provider_shard::looked_up(std::uint64_t call_id,
                               const std::optional<answer_store::kept_answer>& known) {
  const auto found = calls_.find(call_id);
  if (found == calls_.end() || found->second->at != live_call::stage::looking_up) return;
  auto& call = *found->second;
  const auto now = steady_clock::now();
  call.at = live_call::stage::arriving;
  call.wake_at = never;
  end_wait(call, now);
  if (!known) return pass_breaker(call);
  // The wall clock may have been set back since.
  const auto age =
      std::max<duration>(duration{0}, std::chrono::system_clock::now() - known->kept_at);
  if (age > *setup_.endpoint->config.response_cache_max_age) return pass_breaker(call);
  setup_.cache->keep_found(call.cached_as, known->answer, now - age);
  if (call.leading) call.leading->end({known->answer, {}});
  answer_from_cache(call, known->answer);
}

// Endpoint and body, as they would be sent if it were no stream.
std::string provider_shard::cache_key(const live_call& call) const {
  const auto& endpoint = *call.endpoint;
  std::string key = endpoint.config.provider + ' ' + endpoint.config.base_url + ' ';
  expected<void> encoded;
  if (const auto* chat = call.pending->chat()) {
    key += *endpoint.chat_target + '\n';
    encoded = endpoint.wire->encode_chat(endpoint.config, *chat, false, key);
  } else {
    key += *endpoint.embeddings_target + '\n';
    encoded = endpoint.wire->encode_embeddings(endpoint.config, *call.pending->embedding(), key);
  }
  if (!encoded) key.clear();
  return key;
}

template <class Response>
void provider_shard::make_known(live_call& call, const Response& response) {
  if (call.cached_as.empty()) return;
  bool whole = true;
  if constexpr (std::is_same_v<Response, chat_response>)
    whole = response.finish.type != finish_reason::kind::error;
  const auto answer = cacheable(response);
  if (whole) setup_.cache->keep(call.cached_as, answer, steady_clock::now());
  if (call.leading) call.leading->end({answer, {}});
}

void provider_shard::answer_from_cache(live_call& call, const cached_answer& known) {
  count(setup_.counters->cache_hits);
  std::visit(
      [&](auto response) {
        response.cost = 0;
        response.attempts = 0;
        if constexpr (std::is_same_v<decltype(response), chat_response>) {
          response.cached = true;
          if (call.pending->stream && !response.content.empty()) {
            std::vector<std::string> whole{response.content};
            static_cast<void>(call.pending->text_came(whole));
          }
        }
        finish(call, std::move(response));
      },
      *known);
}

void provider_shard::leader_ended(std::uint64_t call_id, const response_cache::ending& how) {
  const auto found = calls_.find(call_id);
  if (found == calls_.end() || found->second->at != live_call::stage::following) return;
  auto& call = *found->second;
  call.at = live_call::stage::arriving;
  call.wake_at = never;
  end_wait(call, steady_clock::now());
  if (how.answer) return answer_from_cache(call, how.answer);
  if (how.failure) return finish_with(call, *how.failure);
  if (!answered_by_cache(call)) pass_breaker(call);
}

// Ends an attempt that is not wanted any more.
void provider_shard::drop(std::unique_ptr<attempt>& loser) {
  if (!loser) return;
  if (loser->exchange != 0) http_.cancel(loser->exchange);
  if (loser->of.span.valid()) {
    const auto unwanted = cancelled_error("request");
    tell_attempt(*loser, &unwanted);
  }
  close(*loser, policy::attempt_outcome::ignored, policy::limit_signal::ignored);
  loser.reset();
}

// Tells the breaker, the limiter and the adaptive limit; afterwards the attempt holds nothing.
void provider_shard::close(attempt& a, policy::attempt_outcome outcome, policy::limit_signal signal,
                           std::optional<std::uint64_t> tokens) {
  const auto now = steady_clock::now();
  report_end(a, outcome);
  if (setup_.endpoint->config.adaptive_in_flight) {
    adaptive_.finished(signal, now - a.sent_at, static_cast<std::uint32_t>(limiter_.in_flight()),
                       now);
    adapt_in_flight();
  }
  limiter_.release(std::exchange(a.ticket, 0), now, tokens);
}

void provider_shard::adapt_in_flight() {
  auto in_flight_max = in_flight_share_;
  if (setup_.endpoint->config.adaptive_in_flight) {
    in_flight_max =
        in_flight_share_ == 0 ? adaptive_.limit() : std::min(in_flight_share_, adaptive_.limit());
    limiter_.set_in_flight_max(in_flight_max);
  }
  setup_.counters->in_flight_max.store(in_flight_max, std::memory_order_relaxed);
}

// --- what answers say of limits ------------------------------------------------------------------

void provider_shard::learn(const attempt& a, const http_headers& headers) {
  const auto said = policy::learn(headers, std::time(nullptr));
  if (said.empty()) return;
  const auto now = steady_clock::now();
  if (only_shard_) return limiter_.learn(said, now, now - a.sent_at);
  const limits_learnt news{policy::per_minute(said.requests), policy::per_minute(said.tokens)};
  if (news.requests_per_minute || news.tokens_per_minute) self_.send(limiter_actor_, news);
}

// A 429 with Retry-After speaks of the key, not of the one call: the others wait as well, until the
// time has come or the provider answers what was sent later.
void provider_shard::was_refused(const attempt& a, const error& refusal) {
  if (refusal.status != 429 || refusal.retry != retry_rule::transient) return;
  const auto now = steady_clock::now();
  const auto until = now + refusal.retry_after.value_or(milliseconds{0});
  limiter_.refused(a.ticket, until, now);
  if (!only_shard_ && refusal.retry_after)
    self_.send(limiter_actor_, limiter_hold{until, a.sent_at});
}

void provider_shard::was_answered(const attempt& a) {
  if (limiter_.answered(a.ticket, steady_clock::now()) && !only_shard_)
    self_.send(limiter_actor_, limiter_lift{a.sent_at});
}

void provider_shard::held(const limiter_hold& hold) {
  limiter_.hold_until(hold.until, hold.sent_at, steady_clock::now());
}

void provider_shard::lifted(const limiter_lift& lift) {
  limiter_.lift_hold(lift.sent_at, steady_clock::now());
  pump();
}

// --- the breaker's record ------------------------------------------------------------------------

void provider_shard::report_start(attempt& a) {
  a.sequence = ++attempts_;
  report_->events.push_back({a.sequence, a.sent_at, true, a.probe, {}});
  count(setup_.counters->in_flight);
  if (!sweeping_) {
    sweeping_ = true;
    self_.home().sweep([this, alive = alive_](time_point now) { return *alive && swept(now); });
  }
}

void provider_shard::report_end(attempt& a, policy::attempt_outcome outcome) {
  report_->events.push_back({a.sequence, steady_clock::now(), false, false, outcome});
  count(setup_.counters->in_flight, -1);
  const bool urgent = outcome == policy::attempt_outcome::failure || a.probe;
  if (urgent || report_->events.size() >= report_events_max) flush_report();
}

void provider_shard::flush_report() {
  if (report_->events.empty()) return;
  self_.send(breaker_actor_, std::exchange(report_, std::make_shared<breaker_report>()));
}

}  // namespace graphbit
