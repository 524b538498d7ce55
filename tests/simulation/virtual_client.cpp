#include <simulation/virtual_client.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace graphbit::sim {

namespace {

using policy::attempt_outcome;

constexpr std::uint32_t client_child = 0, breaker_child = 1, supervisor_itself = 2;
constexpr std::uint64_t events_max = 20'000'000;  // a run that needs more does not end

error error_of(const reply& r) {
  error e;
  e.kind = error_kind::network;
  e.retry = retry_rule::transient;
  e.breaker = breaker_rule::counts;
  e.retry_after = r.retry_after;
  switch (r.kind) {
    case reply_kind::rate_limited:
      e.kind = error_kind::rate_limit;
      break;
    case reply_kind::never_answers:
      e.kind = error_kind::timeout;
      e.retry = retry_rule::never;  // its time was all the time there was
      break;
    case reply_kind::bad_request:
      e.kind = error_kind::validation;
      e.retry = retry_rule::never;
      e.breaker = breaker_rule::ignored;
      break;
    case reply_kind::unparsable:
      e.kind = error_kind::core;
      e.retry = retry_rule::once;
      break;
    case reply_kind::stale:
      e.breaker = breaker_rule::ignored;
      break;
    case reply_kind::answered:
    case reply_kind::server_error:
    case reply_kind::reset:
      break;
  }
  return e;
}

std::size_t index(priority_class c) { return static_cast<std::size_t>(c); }

}  // namespace

std::uint64_t client_report::calls() const {
  std::uint64_t sum = 0;
  for (const auto count : ends) sum += count;
  return sum;
}

virtual_client::virtual_client(client_settings settings, workload work, provider_model provider,
                               std::uint64_t seed)
    : settings_(settings),
      work_(work),
      provider_(std::move(provider)),
      random_(seed),
      events_(manual_clock().now()),
      start_(events_.now()),
      breaker_(settings.breaker),
      limiter_(settings.limits),
      budget_(settings.limits.in_flight_max),
      hedge_(settings.hedge),
      adaptive_(settings.adaptive),
      referee_(settings.limits, budget_.capacity(), start_) {
  provider_.start(start_);
  (void)supervision_.add();
  (void)supervision_.add();
}

client_report virtual_client::run() {
  calls_.resize(work_.calls);
  for (; started_ < std::min(work_.concurrency, work_.calls); ++started_) {
    events_.push(start_ + up_to(work_.think_max), event_kind::arrive, started_);
  }
  schedule_crash();
  while (ended_ < work_.calls) {
    if (events_.empty() || ++report_.events > events_max) throw violation("every call ends");
    handle(events_.pop());
    pump();
    arm_limiter();
  }
  referee_.finished(events_.now());
  report_.length = events_.now() - start_;
  report_.hedges = hedge_.hedges();
  return report_;
}

void virtual_client::handle(const event& e) {
  const auto current = [&] { return calls_[e.subject].serial == e.serial; };
  switch (e.kind) {
    case event_kind::arrive:
      return arrive(e.subject);
    case event_kind::attempt_end:
      return attempt_ended(e.subject, e.serial);
    case event_kind::hedge_due:
      if (calls_[e.subject].first.serial == e.serial) hedge_due(e.subject);
      return;
    case event_kind::wake:
      if (calls_[e.subject].at == stage::waiting && current()) pass_breaker(e.subject);
      return;
    case event_kind::deadline:
      if (calls_[e.subject].at != stage::ended) end(e.subject, call_end::timed_out);
      return;
    case event_kind::cancel:
      if (calls_[e.subject].at != stage::ended) end(e.subject, call_end::cancelled);
      return;
    case event_kind::limiter_due:
      if (e.serial == limiter_serial_) limiter_due_ = never;
      return;
    case event_kind::crash:
      crash(e.subject);
      return schedule_crash();
    case event_kind::restart:
      return restart(e.subject);
  }
}

// --- calls come and go ---------------------------------------------------------------------------

void virtual_client::plan(std::uint32_t i) {
  call& c = calls_[i];
  const time_point now = events_.now();
  c.arrived_at = now;
  c.request.id = i;
  if (random_.uniform() < work_.batch_share) c.request.priority = priority_class::batch;
  if (work_.flows > 0) {
    c.request.flow = 1 + random_.below(work_.flows);
    c.request.flow_in_flight_max = work_.flow_in_flight_max;
  }
  if (work_.tokens_max > 0) c.request.tokens = 1 + random_.below(work_.tokens_max);
  if (random_.uniform() < work_.deadline_share) {
    c.request.deadline_at = now + milliseconds(1) + up_to(work_.deadline_max);
    events_.push(c.request.deadline_at, event_kind::deadline, i);
  }
  if (random_.uniform() < work_.cancelled_share) {
    events_.push(now + up_to(milliseconds(200)), event_kind::cancel, i);
  }
  c.retry.attempts = 0;
  c.retry.deadline_at = c.request.deadline_at;
  c.retry.work_left = settings_.work_budget;
}

