#include <graphbit/actors/executor.hpp>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include <graphbit/actors/live_state.hpp>
#include <graphbit/actors/spending.hpp>
#include <graphbit/runtime/metrics.hpp>
#include <graphbit/runtime/random.hpp>
#include <graphbit/runtime/reactor.hpp>

#include "src/executor_actor.hpp"
#include "src/root_executor.hpp"

namespace graphbit {

namespace {

/// Each executor is a flow of its own to the limiters. 0 and 1 mean calls outside executors.
std::uint64_t next_flow() {
  static std::atomic<std::uint64_t> next{2};
  return next.fetch_add(1, std::memory_order_relaxed);
}

unsigned cores() { return std::max(1u, std::thread::hardware_concurrency()); }

}  // namespace

/// What the handles of one executor share.
class executor::impl {
 public:
  impl(runtime& rt, provider_config config, executor_options options,
       const executor_numbers& numbers, chat_backend_factory backends)
      : rt_(rt),
        options_(std::move(options)),
        backends_(std::make_shared<backend_book>(std::move(backends), std::move(config))),
        callables_(std::make_shared<callable_gate>(rt.blocking(), numbers.callables_max)),
        ledger_(std::make_shared<executor_ledger>(numbers, *rt.service<metrics_registry>())),
        tracer_(rt.service<tracer>()),
        live_(rt.service<live_state>()),
        budget_(std::make_shared<call_budget>(
            budget_limits{options_.max_cost, options_.max_total_tokens})),
        flow_(next_flow()) {}

  ~impl() {
    if (!gate_) return;  // it was not started
    const auto inside = gate_->enter();
    if (!inside) return;  // the runtime ends, and its supervisor ends the actor
    if (const auto actor = slot_->get())
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }

  [[nodiscard]] expected<void> start() {
    const auto root = root_executor::of(rt_);
    if (!root) return fail(root.error());
    if (auto ok = backends_->open_own(); !ok) return ok;
    slot_ = (*root)->make_slot();
    gate_ = (*root)->gate();
    (*root)->start_child(
        {.kind = "executor",
         .name = std::string(to_string(ledger_->numbers().mode)) + " " + std::to_string(flow_),
         .lifetime = policy::child_lifetime::transient,
         .start =
             [&home = rt_.next_reactor(), slot = slot_, ledger = ledger_,
              active = std::make_shared<active_runs>()] {
               auto actor = spawn_on(home, supervise_runs, ledger, active);
               slot->set(actor);
               return actor;
             },
         .supervises = true});
    return {};
  }

  [[nodiscard]] expected<std::string> run(workflow flow, run_options options, reactor& home,
                                          run_done done);
  [[nodiscard]] expected<void> configure(const executor_changes& changes);
  void cancel(cancel_run which) const {
    if (const auto inside = gate_->enter()) caf::anon_send(slot_->get(), std::move(which));
  }

  [[nodiscard]] runtime& rt() const noexcept { return rt_; }
  [[nodiscard]] call_gate& gate() const noexcept { return *gate_; }
  [[nodiscard]] executor_ledger& ledger() const noexcept { return *ledger_; }
  [[nodiscard]] const callable_gate& callables() const noexcept { return *callables_; }
  [[nodiscard]] const call_budget& budget() const noexcept { return *budget_; }
  [[nodiscard]] const provider_config& config() const { return backends_->own_config(); }

 private:
  [[nodiscard]] call_options call_for(const executor_numbers& n) const;

