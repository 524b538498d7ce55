#include <graphbit/actors/run_history.hpp>

#include <utility>
#include <vector>

#include <graphbit/actors/run_event.hpp>

#include "src/record_key.hpp"
#include "src/recorded_run.hpp"
#include "src/run_journal.hpp"
#include "src/run_progress.hpp"

namespace graphbit {

namespace {

std::string unescaped(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto code = name.substr(i, 3);
    const char c = code == "%2F" ? '/' : code == "%23" ? '#' : code == "%25" ? '%' : '\0';
    out += c == '\0' ? name[i] : c;
    i += c == '\0' ? 0 : 2;
  }
  return out;
}

/// "outer/inner" of "outer/inner#call:2".
std::string node_of(const std::string& key) {
  const auto end = std::min(key.find("#call:"), key.find("#tool:"));
  return unescaped(std::string_view(key).substr(0, end));
}

std::string_view event_name(const journal_record& record) noexcept {
  switch (record.kind) {
    case journal_kind::claimed:
      return "run_claimed";
    case journal_kind::node_started:
      return "node_started";
    case journal_kind::call_answered:
      return "llm_call_kept";
    case journal_kind::tool_answered:
      return "tool_call_kept";
    case journal_kind::wait_began:
      return "wait_began";
    case journal_kind::node_parked:
      return "node_parked";
    case journal_kind::node_ended:
      return record.body.starts_with(R"({"status":"failed")") ? "node_failed" : "node_completed";
    case journal_kind::node_skipped:
      return "node_skipped";
    case journal_kind::signal:
      return "signal";
    case journal_kind::cancel_request:
      return "cancel_requested";
    case journal_kind::forgotten:
      return "node_forgotten";
    case journal_kind::run_ended:
      return record.key == "completed" ? "run_completed"
             : record.key == "failed"  ? "run_failed"
                                       : "run_cancelled";
  }
  return "unknown";
}

bool names_node(journal_kind kind) noexcept {
  return kind != journal_kind::claimed && kind != journal_kind::signal &&
         kind != journal_kind::cancel_request && kind != journal_kind::run_ended;
}

std::string time_text(wall_time at) { return to_rfc3339(at); }

std::string time_text(const json_value& ms) {
  const auto count = ms.is_uint()  ? static_cast<std::int64_t>(ms.as_uint())
                     : ms.is_int() ? ms.as_int()
                                   : 0;
  return time_text(wall_time(milliseconds(count)));
}

/// Times inside bodies are milliseconds; people read text. An event's own id is its record's.
void add_body(const json_value& body, json_value& out) {
  for (const auto& [key, value] : body.as_object()) {
    if (key == "status") continue;
    if (key == "started" || key == "ended" || key == "until")
      out.set(key + "_at", time_text(value));
    else if (key == "id")
      out.set("response_id", value);
    else
      out.set(key, value);
  }
}

/// The run as it was recorded, with the texts that were asked. Nothing for a workflow that cannot
/// be read any more: its history is told without them.
std::optional<run_result> looked_at(const stored_run& run, const run_replay& replay) {
  auto flow = readable_workflow(replay.mapped_workflow().empty() ? run.workflow_json
                                                                 : replay.mapped_workflow());
  if (!flow) return std::nullopt;
  auto plan = run_plan::make(std::make_shared<const workflow>(std::move(*flow)));
  if (!plan) return std::nullopt;
  run_setup setup;
  setup.plan = std::move(*plan);
  setup.run_id = run.run_id;
  setup.inputs = parse_json(run.inputs_json).value_or(json_value());
  setup.journal = std::make_shared<run_journal>(nullptr, held_run{run.run_id, 0}, replay);
  return recorded_result(std::move(setup), run_state::completed, std::nullopt);
}

/// Puts what was asked into the calls of a node's event.
void add_asked(const node_result& node, json_value& event) {
  const json_value* calls = event.find("calls");
  if (calls == nullptr || !calls->is_array()) return;
  json_value::array told = calls->as_array();
  for (std::size_t i = 0; i < told.size() && i < node.executions.size(); ++i) {
    const auto* call = std::get_if<llm_call_record>(&node.executions[i]);
    for (const char* key : {"started", "ended"})
      if (const json_value* at = told[i].find(key)) {
        const std::string text = time_text(*at);
        told[i].set(std::string(key), text);
      }
    if (call == nullptr) continue;
    told[i].set("asked", call->input.str());
    if (told[i].find("answer") == nullptr) told[i].set("answer", call->output.json());
  }
  event.set("calls", std::move(told));
}

}  // namespace

json_value run_json(const stored_run& run) {
  json_value out;
  out.set("run_id", run.run_id);
  out.set("workflow", run.workflow_name);
  out.set("state", to_string(run.state));
  out.set("created_at", time_text(run.created_at));
  out.set("changed_at", time_text(run.changed_at));
  if (run.ended_at) out.set("ended_at", time_text(*run.ended_at));
  if (run.wake_at) out.set("wake_at", time_text(*run.wake_at));
  if (run.state == stored_state::running) out.set("owner", run.owner);
  if (!run.failure_json.empty())
    out.set("error", parse_json(run.failure_json).value_or(json_value()));
  if (!run.forked_from.empty()) out.set("forked_from", run.forked_from);
  out.set("records", run.last_id);
  return out;
}

json_value record_event_json(const journal_record& record) {
  json_value out;
  out.set("id", record.id);
  out.set("event", event_name(record));
  out.set("time", time_text(record.at));
  if (names_node(record.kind)) out.set("node", node_of(record.key));
  if (record.kind == journal_kind::signal) out.set("name", record.key);
  if (record.body.empty()) return out;
  const auto body = parse_json(record.body);
  if (!body) return out;
  if (record.kind == journal_kind::signal)
    out.set("value", *body);
  else if (record.kind == journal_kind::node_skipped)
    out.set("reason", *body);
  else if (record.kind == journal_kind::run_ended)
    out.set("error", *body);
  else if (body->is_object())
    add_body(*body, out);
  return out;
}

bool is_last_record(const journal_record& record) noexcept {
  return record.kind == journal_kind::run_ended;
}

expected<json_value> run_history(run_store& store, const std::string& run_id) {
  const auto found = store.find(run_id);
  if (!found) return fail(found.error());
  if (!*found) return fail(validation_error("run_id", "no run has this id", run_id));
  const auto records = all_records(store, run_id);
  if (!records) return fail(records.error());
  const auto seen = looked_at(**found, run_replay(*records));
  json_value::array events;
  std::string owner;
  for (const journal_record& record : *records) {
    json_value event = record_event_json(record);
    if (record.kind == journal_kind::claimed) owner = event.string_or("owner");
    if (!owner.empty()) event.set("by", owner);
    if (seen && record.kind == journal_kind::node_ended)
      if (const node_result* node = seen->node_named(node_of(record.key))) add_asked(*node, event);
    events.push_back(std::move(event));
  }
  return json_value(std::move(events));
}

}  // namespace graphbit
