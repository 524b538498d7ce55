#include "workflow_executor.hpp"

#include <atomic>
#include <functional>

#include <graphbit/actors/supervision_tree.hpp>
#include <graphbit/cluster/open_run_store.hpp>
#include <graphbit/runtime/limits.hpp>
#include <graphbit/runtime/processors.hpp>

#include "call_arguments.hpp"
#include "error_translation.hpp"
#include "gil.hpp"
#include "guarded_backend.hpp"
#include "handover.hpp"
#include "import_once.hpp"
#include "json_conversion.hpp"
#include "loop_bridge.hpp"
#include "node_counts.hpp"
#include "python_backend.hpp"
#include "python_callable.hpp"
#include "signal_check.hpp"
#include "strict_arguments.hpp"
#include "told_progress.hpp"
#include "trace_source.hpp"

namespace graphbit::python {

namespace {

/// Which events a stream mode lets through; the terminal event always.
using event_filter = bool (*)(run_event_kind);

event_filter filter_for(const std::string& mode) {
  if (mode == "all") return [](run_event_kind) { return true; };
  if (mode == "messages")
    return [](run_event_kind kind) { return kind == run_event_kind::token || is_terminal(kind); };
  return [](run_event_kind kind) { return kind != run_event_kind::token; };
}

py::object result_object(run_result result) {
  static import_once make("graphbit.workflow", "_result");
  return make.get()(py::cast(std::move(result)));
}

py::object event_dict(const run_event& event) {
  const py::object dict = python_from_json(to_json(event));
  if (event.kind == run_event_kind::workflow_completed && event.result != nullptr)
    dict["result"] = result_object(*event.result);
  return dict;
}

}  // namespace

class run_events::inlet {
 public:
  using events_type = handover<run_event, int>;

  void append(const run_event& event) {
    const std::size_t bytes = bytes_.fetch_add(event.text.size()) + event.text.size();
    const std::size_t count = events.append(event);
    if (count >= limits::stream_chunks_max || bytes >= limits::stream_bytes_max) valve->close();
  }
  events_type::condition take(std::vector<run_event>& taken) {
    const auto condition = events.take(taken);
    bytes_ = 0;
    valve->open();
    return condition;
  }

  events_type events;
  const std::shared_ptr<event_valve> valve = std::make_shared<event_valve>();

