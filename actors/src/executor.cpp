#include <graphbit/actors/executor.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include <graphbit/actors/live_state.hpp>
#include <graphbit/actors/spending.hpp>
#include <graphbit/runtime/metrics.hpp>
#include <graphbit/runtime/processors.hpp>
#include <graphbit/runtime/random.hpp>
#include <graphbit/runtime/reactor.hpp>

#include "src/durable_runs.hpp"
#include "src/empty_handle.hpp"
#include "src/executor_actor.hpp"
#include "src/root_executor.hpp"

namespace graphbit {

namespace {

/// Each executor is a flow of its own to the limiters. 0 and 1 mean calls outside executors.
std::uint64_t next_flow() {
  static std::atomic<std::uint64_t> next{2};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

/// What an executor and its durable runs share, and outlives its handles while these end.
struct executor_core {
  executor_core(runtime& runtime, provider_config config, const executor_options& options,
                const executor_numbers& numbers, chat_backend_factory factory)
      : rt(runtime),
        backends(std::make_shared<backend_book>(std::move(factory), std::move(config))),
        callables(std::make_shared<callable_gate>(rt.blocking(), numbers.callables_max)),
        ledger(std::make_shared<executor_ledger>(numbers, *rt.service<metrics_registry>())),
        trace(rt.service<tracer>()),
        live(rt.service<live_state>()),
        budget(std::make_shared<call_budget>(
            budget_limits{options.max_cost, options.max_total_tokens})),
        retries_given(options.max_retries.has_value()),
        flow(next_flow()) {}

  [[nodiscard]] expected<run_setup> prepare(std::shared_ptr<const run_plan> plan,
                                            const run_options& options);
  [[nodiscard]] call_options call_for(const executor_numbers& n) const;
  void launch(run_setup setup, reactor& home, run_done done, const run_options* stopped_by);

  runtime& rt;
  std::shared_ptr<backend_book> backends;
  std::shared_ptr<callable_gate> callables;
  std::shared_ptr<executor_ledger> ledger;
  std::shared_ptr<tracer> trace;
  std::shared_ptr<live_state> live;
  std::shared_ptr<actor_slot> slot;  // these two once it is started
  std::shared_ptr<call_gate> gate;
  std::shared_ptr<call_budget> budget;  // counts, also where nothing is limited
  std::atomic<bool> retries_given;
  const std::uint64_t flow;
  std::atomic<std::uint64_t> next_number{1};
};

/// What the handles of one executor share.
class executor::impl {
 public:
  impl(runtime& rt, provider_config config, executor_options options,
       const executor_numbers& numbers, chat_backend_factory backends)
      : options_(std::move(options)),
        core_(std::make_shared<executor_core>(rt, std::move(config), options_, numbers,
                                              std::move(backends))) {}

  ~impl() {
    if (!core_->gate) return;  // it was not started
    const auto inside = core_->gate->enter();
    if (!inside) return;  // the runtime ends, and its supervisor ends the actor
    if (durable_) durable_->close();
    if (const auto actor = core_->slot->get())
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }

  [[nodiscard]] expected<void> start();
  [[nodiscard]] expected<std::string> run(workflow flow, run_options options, reactor& home,
                                          run_done done);
  [[nodiscard]] expected<void> begin(durable_request request);
  [[nodiscard]] expected<run_result> wait(
      const std::function<expected<void>(reactor&, run_options, run_done)>& submit,
      run_options options, const std::function<bool()>& interrupted);
  [[nodiscard]] expected<void> configure(const executor_changes& changes);
  void cancel(const std::string& run_id) const;
  [[nodiscard]] expected<void> signal(const std::string& run_id, const std::string& name,
                                      json_value value) const;

  [[nodiscard]] executor_core& core() const noexcept { return *core_; }
  [[nodiscard]] const std::shared_ptr<durable_runs>& durable() const noexcept { return durable_; }

 private:
  void open_durable();
  [[nodiscard]] expected<std::shared_ptr<const run_plan>> plan_of(workflow flow);

  executor_options options_;
  std::shared_ptr<executor_core> core_;
  std::shared_ptr<durable_runs> durable_;
  std::mutex configure_mutex_;
  std::mutex plan_mutex_;
  std::weak_ptr<const run_plan> last_plan_;  // guarded by plan_mutex_
};

expected<void> executor::impl::start() {
  const auto root = root_executor::of(core_->rt);
  if (!root) return fail(root.error());
  if (auto ok = core_->backends->open_own(); !ok) return ok;
  core_->slot = (*root)->make_slot();
  core_->gate = (*root)->gate();
  (*root)->start_child({.kind = "executor",
                        .name = std::string(to_string(core_->ledger->numbers().mode)) + " " +
                                std::to_string(core_->flow),
                        .lifetime = policy::child_lifetime::transient,
                        .start =
                            [&home = core_->rt.next_reactor(), slot = core_->slot,
                             ledger = core_->ledger, active = std::make_shared<active_runs>()] {
                              auto actor = spawn_on(home, supervise_runs, ledger, active);
                              slot->set(actor);
                              return actor;
                            },
                        .supervises = true});
  if (options_.store) open_durable();
  return {};
}

void executor::impl::open_durable() {
  json_value about;
  about.set("provider", core_->backends->own_config().provider);
  about.set("model", core_->backends->own_config().model);
  if (!options_.label.empty()) about.set("label", options_.label);
  durable_hooks hooks;
  hooks.about_json = to_json(about);
  hooks.prepare = [core = core_](std::shared_ptr<const run_plan> plan, const run_options& options) {
    return core->prepare(std::move(plan), options);
  };
  hooks.launch = [core = core_](run_setup setup, reactor& home, run_done done) {
    if (!core->ledger->accept()) return false;
    core->launch(std::move(setup), home, std::move(done), nullptr);
    return true;
  };
  durable_ = core_->rt.service<journal_service>()->make(core_->rt, options_, std::move(hooks));
  durable_->open();
}

/// What was given to the executor wins, then the provider's own configuration, then the mode.
call_options executor_core::call_for(const executor_numbers& n) const {
  call_options call;
  call.priority = n.priority;
  call.flow = flow;
  call.flow_in_flight_max = n.in_flight_max;
  call.debug = n.debug;
  if (retries_given || !backends->own_config().max_retries) call.max_retries = n.max_retries;
  return call;
}

expected<run_setup> executor_core::prepare(std::shared_ptr<const run_plan> plan,
                                           const run_options& options) {
  auto used = backends;
  if (options.backends)
    used = std::make_shared<backend_book>(options.backends, backends->own_config());
  if (auto ok = used->open_all(*plan->flow()); !ok) return fail(std::move(ok.error()));
  run_setup setup;
  setup.plan = std::move(plan);
  setup.environment = {std::move(used), callables, call_for(ledger->numbers())};
  setup.environment.call.budget =
      call_budget::within(budget, {options.max_cost, options.max_total_tokens});
  setup.run_id = options.run_id;
  setup.inputs = options.inputs;
  setup.listener = options.on_event;
  setup.stream_tokens = options.stream_tokens;
  setup.valve = options.valve;
  setup.trace = run_trace(trace, options.trace);
  return setup;
}

/// Precondition: the ledger has accepted the run. `limited_by`: the caller's stop and deadline.
void executor_core::launch(run_setup setup, reactor& home, run_done done,
                           const run_options* limited_by) {
  if (live->follows_runs()) live->follow(setup.plan->flow(), setup.run_id, setup.listener, done);
  const auto number = next_number.fetch_add(1, std::memory_order_relaxed);
  auto request =
      std::make_shared<run_request>(number, std::move(setup), home, ledger, std::move(done));
  request->timeout = ledger->numbers().timeout;
  request->timeout_operation = "workflow_execution";
  if (limited_by != nullptr) {
    request->deadline_at = limited_by->deadline_at;
    request->timeout_operation = limited_by->timeout_operation;
  }
  caf::anon_send(slot->get(), accept_run{request});
  // After it, so that the cancellation of a token that is stopped already finds the run.
  if (limited_by != nullptr)
    request->on_stop(limited_by->stop, [slot = slot, number] {
      caf::anon_send(slot->get(), cancel_run{number, {}});
    });
}

/// Who runs one workflow many times at once has it validated once: while a run is at work its plan
/// is there for the next. Copies of a workflow share their nodes until one of them is changed, so
/// the same nodes are the same workflow.
expected<std::shared_ptr<const run_plan>> executor::impl::plan_of(workflow flow) {
  {
    const std::lock_guard guard(plan_mutex_);
    if (auto last = last_plan_.lock(); last && &last->flow()->nodes() == &flow.nodes()) return last;
  }
  auto plan = run_plan::make(std::make_shared<const workflow>(std::move(flow)));
  if (plan) {
    const std::lock_guard guard(plan_mutex_);
    last_plan_ = *plan;
  }
  return plan;
}

expected<std::string> executor::impl::run(workflow flow, run_options options, reactor& home,
                                          run_done done) {
  if (!options.inputs.is_null() && !options.inputs.is_object())
    return fail(validation_error("inputs", "inputs must be an object of names and values"));
  if (options.run_id.empty()) options.run_id = make_uuid();
  std::string run_id = options.run_id;
  auto plan = plan_of(std::move(flow));
  if (!plan) return fail(std::move(plan.error()));
  auto setup = core_->prepare(std::move(*plan), options);
  if (!setup) return fail(std::move(setup.error()));
  if (durable_) {
    durable_->start({.flow = setup->plan->flow(),
                     .plan = setup->plan,
                     .options = std::move(options),
                     .home = &home,
                     .done = std::move(done)});
    return run_id;
  }
  if (!core_->ledger->accept())
    return fail(resource_error("runs_queued",
                               "too many runs wait in this executor; in low latency "
                               "mode a new run is refused instead of waiting"));
  core_->launch(std::move(*setup), home, std::move(done), &options);
  return run_id;
}

expected<void> executor::impl::begin(durable_request request) {
  if (!durable_)
    return fail(
        configuration_error("store", "this executor records nothing; make it with a store"));
  durable_->start(std::move(request));
  return {};
}

void executor::impl::cancel(const std::string& run_id) const {
  if (durable_) return durable_->cancel(run_id);
  if (const auto inside = core_->gate->enter())
    caf::anon_send(core_->slot->get(), cancel_run{0, run_id});
}

expected<void> executor::impl::signal(const std::string& run_id, const std::string& name,
                                      json_value value) const {
  if (durable_) {
    auto sent = durable_->store()->send_signal(run_id, name, to_json(value));
    if (sent) durable_->look();
    return sent;
  }
  const auto inside = core_->gate->enter();
  if (!inside) return fail(runtime_has_ended("signal"));
  caf::anon_send(core_->slot->get(),
                 signal_run{run_id, {name, std::make_shared<const json_value>(std::move(value))}});
  return {};
}

expected<void> executor::impl::configure(const executor_changes& changes) {
  const std::lock_guard guard(configure_mutex_);
  executor_options wanted = options_;
  if (changes.mode) wanted.mode = *changes.mode;
  if (changes.timeout) wanted.timeout = changes.timeout;
  if (changes.max_retries) {
    if (*changes.max_retries < 1 || *changes.max_retries > 10)
      return fail(validation_error("max_retries", "Maximum retries must be between 1 and 10",
                                   std::to_string(*changes.max_retries)));
    wanted.max_retries = changes.max_retries;
  }
  if (changes.metrics) wanted.metrics = *changes.metrics;
  if (changes.debug) wanted.debug = *changes.debug;
  const auto numbers = resolve(wanted, processors());
  if (!numbers) return fail(numbers.error());
  options_ = wanted;
  core_->retries_given = wanted.max_retries.has_value();
  core_->ledger->set_numbers(*numbers);
  return {};
}

expected<executor> executor::open(runtime& rt, provider_config config, executor_options options) {
  return open(rt, std::move(config), std::move(options), provider_backends(rt));
}

expected<executor> executor::open(runtime& rt, provider_config config, executor_options options,
                                  chat_backend_factory backends) {
  const auto numbers = resolve(options, processors());
  if (!numbers) return fail(numbers.error());
  if (const auto root = root_executor::of(rt); !root) return fail(root.error());
  auto made = std::make_shared<impl>(rt, std::move(config), std::move(options), *numbers,
                                     std::move(backends));
  if (auto ok = made->start(); !ok) return fail(std::move(ok.error()));
  return executor(std::move(made));
}

expected<std::string> executor::run(workflow flow, run_options options, done_callback done) const {
  if (!impl_) return fail(never_opened("executor"));
  const auto inside = impl_->core().gate->enter();
  if (!inside) return fail(runtime_has_ended("run"));
  return impl_->run(std::move(flow), std::move(options), impl_->core().rt.next_reactor(),
                    std::move(done));
}

expected<void> executor::signal(const std::string& run_id, const std::string& name,
                                json_value value) const {
  if (!impl_) return fail(never_opened("executor"));
  return impl_->signal(run_id, name, std::move(value));
}

void executor::cancel(const std::string& run_id) const {
  if (impl_) impl_->cancel(run_id);
}

expected<stored_state> executor::cancel_stored(const std::string& run_id) const {
  if (!impl_) return fail(never_opened("executor"));
  const auto durable = impl_->durable();
  if (!durable)
    return fail(
        configuration_error("store", "this executor records nothing; make it with a store"));
  auto state = durable->store()->request_cancel(run_id);
  if (state) durable->look();
  return state;
}

std::shared_ptr<run_store> executor::store() const {
  return impl_ && impl_->durable() ? impl_->durable()->store() : nullptr;
}

/// Waits on this thread, which runs the reactor meanwhile.
expected<run_result> executor::impl::wait(
    const std::function<expected<void>(reactor&, run_options, run_done)>& submit,
    run_options options, const std::function<bool()>& interrupted) {
  const auto inside = core_->gate->enter();
  if (!inside) return fail(runtime_has_ended("execute"));
  reactor& home = core_->rt.next_reactor();
  if (home.here())
    return fail(runtime_error("execute",
                              "a blocking call on a reactor's thread would wait for "
                              "itself; use run()"));
  reactor::waiter waiter;
  std::optional<run_result> result;
  expected<void> accepted;
  std::stop_source stop;
  const std::stop_callback forwarded(options.stop, [&stop] { stop.request_stop(); });
  options.stop = stop.get_token();
  const auto start = [&] {
    accepted = submit(home, std::move(options), [&](const run_result& r) {
      result = r;
      reactor::finish(waiter);
    });
    if (!accepted) reactor::finish(waiter);
  };
  if (!home.drive(waiter, start, interrupted)) {
    // The callback writes to this stack: wait until the cancelled run has called it.
    static_cast<void>(home.drive(waiter, [&] { stop.request_stop(); }, {}));
  }
  if (!accepted) return fail(std::move(accepted.error()));
  if (result->raised()) return fail(*result->raised());
  return std::move(*result);
}

expected<run_result> executor::execute(workflow flow, run_options options,
                                       const std::function<bool()>& interrupted) const {
  if (!impl_) return fail(never_opened("executor"));
  return impl_->wait(
      [&](reactor& home, run_options o, run_done done) -> expected<void> {
        auto accepted = impl_->run(std::move(flow), std::move(o), home, std::move(done));
        if (!accepted) return fail(std::move(accepted.error()));
        return {};
      },
      std::move(options), interrupted);
}

namespace {

std::shared_ptr<const workflow> shared(std::optional<workflow> flow) {
  return flow ? std::make_shared<const workflow>(std::move(*flow)) : nullptr;
}

}  // namespace

expected<run_result> executor::go_on(durable_request request,
                                     const std::function<bool()>& interrupted) const {
  if (!impl_) return fail(never_opened("executor"));
  run_options options = request.options;
  return impl_->wait(
      [&](reactor& home, run_options o, run_done done) {
        request.options = std::move(o);
        request.home = &home;
        request.done = std::move(done);
        return impl_->begin(std::move(request));
      },
      std::move(options), interrupted);
}

expected<run_result> executor::resume(const std::string& run_id, run_options options,
                                      std::optional<workflow> flow,
                                      const std::function<bool()>& interrupted) const {
  options.run_id = run_id;
  return go_on({.wish = durable_wish::resume,
                .flow = shared(std::move(flow)),
                .options = std::move(options)},
               interrupted);
}

expected<run_result> executor::retry_failed(const std::string& run_id, run_options options,
                                            std::optional<workflow> flow,
                                            const std::function<bool()>& interrupted) const {
  options.run_id = run_id;
  return go_on(
      {.wish = durable_wish::retry, .flow = shared(std::move(flow)), .options = std::move(options)},
      interrupted);
}

expected<run_result> executor::fork(const std::string& run_id, fork_options where,
                                    run_options options, std::optional<workflow> flow,
                                    const std::function<bool()>& interrupted) const {
  options.run_id = run_id;
  return go_on({.wish = durable_wish::fork,
                .flow = shared(std::move(flow)),
                .options = std::move(options),
                .fork = std::move(where)},
               interrupted);
}

expected<void> executor::configure(const executor_changes& changes) const {
  if (!impl_) return fail(never_opened("executor"));
  return impl_->configure(changes);
}

executor_stats executor::stats() const {
  if (!impl_) return {};
  auto stats = impl_->core().ledger->stats();
  const auto callables = impl_->core().callables->stats();
  stats.callables_abandoned = callables.abandoned;
  stats.callables_late = callables.late;
  stats.cost = impl_->core().budget->cost();
  stats.total_tokens = impl_->core().budget->tokens();
  return stats;
}
void executor::reset_stats() const {
  if (impl_) impl_->core().ledger->reset();
}

const provider_config& executor::config() const {
  if (!impl_) refuse_empty("executor");
  return impl_->core().backends->own_config();
}

}  // namespace graphbit