void virtual_client::arrive(std::uint32_t i) {
  plan(i);
  referee_.call_arrived(i, calls_[i].request.deadline_at);
  if (client_down_) {
    mailbox_.push_back(i);
  } else {
    pass_breaker(i);
  }
}

void virtual_client::end(std::uint32_t i, call_end how) {
  call& c = calls_[i];
  const time_point now = events_.now();
  if (c.at == stage::queued) {
    limiter_.cancel(c.ticket);
    --waiting_[index(c.request.priority)];
  }
  for (attempt* slot : {&c.first, &c.second}) {
    if (slot->serial != 0) close_attempt(*slot, attempt_outcome::ignored);
  }
  c.at = stage::ended;
  c.serial = 0;
  ++ended_;
  ++report_.ends[static_cast<std::size_t>(how)];
  referee_.call_ended(i, now);
  if (how == call_end::succeeded) {
    report_.latency.record(now - c.arrived_at);
    const auto second = static_cast<std::size_t>((now - start_) / seconds(1));
    if (second >= report_.per_second.size()) report_.per_second.resize(second + 1);
    ++report_.per_second[second];
  }
  if (started_ < work_.calls) {
    events_.push(now + up_to(work_.think_max), event_kind::arrive, started_++);
  }
}

// --- gates ---------------------------------------------------------------------------------------

void virtual_client::pass_breaker(std::uint32_t i) {
  const auto gate = breaker_.check(events_.now());
  if (gate.rejected()) return rejected(i, gate.retry_after);
  pass_limiter(i);
}

void virtual_client::pass_limiter(std::uint32_t i) {
  call& c = calls_[i];
  const time_point now = events_.now();
  if (const auto ticket = limiter_.try_acquire(c.request, now); ticket != 0) {
    return granted(i, ticket);
  }
  c.at = stage::queued;
  c.ticket = limiter_.enqueue(c.request, now);
  ++waiting_[index(c.request.priority)];
}

void virtual_client::pump() {
  while (const auto next = limiter_.next(events_.now())) {
    const auto i = static_cast<std::uint32_t>(next->id);
    const auto priority = calls_[i].request.priority;
    calls_[i].at = stage::idle;
    const bool comparable = work_.flows == 0 && !settings_.adaptive.enabled;
    --waiting_[index(priority)];
    if (next->expired) {
      end(i, call_end::timed_out);
      continue;
    }
    if (comparable) {
      referee_.granted(priority, waiting_[0] > 0, waiting_[1] > 0, events_.now());
    }
    granted(i, next->name);
  }
}

void virtual_client::arm_limiter() {
  const time_point due = limiter_.next_wakeup(events_.now());
  if (due >= limiter_due_) return;
  limiter_due_ = due;
  events_.push(due, event_kind::limiter_due, 0, ++limiter_serial_);
}

void virtual_client::granted(std::uint32_t i, policy::ticket ticket) {
  const time_point now = events_.now();
  const auto gate = breaker_.admit(now);
  if (gate.rejected()) {
    limiter_.give_back(ticket, now);
    return rejected(i, gate.retry_after);
  }
  call& c = calls_[i];
  ++c.retry.attempts;
  send(i, c.first, ticket, gate.kind == policy::admission_kind::probe);
}

void virtual_client::rejected(std::uint32_t i, duration retry_after) {
  if (!park(i, retry_after)) end(i, call_end::rejected);
}

bool virtual_client::park(std::uint32_t i, duration wait) {
  call& c = calls_[i];
  wait = std::max<duration>(wait, milliseconds(1));
  if (c.paused + wait > work_.pause_max) return false;
  if (c.request.deadline_at != never && events_.now() + wait > c.request.deadline_at) return false;
  c.paused += wait;
  wait_for(i, wait);
  return true;
}

void virtual_client::wait_for(std::uint32_t i, duration wait) {
  call& c = calls_[i];
  c.at = stage::waiting;
  c.serial = ++serials_;
  events_.push(events_.now() + wait, event_kind::wake, i, c.serial);
}

// --- attempts ------------------------------------------------------------------------------------