 private:
  std::atomic<std::size_t> bytes_{0};  // about: what came while `take` ran may not be counted
};

run_events::run_events(std::shared_ptr<inlet> events, std::stop_source stop)
    : events_(std::move(events)), stop_(std::move(stop)) {}

run_events::~run_events() { stop_.request_stop(); }

py::object run_events::take() {
  std::vector<run_event> events;
  const auto condition = events_->take(events);
  if (condition == inlet::events_type::condition::empty) return py::none();
  py::list dicts(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) dicts[i] = event_dict(events[i]);
  return dicts;
}

py::object run_events::wait_async() {
  auto [future, where] = loop_bridge::running().begin();
  events_->events.notify(std::move(where));
  return future;
}

void run_events::wait() {
  const bool interrupted = without_gil([&] {
    while (!events_->events.wait_for(milliseconds(50)))
      if (signal_raised()) return true;
    return false;
  });
  if (interrupted) throw py::error_already_set();
}

workflow_executor::workflow_executor(provider_config config, executor_options options,
                                     std::shared_ptr<PyObject> ask)
    : config_(std::move(config)), options_(std::move(options)), ask_(std::move(ask)) {
  static_cast<void>(unwrap(resolve(options_, processors())));
}

workflow_executor::opened_executor workflow_executor::open() {
  release_dropped_references();
  auto home = process_runtime::instance().acquire();
  if (!executor_) {
    if (!store_.empty() && !options_.store)
      options_.store = unwrap(without_gil([this] { return open_run_store(store_); }));
    executor_ = unwrap(executor::open(*home, config_, options_, backends(*home)));
  }
  return {std::move(home), executor_};
}

void workflow_executor::keep_runs_in(std::string store) {
  store_ = std::move(store);
  static_cast<void>(open());
}

change_rule change_rule_from(const std::string& name) {
  if (name == "refuse") return change_rule::refuse;
  if (name == "map") return change_rule::map;
  raise(validation_error("on_change", "on_change must be \"refuse\" or \"map\"", name));
}

chat_backend_factory workflow_executor::backends(runtime& home) const {
  if (ask_ != nullptr) return python_backends(home, ask_);
  return cluster_ ? cluster_->open().backends() : provider_backends(home);
}

run_options workflow_executor::make_run_options(runtime& home, py::handle policy,
                                                py::handle given) const {
  keyword_arguments keywords(given);
  run_options options;
  if (const py::handle inputs = keywords.take("inputs"); !inputs.is_none()) {
    if (!PyDict_Check(inputs.ptr()))
      raise_wrong_type(inputs, "inputs", "cannot be converted to 'PyDict'");
    options.inputs = json_from_python(inputs);
  }
  if (const auto timeout = timeout_or_default(keywords.take("timeout_s")))
    options.deadline_at = steady_clock::now() + *timeout;
  options.trace = present_trace();
  const budget_limits budget = take_budget(keywords);
  options.max_cost = budget.max_cost;
  options.max_total_tokens = budget.max_total_tokens;
  options.run_id = optional_text_argument(keywords.take("run_id"), "run_id").value_or("");
  if (const auto rule = optional_text_argument(keywords.take("on_change"), "on_change"))
    options.on_change = change_rule_from(*rule);
  keywords.refuse_others();
  if (!policy.is_none())
    options.backends = guarded_backends(
        home, backends(home), shared_reference(py::reinterpret_borrow<py::object>(policy)));
  return options;
}

void workflow_executor::leak_handles() noexcept {
  static_cast<void>(new executor(std::move(executor_)));
  static_cast<void>(new std::shared_ptr<run_store>(std::move(options_.store)));
  executor_ = {};
}

py::object workflow_executor::execute(const workflow& flow, py::handle policy, py::handle options,
                                      py::handle progress) {
  auto opened = open();
  auto how = make_run_options(*opened.home, policy, options);
  const told_progress told(progress);
  told.count(how, &flow);
  auto result = without_gil([&] {
    auto done = opened.handle.execute(flow, std::move(how), [&] { return told.interrupted(); });
    opened = {};
    return done;
  });
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();  // the signal handler's
  told.finish();
  return result_object(unwrap(std::move(result)));
}

py::object workflow_executor::run_async(const workflow& flow, py::handle policy, py::handle options,
                                        std::shared_ptr<node_counts> counts) {
  auto& loop = loop_bridge::running();
  const auto opened = open();
  auto how = make_run_options(*opened.home, policy, options);
  how.timeout_operation = "async_workflow_execution";
  if (counts) how.on_event = counter(&flow, std::move(counts));
  auto [future, where] = loop.begin();
  const std::uint64_t id = where.id;
  std::stop_source stop;
  how.stop = stop.get_token();
  // The callback keeps the executor: `Executor(config).run_async(flow)` may be all its owner has.
  const auto started = opened.handle.run(
      flow, std::move(how), [runner = opened.handle, where = std::move(where)](run_result result) {
        where.finish(make_outcome(std::move(result), [](run_result done) -> py::object {
          if (done.raised()) raise(*done.raised());
          return result_object(std::move(done));
        }));
      });
  if (!started) {
    loop_bridge::cancel(future.attr("get_loop")(), id);
    raise(started.error());
  }
  loop.on_cancel(id, [stop]() mutable { stop.request_stop(); });
  return future;
}

std::unique_ptr<run_events> workflow_executor::stream(const workflow& flow, py::handle policy,
                                                      py::handle options, const std::string& mode) {
  const auto opened = open();
  auto how = make_run_options(*opened.home, policy, options);
  std::stop_source stop;
  how.stop = stop.get_token();
  how.stream_tokens = mode != "updates";
  const auto events = std::make_shared<run_events::inlet>();
  how.valve = events->valve;
  how.on_event = [events, wanted = filter_for(mode)](const run_event& event) {
    if (wanted(event.kind)) events->append(event);
  };
  const auto started = opened.handle.run(
      flow, std::move(how),
      [runner = opened.handle, events](const run_result&) { events->events.end(0); });
  if (!started) raise(started.error());
  return std::make_unique<run_events>(events, std::move(stop));
}

py::object workflow_executor::supervision_tree() {
  auto opened = open();
  const supervised tree = without_gil([&] {
    auto seen = graphbit::supervision_tree(*opened.home);
    opened = {};
    return seen;
  });
  return python_from_json(to_json(tree));
}

void workflow_executor::configure(const executor_changes& changes) {
  executor_options changed = options_;
  if (changes.mode) changed.mode = *changes.mode;
  if (changes.timeout) changed.timeout = changes.timeout;
  if (changes.max_retries) changed.max_retries = changes.max_retries;
  if (changes.metrics) changed.metrics = *changes.metrics;
  if (changes.debug) changed.debug = *changes.debug;
  unwrap(open().handle.configure(changes));
  options_ = std::move(changed);
}

executor_stats workflow_executor::stats() const {
  if (executor_) return executor_.stats();
  executor_stats nothing_yet;
  nothing_yet.numbers = unwrap(resolve(options_, processors()));
  return nothing_yet;
}

void workflow_executor::reset_stats() {
  if (executor_) executor_.reset_stats();
}

}  // namespace graphbit::python
