// The "Trace Event Format" of Chrome, which Perfetto reads: complete events ("X") with times in
// microseconds, and names for processes and threads as metadata events ("M").
#include <algorithm>
#include <variant>

#include <graphbit/actors/timeline.hpp>

namespace graphbit {

namespace {

class trace_file {
 public:
  explicit trace_file(const run_record& record) : record_(record) {}

  void name(const char* what, std::int64_t row, const std::string& text) {
    json_value event = base("M", row);
    event.set("name", what);
    json_value arguments;
    arguments.set("name", text);
    event.set("args", std::move(arguments));
    events_.push_back(std::move(event));
  }

  void span(const std::string& name, const char* category, std::int64_t row, time_point from,
            time_point to, json_value arguments) {
    if (from == time_point{}) return;
    json_value event = base("X", row);
    event.set("name", name);
    event.set("cat", category);
    event.set("ts", microseconds(from - record_.started));
    event.set("dur", microseconds(std::max(to, from) - from));
    event.set("args", std::move(arguments));
    events_.push_back(std::move(event));
  }

  [[nodiscard]] std::string text() && {
    json_value file;
    file.set("traceEvents", std::move(events_));
    file.set("displayTimeUnit", "ms");
    return to_json(file);
  }

 private:
  static json_value base(const char* phase, std::int64_t row) {
    json_value event;
    event.set("ph", phase);
    event.set("pid", 1);
    event.set("tid", row);
    return event;
  }
  static double microseconds(duration d) {
    return std::chrono::duration<double, std::micro>(d).count();
  }

  const run_record& record_;
  json_value::array events_;
};

json_value facts_of(const llm_call_record& call) {
  json_value facts;
  facts.set("provider", call.provider);
  facts.set("attempts", std::int64_t{call.attempts});
  facts.set("input_tokens", std::int64_t{call.usage.prompt_tokens});
  facts.set("output_tokens", std::int64_t{call.usage.completion_tokens});
  if (call.failure) facts.set("error", to_string(call.failure->kind));
  return facts;
}

void add_executions(trace_file& file, const node_result& node, std::int64_t row) {
  for (const auto& execution : node.executions) {
    if (const auto* call = std::get_if<llm_call_record>(&execution)) {
      file.span(call->model.empty() ? "model call" : call->model, "model", row, call->started,
                call->ended, facts_of(*call));
    } else if (const auto* tool = std::get_if<tool_call_record>(&execution)) {
      json_value facts;
      facts.set("success", tool->success);
      file.span(tool->call.name, "tool", row, tool->started, tool->ended, std::move(facts));
    }
  }
}

}  // namespace

std::string timeline_trace(const run_result& result) {
  const run_record& record = result.record();
  trace_file file(record);
  const std::string& title = record.flow->name();
  file.name("process_name", 0, (title.empty() ? "workflow" : title) + " " + record.run_id);
  json_value run_facts;
  run_facts.set("state", to_string(record.state));
  file.name("thread_name", 0, "run");
  file.span(title.empty() ? "run" : title, "run", 0, record.started, record.ended,
            std::move(run_facts));
  for (std::size_t i = 0; i < record.nodes.size(); ++i) {
    const node_result& node = record.nodes[i];
    const auto row = static_cast<std::int64_t>(i) + 1;
    const std::string& name = record.flow->nodes()[i]->name;
    file.name("thread_name", row, name);
    json_value facts;
    facts.set("status", to_string(node.status));
    facts.set("kind", to_string(record.flow->nodes()[i]->kind()));
    file.span(name, "node", row, node.started,
              node.ended == time_point{} ? record.ended : node.ended, std::move(facts));
    add_executions(file, node, row);
  }
  return std::move(file).text();
}

}  // namespace graphbit
