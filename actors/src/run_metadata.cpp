// The metadata of contract section 7, built from a run's raw facts when someone asks.
#include <algorithm>
#include <utility>

#include <graphbit/actors/run_event.hpp>
#include <graphbit/actors/run_result.hpp>
#include <graphbit/runtime/limits.hpp>

#include "src/answer_json.hpp"
#include "src/error_json.hpp"

namespace graphbit {

namespace {

double milliseconds_between(time_point from, time_point to) {
  return to <= from ? 0.0 : std::chrono::duration<double, std::milli>(to - from).count();
}

json_value retries_json(std::uint32_t attempts) {
  json_value::array out;
  for (std::uint32_t attempt = 1; attempt < attempts; ++attempt) {
    json_value one;
    one.set("attempt", std::uint64_t{attempt});
    out.push_back(std::move(one));
  }
  return out;
}

template <class TimeText>
json_value execution_json(const llm_call_record& call, const TimeText& time_text) {
  json_value out;
  out.set("type", "llm_call");
  out.set("id", call.id);
  out.set("model", call.model);
  out.set("provider", call.provider);
  out.set("input", call.input.str());
  out.set("output", call.output.text());
  out.set("finish_reason", call.failure ? std::string_view("error") : to_string(call.finish));
  out.set("tool_calls", tool_calls_json(call.tool_calls));
  out.set("start_time", time_text(call.started));
  out.set("end_time", time_text(call.ended));
  out.set("duration_ms", milliseconds_between(call.started, call.ended));
  out.set("usage", usage_json(call.usage));
  out.set("retries", retries_json(call.attempts));
  if (call.failure) out.set("error", error_json(*call.failure));
  return out;
}

template <class TimeText>
json_value execution_json(const tool_call_record& tool, const TimeText& time_text) {
  json_value out;
  out.set("type", "tool_call");
  out.set("id", tool.call.id);
  out.set("tool_name", tool.call.name);
  out.set("parameters", parameters_json(tool.call));
  out.set("output", tool.success ? json_value(tool.output) : json_value());
  out.set("success", tool.success);
  out.set("error", tool.success ? json_value() : json_value(tool.output));
  out.set("start_time", time_text(tool.started));
  out.set("end_time", time_text(tool.ended));
  out.set("latency_ms", milliseconds_between(tool.started, tool.ended));
  out.set("retries", json_value::array());
  return out;
}

/// Sums over one node's executions.
struct execution_totals {
  token_usage usage;
  std::uint64_t llm_calls = 0, tool_calls = 0, retries = 0;
  json_value::array tools_used;

  void add(const llm_call_record& call) {
    ++llm_calls;
    retries += call.attempts > 1 ? call.attempts - 1 : 0;
    add_usage(usage, call.usage);
  }
  void add(const tool_call_record& tool) {
    ++tool_calls;
    const json_value name(tool.call.name);
    if (std::find(tools_used.begin(), tools_used.end(), name) == tools_used.end())
      tools_used.push_back(name);
  }
};

const std::vector<tool>* tools_of(const node& n) {
  const auto* agent = std::get_if<agent_spec>(&n.spec);
  return agent == nullptr ? nullptr : &agent->tools;
}

void set_tools(json_value& out, const node& n) {
  json_value::array names;
  if (const auto* tools = tools_of(n))
    for (const tool& t : *tools) names.emplace_back(t.spec.name);
  const auto count = static_cast<std::uint64_t>(names.size());
  out.set("tools_available", std::move(names));
  out.set("total_tools_available", count);
}

std::uint64_t iterations_max(const node& n) {
  const auto* agent = std::get_if<agent_spec>(&n.spec);
  if (agent == nullptr) return 1;
  return agent->max_iterations.value_or(limits::tool_iterations_max);
}

}  // namespace

std::string run_result::time_text(time_point t) const {
  const auto since =
      std::chrono::duration_cast<std::chrono::system_clock::duration>(t - record_->started);
  return to_rfc3339(record_->wall_started + since);
}

json_value run_result::metadata_at(std::size_t index) const {
  const node& n = *record_->flow->nodes()[index];
  const node_result& r = record_->nodes[index];
  if (r.started == time_point{}) return {};
  const auto time = [this](time_point t) { return time_text(t); };
  execution_totals totals;
  json_value::array executions;
  for (const auto& execution : r.executions)
    std::visit(
        [&](const auto& e) {
          totals.add(e);
          executions.push_back(execution_json(e, time));
        },
        execution);
  json_value out;
  out.set("node_id", n.id);
  out.set("node_name", n.name);
  out.set("node_type", to_string(n.kind()));
  out.set("user_input", r.user_input.str());
  set_tools(out, n);
  out.set("start_time", time_text(r.started));
  out.set("end_time", time_text(r.ended));
  out.set("duration_ms", milliseconds_between(r.started, r.ended));
  out.set("success", r.status == node_status::completed);
  out.set("error", r.failure ? json_value(describe(*r.failure)) : json_value());
  out.set("final_output", r.output.json());
  out.set("total_iterations", totals.llm_calls);
  out.set("max_iterations", iterations_max(n));
  out.set("exit_reason", r.exit_reason);
  out.set("total_usage", usage_json(totals.usage));
  out.set("total_tool_calls", totals.tool_calls);
  out.set("total_retries", totals.retries);
  out.set("tools_used", std::move(totals.tools_used));
  out.set("executions", std::move(executions));
  out.set("status", to_string(r.status));
  return out;
}

json_value run_result::node_metadata(std::string_view id_or_name) const {
  const std::size_t index = index_of(id_or_name);
  return index == workflow::npos ? json_value() : metadata_at(index);
}

json_value run_result::all_node_metadata() const {
  json_value::object out;  // ids are unique: no search for each
  for (std::size_t i = 0; i < record_->nodes.size(); ++i)
    if (json_value one = metadata_at(i); !one.is_null())
      out.emplace_back(record_->flow->nodes()[i]->id, std::move(one));
  return out;
}

json_value run_result::workflow_metadata() const {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < record_->nodes.size(); ++i)
    if (record_->nodes[i].started != time_point{}) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
    return record_->nodes[a].started < record_->nodes[b].started;
  });
  std::uint64_t tool_calls = 0;
  json_value::array nodes;
  for (const std::size_t i : order) {
    for (const auto& e : record_->nodes[i].executions)
      tool_calls += std::holds_alternative<tool_call_record>(e) ? 1 : 0;
    nodes.push_back(metadata_at(i));
  }
  std::string state(to_string(record_->state));
  state.front() = static_cast<char>(state.front() | 0x20);
  json_value out;
  out.set("workflow_id", record_->flow->id());
  out.set("workflow_name", record_->flow->name());
  out.set("start_time", time_text(record_->started));
  out.set("end_time", time_text(record_->ended));
  out.set("duration_ms", milliseconds_between(record_->started, record_->ended));
  out.set("user_input", order.empty() ? "" : record_->nodes[order.front()].user_input.str());
  out.set("user_input_masked", "");
  out.set("final_output", order.empty() ? "" : record_->nodes[order.back()].output.text());
  out.set("final_output_masked", "");
  out.set("workflow_state", std::move(state));
  out.set("nodes", std::move(nodes));
  out.set("total_usage", usage_json(total_usage()));
  out.set("total_tool_calls", tool_calls);
  return out;
}

}  // namespace graphbit
