// Durable runs while they run: results, parking, leases, messages, adoption.
#include "src/durable_runs.hpp"

#include <algorithm>
#include <utility>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/reactor.hpp>

#include "src/owner_name.hpp"
#include "src/run_journal.hpp"

namespace graphbit {

namespace {

constexpr auto look_period = seconds{1};
constexpr auto prune_period = std::chrono::minutes{10};
constexpr auto measure_period = std::chrono::minutes{1};
constexpr auto not_ours_for = seconds{60};
constexpr std::size_t due_max = 64;
constexpr std::size_t looked_at_max = 1'000;

error closed_error() { return cancelled_error("executor"); }

end_early hand_over() {
  return {std::make_shared<const error>(closed_error()), {.leave_as = stored_state::running}};
}

}  // namespace

durable_runs::durable_runs(runtime& rt, const executor_options& options, durable_hooks hooks)
    : rt_(rt),
      store_(options.store),
      hooks_(std::move(hooks)),
      adopt_(options.adopt),
      keep_(options.keep),
      lease_{.owner = make_owner_name()},
      prune_at_(steady_clock::now() + look_period),
      writer_(options.store, {.tick = [this] { tick(); },
                              .lost = [this](const std::shared_ptr<run_journal>& run,
                                             const error& why) { run_lost(run, why); },
                              .ended =
                                  [this] {
                                    if (hooks_.ended) hooks_.ended();
                                  }}) {
  for (const workflow& flow : options.workflows) learn(std::make_shared<const workflow>(flow));
}

void durable_runs::start(durable_request request) {
  const auto shared = std::make_shared<durable_request>(std::move(request));
  const auto give_up_at = steady_clock::now() + lease_.length + look_period;
  if (!writer_.post([this, shared, give_up_at] { begin(shared, give_up_at); }))
    refuse(shared, closed_error());
}

void durable_runs::look() {
  writer_.post([this] {
    renew_at_ = adopt_at_ = waiters_at_ = {};
    tick();
  });
}

void durable_runs::cancel(const std::string& run_id) {
  writer_.post([this, run_id] {
    if (const auto state = store_->request_cancel(run_id); !state)
      return log(log_level::warn, "journal", state.error().message);
    renew_at_ = waiters_at_ = {};
    tick();
  });
}

// --- answers ------------------------------------------------------------------------------------

void durable_runs::answer(const request_ptr& request, const run_result& result) const {
  if (!request->done) return;
  request->home->post([done = std::exchange(request->done, nullptr), result] { done(result); });
}

void durable_runs::answer_all(known_run& run, const run_result& result) const {
  for (const waiter& w : std::exchange(run.waiters, {})) answer(w.request, result);
}

void durable_runs::refuse(const request_ptr& request, const error& why) {
  if (!request->done) {  // nobody asked: the run is left to others for a while
    not_ours_.insert_or_assign(request->options.run_id, steady_clock::now() + not_ours_for);
    log(log_level::warn, "journal",
        "run '" + request->options.run_id + "' cannot go on here: " + why.message);
  }
  const auto flow = request->flow ? request->flow : std::make_shared<const workflow>();
  answer(request, unstarted_result(request->options.run_id, flow, request->options.inputs, why));
}

void durable_runs::add_waiter(const std::string& run_id, const request_ptr& request) {
  if (!request->done) return;
  waiter w{next_waiter_++, request, nullptr};
  if (request->options.stop.stop_possible())
    w.on_stop = std::make_unique<std::stop_callback<std::function<void()>>>(
        request->options.stop, [weak = weak_from_this(), run_id, number = w.number] {
          const auto self = weak.lock();
          if (self)
            self->writer_.post([self, run_id, number] { self->waiter_stopped(run_id, number); });
        });
  runs_[run_id].waiters.push_back(std::move(w));
}

/// The run pauses when nobody waits for it any more; while others do, it goes on.
void durable_runs::waiter_stopped(const std::string& run_id, std::uint64_t number) {
  const auto found = runs_.find(run_id);
  if (found == runs_.end()) return;
  known_run& run = found->second;
  const auto w = std::find_if(run.waiters.begin(), run.waiters.end(),
                              [&](const waiter& each) { return each.number == number; });
  if (w == run.waiters.end()) return;
  if (run.journal && run.waiters.size() == 1) {
    run.stopping = true;
    return run.journal->send([](const caf::actor& actor) {
      caf::anon_send(actor,
                     end_early{std::make_shared<const error>(cancelled_error("workflow_execution")),
                               {.leave_as = stored_state::paused}});
    });
  }
  const auto request = w->request;
  run.waiters.erase(w);
  refuse(request, cancelled_error("workflow_execution"));
  if (run.waiters.empty() && !run.journal) runs_.erase(found);
}

// --- ends ---------------------------------------------------------------------------------------

void durable_runs::run_ended(const std::string& run_id, const run_result& result) {
  const auto found = runs_.find(run_id);
  if (found == runs_.end()) return;
  known_run run = std::move(found->second);
  runs_.erase(found);
  // One that never started has left nothing in the store yet: somebody else may begin it.
  const auto held = writer_.held().find(run_id);
  if (held != writer_.held().end() && held->second == run.journal)
    run.journal->leave({.state = stored_state::running}, std::nullopt, {});
  answer_all(run, result);
  end_if_closed();
}

void durable_runs::run_parked(const std::shared_ptr<run_journal>& run, wall_time until,
                              std::uint64_t heard) {
  run_change change{.state = stored_state::parked};
  if (until != wall_time::max()) change.wake_at = until;
  run->leave(std::move(change), std::nullopt, [this, run, heard](const expected<void>& kept) {
    const std::string& run_id = run->held().run_id;
    const auto found = runs_.find(run_id);
    if (found == runs_.end() || found->second.journal != run) return;
    known_run& known = found->second;
    known.journal = nullptr;
    if (!kept || known.stopping)
      for (const waiter& w : std::exchange(known.waiters, {}))
        refuse(w.request, kept ? cancelled_error("workflow_execution") : kept.error());
    // A message that reached the actor too late is in the records by now.
    const bool missed = run->told() != heard;
    if (known.waiters.empty()) runs_.erase(found);
    if (kept && missed && !closing_)
      writer_.post([this, run_id] {
        const auto stored = store_->find(run_id);
        if (stored && *stored) revive(**stored, claim_rule::open);
      });
    end_if_closed();
  });
}

void durable_runs::run_lost(const std::shared_ptr<run_journal>& run, const error& why) {
  run->send([why](const caf::actor& actor) {
    caf::anon_send(actor, end_early{std::make_shared<const error>(why), {.unrecorded = true}});
  });
}

// --- every now and then -------------------------------------------------------------------------

void durable_runs::tick() {
  const auto now = steady_clock::now();
  begin_later(now);
  if (now >= renew_at_) {
    renew_at_ = now + look_period;
    renew();
  }
  if (now >= adopt_at_) {
    adopt_at_ = now + look_period;
    adopt_due();
  }
  look_after_waiters(now);
  if (now >= prune_at_ && !closing_) {
    prune_at_ = now + prune_period;
    prune();
  }
  if (now >= measure_at_ && !closing_) {
    measure_at_ = now + measure_period;
    measure();
  }
  end_if_closed();
}

void durable_runs::begin_later(time_point now) {
  for (auto waiting = std::exchange(later_, {}); !waiting.empty(); waiting.pop_front()) {
    later_request& next = waiting.front();
    if (closing_)
      refuse(next.request, closed_error());
    else if (next.request->options.stop.stop_requested())
      refuse(next.request, cancelled_error("workflow_execution"));
    else if (now >= next.again_at)
      begin(next.request, next.give_up_at);
    else
      later_.push_back(std::move(next));
  }
}

void durable_runs::renew() {
  std::vector<held_run> held;
  for (const auto& [run_id, run] : writer_.held()) held.push_back(run->held());
  if (held.empty()) return;
  const auto until = steady_clock::now() + lease_.length;
  const auto renewed = store_->renew(lease_, held);
  if (!renewed) {
    log(log_level::warn, "journal",
        store_->name() + ": leases could not be renewed: " + renewed.error().message);
    return;
  }
  for (const std::string& run_id : renewed->lost) {
    const auto found = writer_.held().find(run_id);
    if (found == writer_.held().end()) continue;
    const auto run = found->second;
    writer_.lose(run, journal_writer::fenced(run_id));
  }
  for (const auto& [run_id, run] : writer_.held()) run->renewed(until);
  for (const run_message& message : renewed->messages) heed(message);
}

void durable_runs::heed(const run_message& message) {
  const auto found = writer_.held().find(message.run_id);
  if (found == writer_.held().end()) return;
  if (message.record.kind == journal_kind::cancel_request)
    found->second->tell(
        end_early{std::make_shared<const error>(cancelled_error("workflow_execution")), {}});
  else if (message.record.kind == journal_kind::signal)
    found->second->tell(signal_came{message.record.key,
                                    std::make_shared<const json_value>(
                                        parse_json(message.record.body).value_or(json_value()))});
}

/// Also revives the parked runs that were left here, by the same rule.
void durable_runs::adopt_due() {
  if (closing_) return;
  const auto due = store_->due(due_after_, due_max);
  if (!due) return;
  const bool is_page = due->size() == due_max;  // there are more
  due_after_ = is_page ? due->back().run_id : std::string();
  const auto now = steady_clock::now();
  std::erase_if(not_ours_, [&](const auto& entry) { return entry.second <= now; });
  for (const stored_run& run : *due) {
    if (not_ours_.contains(run.run_id) || writer_.held().contains(run.run_id)) continue;
    const bool awaited = runs_.contains(run.run_id);
    if (awaited || (adopt_ && may_adopt(run)))
      revive(run, claim_rule::due);
    else
      not_ours_.insert_or_assign(run.run_id, now + not_ours_for);
  }
  if (is_page) writer_.post([this] { adopt_due(); });  // what is to be written goes first
}

bool durable_runs::may_adopt(const stored_run& run) {
  if (run.about_json != hooks_.about_json) return false;
  const bool known = std::any_of(flows_.begin(), flows_.end(), [&](const known_flow& each) {
    return each.hash == run.graph_hash;
  });
  if (known) return true;
  const auto found = store_->find(run.run_id);
  if (!found || !*found) return false;
  const auto flow = stored_flow({.run = **found, .records = {}}, run_replay{});
  if (flow) return true;
  log(log_level::info, "journal",
      "run '" + run.run_id + "' is not adopted here: " + flow.error().message);
  return false;
}

/// With nobody who asks: whatever goes wrong leaves the run to others.
void durable_runs::revive(const stored_run& run, claim_rule rule) {
  const std::string& run_id = run.run_id;
  const auto request = std::make_shared<durable_request>();
  request->options.run_id = run_id;
  const auto claimed = claim(run_id, rule);
  if (!claimed && !journal_writer::may_pass(claimed.error()))
    return refuse(request, claimed.error());  // damaged
  if (!claimed || !*claimed || (*claimed)->token == 0) return;
  const auto awaited = runs_.find(run_id);
  if (awaited != runs_.end() && !awaited->second.waiters.empty()) {
    const run_options& asked = awaited->second.waiters.front().request->options;
    request->options.on_event = asked.on_event;
    request->options.stream_tokens = asked.stream_tokens;
    request->options.valve = asked.valve;
    request->options.backends = asked.backends;
    request->options.max_cost = asked.max_cost;
    request->options.max_total_tokens = asked.max_total_tokens;
  }
  request->wish = durable_wish::resume;
  request->home = &rt_.next_reactor();
  begin_claimed(request, **claimed);
}

void durable_runs::look_after_waiters(time_point now) {
  for (auto at = runs_.begin(); at != runs_.end();) {
    known_run& run = at->second;
    for (std::size_t i = 0; i < run.waiters.size();)
      if (now >= run.waiters[i].request->options.deadline_at) {
        const auto late = run.waiters[i].request;
        run.waiters.erase(run.waiters.begin() + static_cast<std::ptrdiff_t>(i));
        refuse(late, timeout_error(late->options.timeout_operation, milliseconds{0},
                                   "run '" + at->first +
                                       "' has not ended in time; it goes on in its store, and "
                                       "executing it again waits on"));
      } else {
        ++i;
      }
    at = run.waiters.empty() && !run.journal ? runs_.erase(at) : std::next(at);
  }
  if (now < waiters_at_) return;
  waiters_at_ = now + look_period;
  look_for_ends_elsewhere(now);
}

/// Runs that are waited for here may end in other hands. Many are looked at in turn.
void durable_runs::look_for_ends_elsewhere(time_point now) {
  std::vector<std::string> elsewhere;
  for (const auto& [run_id, run] : runs_)
    if (!run.journal && run_id > ends_after_) elsewhere.push_back(run_id);
  const bool are_more = elsewhere.size() > looked_at_max;
  if (are_more) {
    std::nth_element(elsewhere.begin(), elsewhere.begin() + looked_at_max - 1, elsewhere.end());
    elsewhere.resize(looked_at_max);
  }
  ends_after_ = are_more ? elsewhere.back() : std::string();
  if (elsewhere.empty()) return;
  const auto ended = store_->ended_of(elsewhere);
  if (!ended) return;
  for (const std::string& run_id : *ended) {
    const auto waiters = std::move(runs_[run_id].waiters);
    runs_.erase(run_id);
    for (const waiter& w : waiters) begin(w.request, now);
  }
}

void durable_runs::prune() {
  const auto pruned = store_->prune(keep_);
  if (!pruned)
    log(log_level::warn, "journal", store_->name() + ": old runs stay: " + pruned.error().message);
  else if (*pruned > 0)
    prune_at_ = {};  // there may be more
}

void durable_runs::measure() {
  const auto size = store_->size();
  if (!size) return;
  const std::lock_guard guard(size_mutex_);
  size_ = *size;
}

// --- the end ------------------------------------------------------------------------------------

void durable_runs::close() {
  writer_.post([this] {
    closing_ = true;
    for (auto& [run_id, run] : runs_) {
      if (run.journal)
        run.journal->send([](const caf::actor& actor) { caf::anon_send(actor, hand_over()); });
      else
        for (const waiter& w : std::exchange(run.waiters, {})) refuse(w.request, closed_error());
    }
    std::erase_if(runs_, [](const auto& entry) { return !entry.second.journal; });
    begin_later(steady_clock::now());
    end_if_closed();
  });
}

void durable_runs::end_if_closed() {
  if (closing_ && runs_.empty()) writer_.finish();
}

void durable_runs::join(milliseconds patience) { writer_.stop(patience); }

journal_service::journal_service(runtime& rt)
    : registry_(rt.service<metrics_registry>()),
      collector_(registry_->collect_with([this](metrics_page& page) { collect(page); })) {}

journal_service::~journal_service() {
  collector_.reset();
  const auto left = kept_->take_all();
  for (const auto& runs : left) runs->close();
  for (const auto& runs : left) runs->join(seconds{5});
}

// What has ended lets go of its store: on a thread of the pool, which can wait for the writer's.
std::shared_ptr<durable_runs> journal_service::make(runtime& rt, const executor_options& options,
                                                    durable_hooks hooks) {
  const auto self = std::make_shared<std::weak_ptr<durable_runs>>();
  hooks.ended = [kept = kept_, self, &rt] {
    static_cast<void>(rt.blocking().submit([kept, self] {
      if (const auto runs = self->lock(); runs && kept->take(runs)) runs->join(seconds{5});
    }));
  };
  auto runs = std::make_shared<durable_runs>(rt, options, std::move(hooks));
  *self = runs;
  kept_->add(runs);
  return runs;
}

void journal_service::collect(metrics_page& page) const {
  std::map<std::string, store_size> sizes;
  for (const auto& runs : kept_->all())
    if (const auto size = runs->last_size(); size && !runs->ended())
      sizes.insert_or_assign(runs->store()->name(), *size);
  for (const auto& [store, size] : sizes) {
    // Clang 14 captures no structured binding by its name alone.
    const auto runs = [&page, &name = store](const char* state, std::uint64_t count) {
      page.gauge("graphbit_store_runs", "Durable runs in a store, by whether they have ended.",
                 {{"store", name}, {"state", state}}, static_cast<double>(count));
    };
    runs("open", size.runs_open);
    runs("ended", size.runs_ended);
    page.gauge("graphbit_store_bytes", "What a store of durable runs takes, with all indexes.",
               {{"store", store}}, static_cast<double>(size.bytes));
    if (size.oldest)
      page.gauge("graphbit_store_oldest_seconds",
                 "Time since the end of the run in a store that ended first.", {{"store", store}},
                 std::chrono::duration<double>(wall_now() - *size.oldest).count());
  }
}

}  // namespace graphbit