void virtual_client::send(std::uint32_t i, attempt& slot, policy::ticket ticket, bool probe) {
  call& c = calls_[i];
  const time_point now = events_.now();
  const auto before = breaker_.state(now);
  c.at = stage::out;
  slot.serial = ++serials_;
  slot.ticket = ticket;
  slot.sent_at = now;
  slot.on_record = breaker_.started(now, probe);
  slot.breaker_life = breaker_life_;
  slot.answer = provider_.answer(now, random_);
  slot.facts = {i,
                c.request.flow,
                c.request.flow_in_flight_max,
                c.request.priority,
                c.request.tokens,
                probe,
                before,
                breaker_life_};
  ++report_.attempts;
  referee_.attempt_sent(slot.facts, now);
  const duration longest = std::min(settings_.attempt_timeout, *c.retry.work_left);
  if (slot.answer.kind == reply_kind::never_answers || slot.answer.after > longest) {
    slot.answer = {reply_kind::never_answers, longest, {}, {}};
  }
  events_.push(now + slot.answer.after, event_kind::attempt_end, i, slot.serial);
  if (&slot != &c.first || probe) return;
  if (const auto delay = hedge_.delay()) {
    events_.push(now + *delay, event_kind::hedge_due, i, slot.serial);
  }
}

// The hedge goes out only where it displaces nobody: no waiting for a slot or for the rates.
void virtual_client::hedge_due(std::uint32_t i) {
  call& c = calls_[i];
  const time_point now = events_.now();
  if (c.second.serial != 0 || breaker_.state(now) != breaker_state::closed) return;
  const auto ticket = limiter_.try_acquire(c.request, now);
  if (ticket == 0) return;
  if (!hedge_.may_hedge(budget_)) return limiter_.give_back(ticket, now);
  referee_.budget_paid(now);
  send(i, c.second, ticket, false);
}

void virtual_client::attempt_ended(std::uint32_t i, std::uint64_t serial) {
  call& c = calls_[i];
  attempt* slot = c.first.serial == serial    ? &c.first
                  : c.second.serial == serial ? &c.second
                                              : nullptr;
  if (slot == nullptr) return;
  *c.retry.work_left -= events_.now() - slot->sent_at;
  if (slot->answer.kind == reply_kind::answered) return answered(i, *slot);
  const error failure = error_of(slot->answer);
  learn_from(*slot);
  close_attempt(*slot, failure.breaker == breaker_rule::counts ? attempt_outcome::failure
                                                               : attempt_outcome::ignored);
  const bool other_is_out = c.first.serial != 0 || c.second.serial != 0;
  if (!other_is_out) failed(i, failure);
}

void virtual_client::close_attempt(attempt& slot, attempt_outcome outcome) {
  const time_point now = events_.now();
  const auto in_flight = static_cast<std::uint32_t>(limiter_.in_flight());
  slot.serial = 0;
  limiter_.release(slot.ticket, now, slot.facts.tokens);
  if (settings_.adaptive.enabled) {
    const bool full = slot.answer.kind == reply_kind::rate_limited ||
                      slot.answer.kind == reply_kind::never_answers;
    const auto signal = outcome == attempt_outcome::ignored ? policy::limit_signal::ignored
                        : full                              ? policy::limit_signal::overloaded
                                                            : policy::limit_signal::answered;
    adaptive_.finished(signal, now - slot.sent_at, in_flight, now);
    limiter_.set_in_flight_max(std::min(adaptive_.limit(), settings_.limits.in_flight_max));
  }
  referee_.attempt_over(slot.facts, outcome, now);
  if (slot.breaker_life != breaker_life_) return;
  const auto before = breaker_.state(now);
  breaker_.finished(slot.on_record, outcome, now, random_);
  const auto after = breaker_.state(now);
  if (before != breaker_state::open && after == breaker_state::open) {
    ++report_.openings;
    report_.opened_at.push_back(now - start_);
    referee_.breaker_opened(slot.facts.probe, now);
  }
  if (before != breaker_state::closed && after == breaker_state::closed) {
    report_.closed_at.push_back(now - start_);
    report_.recovered_after.push_back(now - breaker_.snapshot(now).open_until);
  }
}

void virtual_client::answered(std::uint32_t i, attempt& winner) {
  call& c = calls_[i];
  learn_from(winner);
  if (&winner == &c.first) {
    hedge_.first_answered(events_.now() - winner.sent_at);
  } else if (c.first.serial != 0) {
    hedge_.first_lost();
  }
  close_attempt(winner, attempt_outcome::success);
  budget_.succeeded();
  referee_.call_succeeded();
  end(i, call_end::succeeded);
}

