// How durable runs begin: claimed from the store, compared with what they are to go on with, set
// going.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <graphbit/runtime/limits.hpp>
#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/random.hpp>
#include <graphbit/runtime/reactor.hpp>

#include "src/durable_runs.hpp"
#include "src/graph_identity.hpp"
#include "src/owner_name.hpp"
#include "src/record_key.hpp"
#include "src/recorded_run.hpp"
#include "src/rerun_set.hpp"
#include "src/run_journal.hpp"
#include "src/run_progress.hpp"

namespace graphbit {

namespace {

constexpr std::size_t flows_known_max = 256;
constexpr std::size_t begun_at_once_max = 100;  // others wait for the store meanwhile

/// What the world outside made fail may work the next time; a refused request or an exception in a
/// function will not by itself.
bool of_the_world(error_kind kind) noexcept {
  constexpr std::array kinds{
      error_kind::network,        error_kind::rate_limit,         error_kind::timeout,
      error_kind::authentication, error_kind::resource_exhausted, error_kind::runtime};
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

error failure_of(const std::string& failure_json) {
  return read_error(parse_json(failure_json).value_or(json_value{json_value::object{}}));
}

/// Calls of a run that was begun with backends of its own (masking) must never go out without.
constexpr std::string_view guarded_mark = ",\"guarded\":true}";

std::string about_run(const std::string& about_executor, const run_options& options) {
  if (!options.backends) return about_executor;
  return about_executor.substr(0, about_executor.size() - 1) + std::string(guarded_mark);
}

bool same_members(const json_value& a, const json_value& b) {
  if (!a.is_object() || !b.is_object()) return a == b;
  return a.as_object().size() == b.as_object().size() &&
         std::all_of(a.as_object().begin(), a.as_object().end(), [&](const auto& member) {
           const json_value* other = b.find(member.first);
           return other != nullptr && *other == member.second;
         });
}

std::string claimed_body(const std::string& owner, const std::string& mapped_workflow) {
  std::string out = "{\"owner\":";
  append_json_string(out, owner);
  if (!mapped_workflow.empty()) out += ",\"workflow\":" + mapped_workflow;
  return out + "}";
}

/// Keys of recorded nodes that count no longer when what failed is run again; those inside failed
/// sub-workflows too.
void keys_to_rerun(const run_plan& plan, const std::string& prefix, const run_replay& replay,
                   const std::function<bool(const error&)>& again, std::vector<std::string>& out) {
  rerun_set set(plan, prefix);
  for (std::uint32_t i = 0; i < plan.size(); ++i) {
    const std::string key = set.key(i);
    const auto* sub = std::get_if<sub_workflow_spec>(&plan.step(i).spec);
    if (sub != nullptr && (replay.failed(key) || replay.node(key) == nullptr))
      if (const auto inner = run_plan::make(sub->flow))
        keys_to_rerun(**inner, key + "/", replay, again, out);
    if (!replay.failed(key)) continue;
    const auto body = parse_json(*replay.node(key));
    const json_value* failure = body ? body->find("error") : nullptr;
    if (failure == nullptr || again(read_error(*failure))) set.add_with_followers(i);
  }
  for (const std::uint32_t i : set.nodes())
    if (replay.node(set.key(i)) != nullptr || replay.skipped(set.key(i))) out.push_back(set.key(i));
}

}  // namespace

const durable_runs::known_flow& durable_runs::learn(const std::shared_ptr<const workflow>& flow) {
  // Copies of a workflow share their contents until one is changed, and what is kept here is not.
  const auto same = std::find_if(flows_.begin(), flows_.end(), [&](const known_flow& each) {
    return &each.flow->nodes() == &flow->nodes();
  });
  if (same != flows_.end()) return *same;
  known_flow made{flow, graph_hash(graph_identity(*flow)), to_json(flow->to_json())};
  std::erase_if(flows_, [&](const known_flow& each) { return each.hash == made.hash; });
  if (flows_.size() >= flows_known_max) flows_.pop_front();
  return flows_.emplace_back(std::move(made));
}

/// The workflow of a run that nobody brings: one that was seen here, or as the store has it.
expected<std::shared_ptr<const workflow>> durable_runs::stored_flow(const claimed_run& claimed,
                                                                    const run_replay& replay) {
  std::string hash = claimed.run.graph_hash, text = claimed.run.workflow_json;
  if (!replay.mapped_workflow().empty()) {
    text = replay.mapped_workflow();
    const auto mapped = readable_workflow(text);
    if (!mapped) return fail(mapped.error());
    hash = graph_hash(graph_identity(*mapped));
  }
  for (const known_flow& known : flows_)
    if (known.hash == hash) return known.flow;
  const auto document = parse_json(text);
  if (!document) return fail(document.error());
  auto read = workflow::from_json(*document);
  if (!read)
    return fail(validation_error(
        "workflow", "run '" + claimed.run.run_id +
                        "' calls functions that its store cannot hold (" + read.error().message +
                        "); give its workflow, or name it in the executor's workflows"));
  return std::make_shared<const workflow>(std::move(*read));
}

// --- claiming -----------------------------------------------------------------------------------

void durable_runs::begin(const request_ptr& request, time_point give_up_at) {
  if (closing_) return refuse(request, cancelled_error("executor"));
  if (request->wish == durable_wish::fork) return begin_fork(request);
  if (attach(request)) return;
  if (request->wish == durable_wish::execute) {
    if (new_.empty()) writer_.post([this] { begin_together(); });
    new_.push_back({request, give_up_at});
    return;
  }
  auto claimed = claim(request->options.run_id, claim_rule::open);
  begun({request, give_up_at}, std::move(claimed).map([](auto run) { return std::move(*run); }));
}

/// Runs that were asked for meanwhile share a transaction: each costs a flush of the disk.
void durable_runs::begin_together() {
  std::vector<new_request> group;
  std::set<std::string> run_ids;
  for (new_request& next : std::exchange(new_, {})) {
    if (closing_) {
      refuse(next.request, cancelled_error("executor"));
      continue;
    }
    if (attach(next.request)) continue;  // revived meanwhile
    if (!run_ids.insert(next.request->options.run_id).second) {
      begin(next.request, next.give_up_at);  // attached to the first of this name, the next time
      continue;
    }
    group.push_back(std::move(next));
    if (group.size() == begun_at_once_max) begin_group(std::exchange(group, {}));
  }
  if (!group.empty()) begin_group(std::move(group));
}

void durable_runs::begin_group(std::vector<new_request> group) {
  std::vector<run_to_begin> rows;
  rows.reserve(group.size());
  for (const new_request& next : group) rows.push_back(row_of(*next.request));
  claimed_at_ = steady_clock::now();
  auto claimed = store_->begin_all(rows, lease_);
  const bool one_is_damaged = !claimed && claimed.error().kind == error_kind::core;
  if (one_is_damaged && group.size() > 1) {  // the others go on
    for (new_request& next : group) begin_group({std::move(next)});
    return;
  }
  for (std::size_t i = 0; i < group.size(); ++i)
    begun(group[i], claimed ? std::move((*claimed)[i]) : fail(claimed.error()));
}

run_to_begin durable_runs::row_of(const durable_request& request) {
  const known_flow& flow = learn(request.flow);
  run_to_begin run;
  run.run_id = request.options.run_id;
  run.workflow_name = request.flow->name();
  run.graph_hash = flow.hash;
  run.workflow_json = flow.json;
  run.inputs_json = to_json(request.options.inputs.is_null() ? json_value{json_value::object{}}
                                                             : request.options.inputs);
  run.about_json = about_run(hooks_.about_json, request.options);
  return run;
}

void durable_runs::begun(const new_request& next, expected<claimed_run> claimed) {
  const request_ptr& request = next.request;
  if (!claimed && claimed.error().field == "run_id" && owner_is_gone(claimed.error().value))
    claimed =
        claim(request->options.run_id, claim_rule::open, claimed.error().value).map([](auto run) {
          return std::move(*run);
        });
  if (!claimed) return begin_again_later(request, claimed.error(), next.give_up_at);
  if (claimed->token == 0) return begin_ended(request, *claimed);
  begin_claimed(request, *claimed);
}

/// Another's lease may end, and a store may come back; longer than a lease nobody waits for that.
void durable_runs::begin_again_later(const request_ptr& request, const error& why,
                                     time_point give_up_at) {
  const bool held_elsewhere = why.field == "run_id" && why.retry_after.has_value();
  const bool out_of_reach = journal_writer::may_pass(why);
  const auto now = steady_clock::now();
  const bool in_vain = held_elsewhere && now + *why.retry_after > give_up_at;
  if ((!held_elsewhere && !out_of_reach) || in_vain || now >= give_up_at)
    return refuse(request, why);
  later_.push_back({request, now + journal_writer::tick_period, give_up_at});
}

/// A run that is at work here has one more who waits for it.
bool durable_runs::attach(const request_ptr& request) {
  const std::string& run_id = request->options.run_id;
  const auto found = runs_.find(run_id);
  if (found == runs_.end() || !found->second.journal || found->second.stopping) return false;
  if (request->flow && learn(request->flow).hash != found->second.graph_hash) {
    refuse(request, validation_error("workflow", "run '" + run_id +
                                                     "' is at work here with another workflow; "
                                                     "wait for its end, or cancel it"));
    return true;
  }
  add_waiter(run_id, request);
  return true;
}

expected<std::optional<claimed_run>> durable_runs::claim(const std::string& run_id, claim_rule rule,
                                                         const std::string& gone) {
  claimed_at_ = steady_clock::now();
  return store_->claim(run_id, lease_, rule, gone);
}

/// Takes a claim back, as far as it can be.
void durable_runs::give_back(const claimed_run& claimed) {
  run_change before = claimed.before;
  if (before.state == stored_state::running) before.state = stored_state::paused;
  const std::array groups{run_append{claimed.run.run_id, claimed.token, {}, before}};
  if (const auto done = store_->append(groups); !done)
    log(log_level::warn, "journal", done.error().message);
}

// --- runs that have ended -----------------------------------------------------------------------

bool durable_runs::goes_on(const durable_request& request, const stored_run& run) const {
  switch (request.wish) {
    case durable_wish::execute:
      return run.state == stored_state::failed && of_the_world(failure_of(run.failure_json).kind);
    case durable_wish::resume:
      return run.state != stored_state::completed;
    case durable_wish::retry:
      return true;
    case durable_wish::fork:
      return false;
  }
  return false;
}

void durable_runs::begin_ended(const request_ptr& request, const claimed_run& claimed) {
  if (!goes_on(*request, claimed.run)) return show(request, claimed);
  const auto again = claim(request->options.run_id, claim_rule::ended);
  if (!again) return refuse(request, again.error());
  begin_claimed(request, **again);
}

/// The recorded result; the workflow given must be the one that was run.
void durable_runs::show(const request_ptr& request, const claimed_run& claimed) {
  const run_replay replay(claimed.records);
  auto flow = readable_workflow(replay.mapped_workflow().empty() ? claimed.run.workflow_json
                                                                 : replay.mapped_workflow());
  if (!flow) return refuse(request, flow.error());
  auto shown = std::make_shared<const workflow>(std::move(*flow));
  if (request->flow) {
    const auto difference =
        graph_difference(graph_identity(*shown), graph_identity(*request->flow));
    if (!difference.empty() && request->options.on_change == change_rule::refuse)
      return refuse(request,
                    validation_error("workflow", "run '" + claimed.run.run_id +
                                                     "' has ended with another workflow: " +
                                                     difference + ". Take another run_id"));
    if (difference.empty()) shown = request->flow;  // with the caller's own ids
  }
  auto plan = run_plan::make(std::move(shown));
  if (!plan) return refuse(request, plan.error());
  run_setup setup;
  setup.plan = std::move(*plan);
  setup.run_id = claimed.run.run_id;
  setup.inputs = parse_json(claimed.run.inputs_json).value_or(json_value());
  setup.listener = request->options.on_event;
  setup.journal = std::make_shared<run_journal>(nullptr, held_run{claimed.run.run_id, 0}, replay);
  std::optional<error> failure;
  if (!claimed.run.failure_json.empty()) failure = failure_of(claimed.run.failure_json);
  const auto state = claimed.run.state == stored_state::completed ? run_state::completed
                     : claimed.run.state == stored_state::failed  ? run_state::failed
                                                                  : run_state::cancelled;
  if (state == run_state::cancelled && !failure) failure = cancelled_error("workflow_execution");
  request->home->post([request, setup = std::move(setup), state, failure]() mutable {
    const auto done = std::exchange(request->done, nullptr);
    if (done) done(recorded_result(std::move(setup), state, failure));
  });
}

/// Somebody asked to cancel the run while nobody worked on it.
void durable_runs::cancel_now(const request_ptr& request, claimed_run claimed) {
  const journal_record last{
      0, journal_kind::run_ended, std::string(to_string(stored_state::cancelled)), {}, wall_now()};
  const std::array groups{run_append{
      claimed.run.run_id, claimed.token, {last}, run_change{.state = stored_state::cancelled}}};
  if (const auto done = store_->append(groups); !done) return refuse(request, done.error());
  claimed.run.state = stored_state::cancelled;
  show(request, claimed);
}

// --- runs that go on ----------------------------------------------------------------------------

void durable_runs::begin_claimed(const request_ptr& request, const claimed_run& claimed) {
  run_replay replay(claimed.records);
  const bool reopened = is_ended(claimed.before.state);
  if (replay.cancel_requested() && !reopened) return cancel_now(request, claimed);
  auto basis = basis_of(*request, claimed, replay);
  if (!basis) {
    give_back(claimed);
    return refuse(request, basis.error());
  }
  std::vector<std::string> forgotten;
  if (reopened || request->wish == durable_wish::retry)
    keys_to_rerun(
        *basis->setup.plan, "", replay,
        [&](const error& e) {
          return request->wish != durable_wish::execute || of_the_world(e.kind);
        },
        forgotten);
  for (const std::string& key : forgotten) replay.forget(key);

  const auto journal =
      std::make_shared<run_journal>(std::shared_ptr<journal_writer>(shared_from_this(), &writer_),
                                    held_run{claimed.run.run_id, claimed.token}, std::move(replay));
  journal->renewed(claimed_at_ + lease_.length);
  writer_.hold(journal);
  journal->add(journal_kind::claimed, {}, claimed_body(lease_.owner, basis->mapped));
  for (const std::string& key : forgotten) journal->add(journal_kind::forgotten, key);
  set_going(request, std::move(basis->setup), journal);
}

/// What the run goes on with: its workflow and inputs, which must be those that it began with.
expected<durable_runs::run_basis> durable_runs::basis_of(const durable_request& request,
                                                         const claimed_run& claimed,
                                                         const run_replay& replay) {
  const std::string& run_id = claimed.run.run_id;
  if (claimed.run.about_json.ends_with(guarded_mark) && !request.options.backends)
    return fail(validation_error("policy", "run '" + run_id +
                                               "' began under a policy; execute it again with its "
                                               "policy, so that nothing goes out unmasked"));
  run_basis basis;
  auto flow = request.flow ? expected<std::shared_ptr<const workflow>>(request.flow)
                           : stored_flow(claimed, replay);
  if (!flow) return fail(flow.error());
  if (request.flow && !claimed.created) {
    auto mapped = mapped_text(request, claimed, replay);
    if (!mapped) return fail(mapped.error());
    basis.mapped = std::move(*mapped);
  }
  auto plan = request.plan ? expected<std::shared_ptr<const run_plan>>(request.plan)
                           : run_plan::make(*flow);
  if (!plan) return fail(plan.error());

  run_options options = request.options;
  options.inputs = parse_json(claimed.run.inputs_json).value_or(json_value());
  if (!request.options.inputs.is_null() && !same_members(request.options.inputs, options.inputs))
    return fail(validation_error("inputs", "run '" + run_id +
                                               "' began with other inputs; leave them out, fork "
                                               "the run, or take another run_id"));
  auto setup = hooks_.prepare(*plan, options);
  if (!setup) return fail(setup.error());
  basis.setup = std::move(*setup);
  return basis;
}

/// The workflow that takes the place of the run's own from now on; empty: it is the same.
expected<std::string> durable_runs::mapped_text(const durable_request& request,
                                                const claimed_run& claimed,
                                                const run_replay& replay) {
  const std::string& before = replay.mapped_workflow();
  if (before.empty() && learn(request.flow).hash == claimed.run.graph_hash) return std::string();
  const auto stored = readable_workflow(before.empty() ? claimed.run.workflow_json : before);
  if (!stored) return fail(stored.error());
  const auto difference = graph_difference(graph_identity(*stored), graph_identity(*request.flow));
  if (difference.empty()) return std::string();
  if (request.options.on_change == change_rule::map) return learn(request.flow).json;
  return fail(validation_error(
      "workflow", "the workflow has changed since run '" + claimed.run.run_id +
                      "' began: " + difference +
                      ". Run it under another run_id, or with on_change=\"map\", which keeps what "
                      "is recorded for nodes of the same name"));
}

void durable_runs::set_going(const request_ptr& request, run_setup setup,
                             const std::shared_ptr<run_journal>& journal) {
  const std::string run_id = journal->held().run_id;
  const auto self = shared_from_this();
  setup.journal = journal;
  setup.on_parked = [self, journal](wall_time until, std::uint64_t heard) {
    self->writer_.post([self, journal, until, heard] { self->run_parked(journal, until, heard); });
  };
  known_run& known = runs_[run_id];
  known.journal = journal;
  known.stopping = false;
  known.graph_hash = learn(setup.plan->flow()).hash;
  add_waiter(run_id, request);
  const auto tell = [self, run_id](const run_result& result) {
    self->writer_.post([self, run_id, result] { self->run_ended(run_id, result); });
  };
  if (!hooks_.launch(std::move(setup), *request->home, tell)) queue_is_full(request, journal);
}

/// Whoever asks for the run may ask again; one that was revived or adopted is looked at again soon,
/// here or elsewhere.
void durable_runs::queue_is_full(const request_ptr& request,
                                 const std::shared_ptr<run_journal>& journal) {
  const auto found = runs_.find(journal->held().run_id);
  const bool asked_for = request->done != nullptr;
  journal->leave({.state = asked_for ? stored_state::paused : stored_state::running}, std::nullopt,
                 {});
  found->second.journal = nullptr;
  std::vector<waiter> refused;
  if (asked_for) refused = std::exchange(found->second.waiters, {});
  if (found->second.waiters.empty()) runs_.erase(found);
  for (const waiter& w : refused)
    refuse(w.request, resource_error("runs_queued",
                                     "too many runs wait in this executor; the run is kept in its "
                                     "store: execute it again"));
}

}  // namespace graphbit
