// Durable runs: what an executor with a store can do with the runs in it.
#include <graphbit/actors/callable.hpp>
#include <graphbit/actors/run_history.hpp>

#include "bindings.hpp"
#include "call_arguments.hpp"
#include "error_translation.hpp"
#include "gil.hpp"
#include "json_conversion.hpp"
#include "result_codecs.hpp"
#include "signal_check.hpp"
#include "strict_arguments.hpp"
#include "told_progress.hpp"
#include "workflow_executor.hpp"

namespace graphbit::python {

namespace {

constexpr auto follow_wait = milliseconds{250};

std::shared_ptr<run_store> store_of(workflow_executor& e) {
  auto store = e.open().handle.store();
  if (!store)
    raise(configuration_error("store",
                              "this executor records nothing; make it with Executor(config, "
                              "store=\"runs.db\")"));
  return store;
}

run_filter filter_from(py::handle state, py::handle workflow_name, py::handle limit,
                       py::handle after) {
  run_filter filter;
  if (const auto name = optional_text_argument(state, "state")) {
    filter.state = stored_state_from(*name);
    if (!filter.state)
      raise(validation_error(
          "state", "state is running, parked, paused, completed, failed or cancelled", *name));
  }
  filter.workflow_name = optional_text_argument(workflow_name, "workflow").value_or("");
  filter.limit = unsigned_argument(limit, "limit", 100'000);
  filter.after = optional_text_argument(after, "after").value_or("");
  return filter;
}

std::string list_runs(workflow_executor& e, py::handle state, py::handle workflow_name,
                      py::handle limit, py::handle after) {
  const auto filter = filter_from(state, workflow_name, limit, after);
  const auto store = store_of(e);
  const auto runs = unwrap(without_gil([&] { return store->list(filter); }));
  json_value::array shown;
  for (const stored_run& run : runs) shown.push_back(run_json(run));
  return to_json(json_value(std::move(shown)));
}

run_options options_of(py::handle timeout_s, const std::string& on_change) {
  run_options options;
  if (const auto timeout = timeout_or_default(timeout_s))
    options.deadline_at = steady_clock::now() + *timeout;
  options.on_change = change_rule_from(on_change);
  return options;
}

/// Runs with the GIL freed, and lets Ctrl-C through.
template <class F>
run_result waited_for(const told_progress& told, F run) {
  auto result = without_gil(run);
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();  // the signal handler's
  told.finish();
  return unwrap(std::move(result));
}

run_result go_on(workflow_executor& e, const std::string& how, py::handle run_id,
                 std::optional<workflow> flow, py::handle timeout_s, const std::string& on_change,
                 py::handle progress) {
  static_cast<void>(store_of(e));
  const auto id = text_argument(run_id, "run_id");
  auto options = options_of(timeout_s, on_change);
  const told_progress told(progress);
  told.count(options, flow ? &*flow : nullptr);
  const auto interrupted = [&] { return told.interrupted(); };
  auto opened = e.open();
  return waited_for(told, [&] {
    auto result =
        how == "retry"
            ? opened.handle.retry_failed(id, std::move(options), std::move(flow), interrupted)
            : opened.handle.resume(id, std::move(options), std::move(flow), interrupted);
    opened = {};
    return result;
  });
}

run_result fork(workflow_executor& e, py::handle run_id, py::handle from_node, py::handle inputs,
                py::handle new_run_id, std::optional<workflow> flow, py::handle timeout_s,
                py::handle progress) {
  static_cast<void>(store_of(e));
  const auto id = text_argument(run_id, "run_id");
  fork_options where;
  where.from_node = optional_text_argument(from_node, "from_node").value_or("");
  where.run_id = optional_text_argument(new_run_id, "new_run_id").value_or("");
  if (!inputs.is_none()) {
    if (!PyDict_Check(inputs.ptr()))
      raise_wrong_type(inputs, "inputs", "cannot be converted to 'PyDict'");
    where.inputs = json_from_python(inputs);
  }
  auto options = options_of(timeout_s, "refuse");
  const told_progress told(progress);
  told.count(options, flow ? &*flow : nullptr);
  auto opened = e.open();
  return waited_for(told, [&] {
    auto result = opened.handle.fork(id, std::move(where), std::move(options), std::move(flow),
                                     [&] { return told.interrupted(); });
    opened = {};
    return result;
  });
}

std::string cancel(workflow_executor& e, py::handle run_id) {
  const auto id = text_argument(run_id, "run_id");
  auto opened = e.open();
  const auto state = unwrap(without_gil([&] {
    auto done = opened.handle.cancel_stored(id);
    opened = {};
    return done;
  }));
  return std::string(to_string(state));
}

void send_signal(workflow_executor& e, py::handle run_id, py::handle name,
                 const std::string& value) {
  const auto id = text_argument(run_id, "run_id"), signal = text_argument(name, "name");
  auto parsed = unwrap(parse_json(value));
  auto opened = e.open();
  unwrap(without_gil([&] {
    auto sent = opened.handle.signal(id, signal, std::move(parsed));
    opened = {};
    return sent;
  }));
}

std::string history(workflow_executor& e, py::handle run_id) {
  const auto id = text_argument(run_id, "run_id");
  const auto store = store_of(e);
  return to_json(unwrap(without_gil([&] { return run_history(*store, id); })));
}

/// Events after the one with the id `after`, as JSON text, and whether no more will come.
py::tuple follow(workflow_executor& e, const std::string& run_id, std::uint64_t after) {
  const auto store = store_of(e);
  const auto records =
      unwrap(without_gil([&] { return store->records(run_id, after, 1'000, follow_wait); }));
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  json_value::array events;
  for (const journal_record& record : records) events.push_back(record_event_json(record));
  bool over = false;
  if (records.empty()) {
    const auto run = unwrap(without_gil([&] { return store->find(run_id); }));
    if (!run) raise(validation_error("run_id", "no run has this id", run_id));
    over = is_ended(run->state) && run->last_id <= after;
  }
  return py::make_tuple(to_json(json_value(std::move(events))), over);
}

std::uint64_t prune(workflow_executor& e, py::handle older_than_s, py::handle keep_newest) {
  retention keep;
  keep.age = optional_seconds_argument(older_than_s, "older_than_s");
  keep.count = optional_unsigned_argument(keep_newest, "keep");
  const auto store = store_of(e);
  std::uint64_t all = 0;
  for (;;) {
    const auto pruned = unwrap(without_gil([&] { return store->prune(keep); }));
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (pruned == 0) return all;
    all += pruned;
  }
}

std::string store_size(workflow_executor& e) {
  const auto store = store_of(e);
  const auto size = unwrap(without_gil([&] { return store->size(); }));
  json_value out;
  out.set("runs_open", size.runs_open);
  out.set("runs_ended", size.runs_ended);
  out.set("bytes", size.bytes);
  out.set("oldest", size.oldest ? json_value(to_rfc3339(*size.oldest)) : json_value());
  return to_json(out);
}

}  // namespace

void bind_store(py::module_& module) {
  auto executor =
      py::reinterpret_borrow<py::class_<workflow_executor>>(py::object(module.attr("Executor")));
  executor.def("runs", &list_runs)
      .def("go_on", &go_on)
      .def("fork", &fork)
      .def("cancel", &cancel)
      .def("signal", &send_signal)
      .def("history", &history)
      .def("follow", &follow)
      .def("prune", &prune)
      .def("store_size", &store_size);
  module.def("idempotency_key", [] { return current_callable_call().key; });
  module.def("register_codec", &register_codec);
}

}  // namespace graphbit::python
