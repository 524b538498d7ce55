#include <cmath>
#include <graphbit/actors/graph_svg.hpp>

#include <graphbit/actors/timeline.hpp>
#include <graphbit/actors/workflow.hpp>

#include "bindings.hpp"
#include "call_arguments.hpp"
#include "error_translation.hpp"
#include "json_conversion.hpp"
#include "node_counts.hpp"
#include "plain_error.hpp"
#include "python_callable.hpp"
#include "response_conversion.hpp"
#include "strict_arguments.hpp"
#include "workflow_executor.hpp"

namespace graphbit::python {

namespace {

failure_policy failure_policy_from(py::handle value) {
  const auto name = optional_text_argument(value, "on_failure");
  if (!name || *name == "fail") return failure_policy::fail;
  if (*name == "skip") return failure_policy::skip;
  if (*name != "continue")
    raise(validation_error("on_failure", "on_failure must be \"fail\", \"skip\" or \"continue\"",
                           *name));
  return failure_policy::continue_with_null;
}

std::optional<provider_config> optional_config(py::handle value) {
  if (value.is_none()) return std::nullopt;
  return value.cast<const provider_config&>();
}

/// A tool as (name, description, schema as JSON text, function of one dict, timeout in seconds).
tool tool_from(const py::tuple& given) {
  tool made;
  made.spec.name = given[0].cast<std::string>();
  made.spec.description = given[1].cast<std::string>();
  made.spec.parameters = given[2].cast<std::string>();
  const auto timeout = optional_seconds_argument(given[4], "tool_timeout_s");
  made.function = make_callable(made.spec.name, given[3], timeout.value_or(milliseconds(0)));
  return made;
}

model_settings model_from(py::handle config, py::handle system_prompt, py::handle temperature,
                          py::handle max_tokens, py::handle caching, py::handle output_schema) {
  model_settings model;
  model.provider = optional_config(config);
  model.system_prompt = optional_text_argument(system_prompt, "system_prompt").value_or("");
  model.temperature = optional_real_argument(temperature, "temperature");
  model.max_tokens = optional_u32_argument(max_tokens, "max_tokens");
  model.prompt_caching = bool_argument(caching, "enable_prompt_caching");
  model.output_schema = json_object_argument(output_schema, "output_schema");
  return model;
}

node finished(expected<node> made, py::handle output_name, py::handle on_failure) {
  node result = unwrap_plain(std::move(made));
  result.output_name = optional_text_argument(output_name, "output_name").value_or("");
  result.on_failure = failure_policy_from(on_failure);
  return result;
}

node make_agent(py::handle name, py::handle prompt, py::handle context, py::handle agent_id,
                py::handle output_name, const py::list& tools, py::handle system_prompt,
                py::handle config, py::handle temperature, py::handle max_tokens,
                py::handle max_iterations, py::handle caching, py::handle output_schema,
                py::handle on_failure) {
  auto node_name = text_argument(name, "name");
  agent_spec spec;
  spec.prompt = text_argument(prompt, "prompt");
  spec.context = optional_text_argument(context, "context").value_or("");
  spec.agent_id = optional_text_argument(agent_id, "agent_id").value_or("");
  spec.model = model_from(config, system_prompt, temperature, max_tokens, caching, output_schema);
  spec.max_iterations = optional_u32_argument(max_iterations, "max_iterations");
  for (const py::handle given : tools) spec.tools.push_back(tool_from(given.cast<py::tuple>()));
  return finished(node::agent(std::move(node_name), std::move(spec)), output_name, on_failure);
}

callable timed_callable(const std::string& name, py::object function, py::handle timeout_s) {
  const auto timeout = optional_seconds_argument(timeout_s, "timeout_s");
  return make_callable(name, std::move(function), timeout.value_or(milliseconds(0)));
}

node make_transform(py::handle name, py::handle transformation, py::handle argument,
                    py::handle function, py::handle output_name, py::handle on_failure,
                    py::handle timeout_s) {
  auto node_name = text_argument(name, "name");
  transform_spec spec;
  spec.transformation = optional_text_argument(transformation, "transformation").value_or("");
  spec.argument = optional_text_argument(argument, "argument").value_or("");
  if (!function.is_none())
    spec.function =
        timed_callable(node_name, py::reinterpret_borrow<py::object>(function), timeout_s);
  return finished(node::transform(std::move(node_name), std::move(spec)), output_name, on_failure);
}

node make_condition(py::handle name, py::handle expression, py::handle handler,
                    py::handle on_failure, py::handle timeout_s) {
  auto node_name = text_argument(name, "name");
  condition_spec spec;
  spec.expression = optional_text_argument(expression, "expression").value_or("");
  if (!handler.is_none())
    spec.handler =
        timed_callable(node_name, py::reinterpret_borrow<py::object>(handler), timeout_s);
  return finished(node::condition(std::move(node_name), std::move(spec)), py::none(), on_failure);
}

node make_map(py::handle name, py::handle prompt, py::handle items, py::handle join,
              py::handle max_concurrency, py::handle output_name, py::handle system_prompt,
              py::handle config, py::handle temperature, py::handle max_tokens, py::handle caching,
              py::handle output_schema, py::handle on_failure) {
  auto node_name = text_argument(name, "name");
  map_spec spec;
  spec.prompt = text_argument(prompt, "prompt");
  spec.items = optional_text_argument(items, "items").value_or("");
  spec.join = optional_text_argument(join, "join");
  if (const auto limit = optional_u32_argument(max_concurrency, "max_concurrency"))
    spec.in_flight_max = *limit;
  spec.model = model_from(config, system_prompt, temperature, max_tokens, caching, output_schema);
  return finished(node::map(std::move(node_name), std::move(spec)), output_name, on_failure);
}

node make_sub_workflow(py::handle name, const workflow& flow, py::handle inputs,
                       py::handle output_name, py::handle on_failure) {
  auto node_name = text_argument(name, "name");
  sub_workflow_spec spec;
  spec.flow = std::make_shared<workflow>(flow);
  if (!inputs.is_none()) {
    if (!PyDict_Check(inputs.ptr()))
      raise_wrong_type(inputs, "inputs", "cannot be converted to 'PyDict'");
    for (const auto& [key, text] : py::reinterpret_borrow<py::dict>(inputs))
      spec.inputs.emplace_back(text_argument(key, "inputs"), text_argument(text, "inputs"));
  }
  return finished(node::sub_workflow(std::move(node_name), std::move(spec)), output_name,
                  on_failure);
}

node make_wait(py::handle name, py::handle signal, py::handle delay, py::handle output_name,
               py::handle on_failure) {
  auto node_name = text_argument(name, "name");
  wait_spec spec;
  spec.signal = optional_text_argument(signal, "signal").value_or("");
  if (const auto seconds = optional_real_argument(delay, "delay_s")) {
    const double longest = std::chrono::duration<double>(wait_spec::length_max).count();
    if (!(*seconds >= 0 && *seconds <= longest))
      raise(validation_error("delay_s", "delay_s must be between 0 and 3650 days",
                             std::to_string(*seconds)));
    spec.length = milliseconds{std::llround(*seconds * 1000)};
  }
  return finished(node::wait(std::move(node_name), std::move(spec)), output_name, on_failure);
}

void bind_node(py::module_& module) {
  py::class_<node>(module, "Node")
      .def_static("agent", &make_agent)
      .def_static("transform", &make_transform)
      .def_static("condition", &make_condition)
      .def_static("map", &make_map)
      .def_static("sub_workflow", &make_sub_workflow)
      .def_static("wait", &make_wait)
      .def_readonly("id", &node::id)
      .def_readonly("name", &node::name)
      .def_property_readonly("kind", [](const node& n) { return std::string(to_string(n.kind())); })
      .def("config_json", [](const node& n) { return to_json_pretty(n.config()); });
}

workflow workflow_from_json(const std::string& text, const py::dict& callables) {
  const json_value document = unwrap(parse_json(text));
  return unwrap(workflow::from_json(document, [&](const std::string& name) -> callable {
    const py::str key(name);
    return callables.contains(key) ? make_callable(name, callables[key]) : callable{};
  }));
}

void bind_graph(py::module_& module) {
  py::class_<workflow>(module, "Workflow")
      .def(py::init([](py::handle name, py::handle description) {
        return workflow(text_argument(name, "name"),
                        optional_text_argument(description, "description").value_or(""));
      }))
      .def_static("from_json", &workflow_from_json)
      .def("copy", [](const workflow& flow) { return workflow(flow); })
      .def("add_node", [](workflow& flow, const node& n) { return unwrap_plain(flow.add_node(n)); })
      .def("connect",
           [](workflow& flow, py::handle from, py::handle to) {
             unwrap_plain(flow.connect(text_argument(from, "from_id"), text_argument(to, "to_id")));
           })
      .def("set_metadata",
           [](workflow& flow, py::handle key, py::handle value) {
             flow.set_metadata(text_argument(key, "key"), bool_argument(value, "value"));
           })
      .def("validate", [](const workflow& flow) { unwrap_plain(flow.validate()); })
      .def("node_count", [](const workflow& flow) { return flow.nodes().size(); })
      .def_property_readonly("id", &workflow::id)
      .def_property_readonly("name", &workflow::name)
      .def_property_readonly("description", &workflow::description)
      .def("to_json", [](const workflow& flow) { return to_json_pretty(flow.to_json()); })
      .def("to_mermaid", &workflow::to_mermaid)
      .def("to_svg", [](const workflow& w, const run_result* last) { return graph_svg(w, last); });
}

py::object optional_text(const std::optional<std::string>& text) {
  return text ? text_object(*text) : py::object(py::none());
}

py::dict outputs_dict(const run_result& result) {
  py::dict outputs;
  for (const auto& [name, value] : result.outputs())
    outputs[py::str(name)] = text_object(to_text(value));
  return outputs;
}

py::list variables_list(const run_result& result) {
  py::list variables;
  for (const auto& [name, text] : result.variables())
    variables.append(py::make_tuple(text_object(name), text_object(text)));
  return variables;
}

/// Per node, by name: its status, and its error or why it was skipped.
py::list statuses(const run_result& result) {
  py::list rows;
  const auto& nodes = result.record().flow->nodes();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const node_result& outcome = result.node_at(i);
    rows.append(py::make_tuple(
        nodes[i]->id, nodes[i]->name, std::string(to_string(outcome.status)),
        outcome.failure ? exception_from(*outcome.failure) : py::object(py::none()), outcome.why));
  }
  return rows;
}

void bind_result(py::module_& module) {
  py::class_<run_result>(module, "RunResult")
      .def_property_readonly("run_id", [](const run_result& r) { return r.record().run_id; })
      .def("is_success", &run_result::is_success)
      .def("is_failed", &run_result::is_failed)
      .def("state_text", &run_result::state_text)
      .def("execution_time_ms", [](const run_result& r) { return r.execution_time().count(); })
      .def("variables", &variables_list)
      .def("variable",
           [](const run_result& r, py::handle key) {
             return optional_text(r.variable(text_argument(key, "key")));
           })
      .def("output",
           [](const run_result& r, py::handle name) {
             return optional_text(r.output_of(text_argument(name, "node_name")));
           })
      .def("outputs", &outputs_dict)
      .def("node_metadata",
           [](const run_result& r, py::handle id) {
             return python_from_json(r.node_metadata(text_argument(id, "node_id")));
           })
      .def("workflow_metadata",
           [](const run_result& r) { return python_from_json(r.workflow_metadata()); })
      .def("statuses", &statuses)
      .def("to_json", [](const run_result& r) { return to_json_pretty(r.to_json()); })
      .def("timeline_svg", [](const run_result& r) { return timeline_svg(r); })
      .def("timeline_trace", [](const run_result& r) { return timeline_trace(r); });
}

executor_options options_from(py::handle given) {
  keyword_arguments keywords(given);
  executor_options options;
  const auto mode = optional_text_argument(keywords.take("mode"), "mode");
  if (mode) options.mode = *execution_mode_from(*mode);  // checked by the class above
  if (const auto timeout =
          optional_unsigned_argument(keywords.take("timeout_seconds"), "timeout_seconds"))
    options.timeout = seconds(std::min<std::uint64_t>(*timeout, UINT32_MAX));
  options.max_retries = optional_u32_argument(keywords.take("max_retries"), "max_retries");
  options.max_concurrency =
      optional_u32_argument(keywords.take("max_concurrency"), "max_concurrency");
  options.max_in_flight = optional_u32_argument(keywords.take("max_in_flight"), "max_in_flight");
  options.debug = optional_bool_argument(keywords.take("debug"), "debug").value_or(false);
  const budget_limits budget = take_budget(keywords);
  options.max_cost = budget.max_cost;
  options.max_total_tokens = budget.max_total_tokens;
  options.adopt = optional_bool_argument(keywords.take("adopt"), "adopt").value_or(true);
  for (const py::handle flow : keywords.take("workflows"))
    options.workflows.push_back(flow.cast<const workflow&>());
  options.keep.age = optional_seconds_argument(keywords.take("keep_runs_s"), "keep_runs_s");
  options.keep.count = optional_unsigned_argument(keywords.take("keep_runs"), "keep_runs");
  options.label = optional_text_argument(keywords.take("label"), "label").value_or("");
  keywords.refuse_others();
  return options;
}

executor_changes changes_from(py::handle mode, py::handle timeout_seconds, py::handle max_retries,
                              py::handle metrics, py::handle debug) {
  executor_changes changes;
  if (const auto name = optional_text_argument(mode, "mode"))
    changes.mode = execution_mode_from(*name);
  if (const auto timeout = optional_unsigned_argument(timeout_seconds, "timeout_seconds"))
    changes.timeout = seconds(std::min<std::uint64_t>(*timeout, UINT32_MAX));
  changes.max_retries = optional_u32_argument(max_retries, "max_retries");
  changes.metrics = optional_bool_argument(metrics, "enable_metrics");
  changes.debug = optional_bool_argument(debug, "debug");
  return changes;
}

void bind_executor(py::module_& module) {
  py::class_<node_counts, std::shared_ptr<node_counts>>(module, "NodeCounts")
      .def(py::init<>())
      .def("counts", &node_counts::counts);
  py::class_<workflow_executor>(module, "Executor")
      .def(py::init([](const provider_config& config, py::object ask, py::handle options) {
        return std::make_unique<workflow_executor>(
            config, options_from(options),
            ask.is_none() ? nullptr : shared_reference(std::move(ask)));
      }))
      .def("use_cluster", &workflow_executor::use_cluster)
      .def("keep_runs_in", &workflow_executor::keep_runs_in)
      .def("execute", &workflow_executor::execute)
      .def("run_async", &workflow_executor::run_async)
      .def("stream", &workflow_executor::stream)
      .def("configure",
           [](workflow_executor& e, py::handle mode, py::handle timeout_seconds,
              py::handle max_retries, py::handle metrics, py::handle debug) {
             e.configure(changes_from(mode, timeout_seconds, max_retries, metrics, debug));
           })
      .def("stats", [](const workflow_executor& e) { return python_from_json(to_json(e.stats())); })
      .def("reset_stats", &workflow_executor::reset_stats)
      .def("supervision_tree", &workflow_executor::supervision_tree);
  module.def("is_execution_mode",
             [](const std::string& name) { return execution_mode_from(name).has_value(); });

  py::class_<run_events>(module, "RunEvents")
      .def("take", &run_events::take)
      .def("wait", &run_events::wait)
      .def("wait_async", &run_events::wait_async);
}

}  // namespace

void bind_workflow(py::module_& module) {
  bind_node(module);
  bind_graph(module);
  bind_result(module);
  bind_executor(module);
}

}  // namespace graphbit::python