  runtime& rt_;
  executor_options options_;
  std::shared_ptr<backend_book> backends_;
  std::shared_ptr<callable_gate> callables_;
  std::shared_ptr<executor_ledger> ledger_;
  std::shared_ptr<tracer> tracer_;
  std::shared_ptr<live_state> live_;
  std::shared_ptr<actor_slot> slot_;
  std::shared_ptr<call_gate> gate_;
  std::shared_ptr<call_budget> budget_;  // counts, also where nothing is limited
  const std::uint64_t flow_;
  std::atomic<std::uint64_t> next_number_{1};
  std::mutex configure_mutex_;
};

/// What was given to the executor wins, then the provider's own configuration, then the mode.
call_options executor::impl::call_for(const executor_numbers& n) const {
  call_options call;
  call.priority = n.priority;
  call.flow = flow_;
  call.flow_in_flight_max = n.in_flight_max;
  call.debug = n.debug;
  if (options_.max_retries || !config().max_retries) call.max_retries = n.max_retries;
  return call;
}

expected<std::string> executor::impl::run(workflow flow, run_options options, reactor& home,
                                          run_done done) {
  if (!options.inputs.is_null() && !options.inputs.is_object())
    return fail(validation_error("inputs", "inputs must be an object of names and values"));
  auto plan = run_plan::make(std::make_shared<const workflow>(std::move(flow)));
  if (!plan) return fail(std::move(plan.error()));
  auto backends = backends_;
  if (options.backends)
    backends = std::make_shared<backend_book>(std::move(options.backends), config());
  if (auto ok = backends->open_all(*(*plan)->flow()); !ok) return fail(std::move(ok.error()));
  if (!ledger_->accept())
    return fail(resource_error("runs_queued",
                               "too many runs wait in this executor; in low latency "
                               "mode a new run is refused instead of waiting"));
  const executor_numbers numbers = ledger_->numbers();
  run_setup setup;
  setup.plan = std::move(*plan);
  setup.environment = {std::move(backends), callables_, call_for(numbers)};
  setup.environment.call.budget =
      call_budget::within(budget_, {options.max_cost, options.max_total_tokens});
  setup.run_id = options.run_id.empty() ? make_uuid() : std::move(options.run_id);
  setup.inputs = std::move(options.inputs);
  setup.listener = std::move(options.on_event);
  setup.stream_tokens = options.stream_tokens;
  setup.valve = std::move(options.valve);
  setup.trace = run_trace(tracer_, options.trace);
  std::string run_id = setup.run_id;
  if (live_->follows_runs()) live_->follow(setup.plan->flow(), run_id, setup.listener, done);
  const auto number = next_number_.fetch_add(1, std::memory_order_relaxed);
  auto request =
      std::make_shared<run_request>(number, std::move(setup), home, ledger_, std::move(done));
  request->timeout = numbers.timeout;
  request->deadline_at = options.deadline_at;
  request->timeout_operation = std::move(options.timeout_operation);
  caf::anon_send(slot_->get(), accept_run{request});
  // After it, so that the cancellation of a token that is stopped already finds the run.
  request->on_stop(options.stop, [slot = slot_, number] {
    caf::anon_send(slot->get(), cancel_run{number, {}});
  });
  return run_id;
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
  const auto numbers = resolve(wanted, cores());
  if (!numbers) return fail(numbers.error());
  options_ = wanted;
  ledger_->set_numbers(*numbers);
  return {};
}

expected<executor> executor::open(runtime& rt, provider_config config, executor_options options) {
  return open(rt, std::move(config), std::move(options), provider_backends(rt));
}

expected<executor> executor::open(runtime& rt, provider_config config, executor_options options,
                                  chat_backend_factory backends) {
  const auto numbers = resolve(options, cores());
  if (!numbers) return fail(numbers.error());
  if (const auto root = root_executor::of(rt); !root) return fail(root.error());
  auto made = std::make_shared<impl>(rt, std::move(config), std::move(options), *numbers,
                                     std::move(backends));
  if (auto ok = made->start(); !ok) return fail(std::move(ok.error()));
  return executor(std::move(made));
}

expected<std::string> executor::run(workflow flow, run_options options, done_callback done) const {
  const auto inside = impl_->gate().enter();
  if (!inside) return fail(runtime_has_ended("run"));
  return impl_->run(std::move(flow), std::move(options), impl_->rt().next_reactor(),
                    std::move(done));
}

void executor::cancel(const std::string& run_id) const { impl_->cancel({0, run_id}); }

expected<run_result> executor::execute(workflow flow, run_options options,
                                       const std::function<bool()>& interrupted) const {
  const auto inside = impl_->gate().enter();
  if (!inside) return fail(runtime_has_ended("execute"));
  reactor& home = impl_->rt().next_reactor();
  if (home.here())
    return fail(runtime_error("execute",
                              "a blocking call on a reactor's thread would wait for "
                              "itself; use run()"));
  reactor::waiter waiter;
  std::optional<run_result> result;
  expected<std::string> accepted;
  std::stop_source stop;
  const std::stop_callback forwarded(options.stop, [&stop] { stop.request_stop(); });
  options.stop = stop.get_token();
  const auto submit = [&] {
    accepted = impl_->run(std::move(flow), std::move(options), home, [&](const run_result& r) {
      result = r;
      reactor::finish(waiter);
    });
    if (!accepted) reactor::finish(waiter);
  };
  if (!home.drive(waiter, submit, interrupted)) {
    // The callback writes to this stack: wait until the cancelled run has called it.
    static_cast<void>(home.drive(waiter, [&] { stop.request_stop(); }, {}));
  }
  if (!accepted) return fail(std::move(accepted.error()));
  if (result->raised()) return fail(*result->raised());
  return std::move(*result);
}

expected<void> executor::configure(const executor_changes& changes) const {
  return impl_->configure(changes);
}

executor_stats executor::stats() const {
  auto stats = impl_->ledger().stats();
  const auto callables = impl_->callables().stats();
  stats.callables_abandoned = callables.abandoned;
  stats.callables_late = callables.late;
  stats.cost = impl_->budget().cost();
  stats.total_tokens = impl_->budget().tokens();
  return stats;
}
void executor::reset_stats() const { impl_->ledger().reset(); }
const provider_config& executor::config() const { return impl_->config(); }

}  // namespace graphbit
