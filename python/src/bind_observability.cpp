#include <optional>
#include <string>
#include <utility>

#include <graphbit/actors/health.hpp>
#include <graphbit/runtime/metrics.hpp>
#include <graphbit/runtime/random.hpp>
#include <graphbit/runtime/tracer.hpp>

#include "bindings.hpp"
#include "error_translation.hpp"
#include "gil.hpp"
#include "json_conversion.hpp"
#include "log_queue.hpp"
#include "process_runtime.hpp"
#include "strict_arguments.hpp"
#include "trace_source.hpp"

namespace graphbit::python {

namespace {

void observe(bool tracing, std::optional<bool> content, py::handle metrics_address,
             py::handle dashboard, py::handle dashboard_token) {
  observability_settings settings;
  settings.tracing = tracing;
  settings.content = content;
  settings.metrics_address =
      optional_text_argument(metrics_address, "metrics_address").value_or("");
  settings.dashboard = optional_text_argument(dashboard, "dashboard").value_or("");
  settings.dashboard_token =
      optional_text_argument(dashboard_token, "dashboard_token").value_or("");
  auto& process = process_runtime::instance();
  const auto home = process.acquire();
  process.observed().set(std::move(settings));
  if (const auto started = process.observed().start(*home); !started) {
    process.observed().set({});  // the next runtime must not try again
    raise(started.error());
  }
}

std::string metrics_text() {
  auto home = process_runtime::instance().current();
  if (home == nullptr) return {};
  return without_gil([&] {
    auto text = home->service<metrics_registry>()->text();
    home.reset();
    return text;
  });
}

py::object health() {
  auto home = process_runtime::instance().current();
  if (home == nullptr) return py::none();
  const auto report = without_gil([&] {
    auto seen = to_json(check_health(*home));
    home.reset();
    return seen;
  });
  return python_from_json(report);
}

bool flush_traces(double patience_s) {
  auto home = process_runtime::instance().current();
  if (home == nullptr) return true;
  return without_gil([&] {
    const bool flushed = home->service<tracer>()->flush(
        std::chrono::duration_cast<milliseconds>(std::chrono::duration<double>(patience_s)));
    home.reset();
    return flushed;
  });
}

/// The span of a call to a Python provider, which began at `started_ns` of the monotonic clock.
/// `failure`: the name of the exception that ended it, or None.
void record_python_call(const std::string& provider, const std::string& model,
                        std::int64_t started_ns, py::handle caller, const std::string& finish,
                        std::int64_t prompt_tokens, std::int64_t completion_tokens,
                        py::handle failure) {
  auto home = process_runtime::instance().current();
  if (home == nullptr) return;
  const auto spans = home->service<tracer>();
  static_cast<void>(without_gil([&] {  // where it is the last one, the runtime ends here
    home.reset();
    return true;
  }));
  if (!spans->on()) return;
  const auto header = optional_text_argument(caller, "traceparent").value_or("");
  const auto parent = trace_context::from_traceparent(header).value_or(trace_context{});
  if (parent.valid() && !parent.sampled) return;
  static thread_local random_source random = random_source::from_system();
  trace_span span;
  span.context = parent.child(random);
  span.parent = parent.span;
  span.name = "chat " + model;
  span.kind = span_kind::client;
  span.started = time_point(std::chrono::nanoseconds(started_ns));
  span.ended = steady_clock::now();
  span.set("gen_ai.operation.name", "chat");
  span.set("gen_ai.provider.name", provider);
  span.set("gen_ai.request.model", model);
  if (failure.is_none()) {
    span.set("gen_ai.usage.input_tokens", prompt_tokens);
    span.set("gen_ai.usage.output_tokens", completion_tokens);
    span.set("gen_ai.response.finish_reasons", span_attribute::list{finish});
  } else {
    span.failed = true;
    span.failure = text_argument(failure, "failure");
    span.set("error.type", span.failure);
  }
  spans->record(std::move(span));
}

/// (level, room, text, run_id, node, request_id, attempt, time_s) per line.
py::list take_log_lines(double patience_s) {
  const auto lines = without_gil([&] {
    return log_queue::instance().take(
        std::chrono::duration_cast<milliseconds>(std::chrono::duration<double>(patience_s)));
  });
  py::list all(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& l = lines[i];
    all[i] = py::make_tuple(static_cast<int>(l.level), l.room, l.text, l.run_id, l.node,
                            l.request_id, l.attempt, l.time_s);
  }
  return all;
}

void set_log_output(py::handle format, py::handle file) {
  if (const auto name = optional_text_argument(format, "log_format")) {
    if (*name != "text" && *name != "json")
      raise(validation_error("log_format", "log_format must be 'text' or 'json'", *name));
    set_log_format(*name == "json" ? log_format::json : log_format::text);
  }
  if (const auto path = optional_text_argument(file, "log_file")) unwrap(set_log_file(*path));
}

}  // namespace

void bind_observability(py::module_& module) {
  module.def("observe", &observe);
  module.def("metrics_text", &metrics_text);
  module.def("health", &health);
  module.def("flush_traces", &flush_traces);
  module.def("metrics_url", [] { return process_runtime::instance().observed().metrics_url(); });
  module.def("dashboard_url",
             [] { return process_runtime::instance().observed().dashboard_url(); });
  module.def("is_traceparent", [](const std::string& header) {
    return trace_context::from_traceparent(header).has_value();
  });
  module.def("set_trace_source", &set_trace_source);
  module.def("record_python_call", &record_python_call);
  module.def("set_log_output", &set_log_output);
  module.def("take_log_lines", &take_log_lines);
  module.def("attach_log_queue", [] { log_queue::instance().attach(); });
  module.def("detach_log_queue", [] { log_queue::instance().detach(); });
}

}  // namespace graphbit::python