void virtual_client::learn_from(const attempt& slot) {
  if (!settings_.learns) return;
  const time_point now = events_.now();
  limiter_.learn(slot.answer.limits, now, now - slot.sent_at);
  const bool refusal = slot.answer.kind == reply_kind::rate_limited;
  if (!refusal && slot.answer.kind != reply_kind::answered) return;
  const auto wait = slot.answer.retry_after.value_or(milliseconds(0));
  referee_.answered_with(refusal, now + std::min(wait, milliseconds(60'000)), now);
  if (refusal) return limiter_.refused(slot.ticket, now + wait, now);
  (void)limiter_.answered(slot.ticket, now);
}

void virtual_client::failed(std::uint32_t i, const error& failure) {
  call& c = calls_[i];
  const time_point now = events_.now();
  const bool told = failure.retry == retry_rule::transient && failure.retry_after.has_value();
  if (told && park(i, *failure.retry_after)) return;
  const auto decision =
      policy::decide_retry(settings_.retry, failure, c.retry, now, budget_, random_);
  if (failure.retry == retry_rule::once) c.retry.retried_unparsable = true;
  if (!decision.retry()) return give_up(i, failure, decision);
  ++report_.retries;
  referee_.budget_paid(now);
  *c.retry.work_left -= decision.after;
  wait_for(i, decision.after);
}

// A parking call waits out what its retries could not: then it has them again.
void virtual_client::give_up(std::uint32_t i, const error& failure,
                             const policy::retry_decision& decision) {
  using policy::give_up_reason;
  const bool spent = decision.reason == give_up_reason::retries_spent ||
                     decision.reason == give_up_reason::budget_spent;
  if (spent && failure.breaker == breaker_rule::counts && park(i, milliseconds(500))) {
    calls_[i].retry.attempts = 0;
    return;
  }
  end(i,
      decision.reason == give_up_reason::wait_too_long ? call_end::rate_limited : call_end::failed);
}

// --- the actors die and come back ----------------------------------------------------------------

void virtual_client::schedule_crash() {
  if (work_.crashes_per_minute <= 0) return;
  const double minutes = -std::log(1 - random_.uniform()) / work_.crashes_per_minute;
  const auto wait = std::chrono::duration_cast<duration>(minutes * std::chrono::minutes(1));
  events_.push(events_.now() + wait, event_kind::crash,
               static_cast<std::uint32_t>(random_.below(2)));
}

void virtual_client::crash(std::uint32_t child) {
  if (supervisor_down_ || supervision_.state(child) != policy::child_state::running) return;
  if (child == breaker_child) breaker_dies();
  if (child == client_child) client_dies();
  for (const auto& action : supervision_.exited(child, true, events_.now())) {
    if (action.what == policy::supervision_action::kind::restart) {
      referee_.restart_ordered(child, events_.now());
      events_.push(events_.now() + action.after, event_kind::restart, action.child);
    } else {
      escalate();
    }
  }
}

void virtual_client::breaker_dies() {
  breaker_ = policy::breaker(settings_.breaker);
  ++breaker_life_;
  referee_.breaker_restarted();
}

// Every call that it held gets its answer; those that come now wait for its next incarnation.
void virtual_client::client_dies() {
  client_down_ = true;
  for (std::uint32_t i = 0; i < started_; ++i) {
    const stage at = calls_[i].at;
    if (at != stage::idle && at != stage::ended) end(i, call_end::crashed);
  }
  limiter_ = policy::limiter(settings_.limits);
  budget_ = policy::retry_budget(settings_.limits.in_flight_max);
  limiter_due_ = never;
  referee_.client_restarted();
}

void virtual_client::escalate() {
  ++report_.escalations;
  supervisor_down_ = true;
  client_dies();
  breaker_dies();
  events_.push(events_.now() + seconds(1), event_kind::restart, supervisor_itself);
}

void virtual_client::restart(std::uint32_t child) {
  if (child == supervisor_itself) {
    supervisor_down_ = false;
    supervision_ = policy::supervision{};
    referee_.supervisor_restarted();
    (void)supervision_.add();
    (void)supervision_.add();
  } else if (supervisor_down_ || supervision_.state(child) != policy::child_state::restarting) {
    return;  // a timer from before an escalation
  } else {
    static_cast<void>(supervision_.started(child));
    ++report_.restarts;
  }
  if (child == breaker_child) return;
  client_down_ = false;
  for (const auto i : std::exchange(mailbox_, {})) {
    if (calls_[i].at == stage::idle) pass_breaker(i);
  }
}

}  // namespace graphbit::sim
