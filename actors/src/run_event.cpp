#include <graphbit/actors/run_event.hpp>

#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

namespace graphbit {

namespace {

struct kind_row {
  run_event_kind kind;
  std::string_view name, category, phase;
};

constexpr std::array<kind_row, 13> rows{{
    {run_event_kind::workflow_started, "workflow_started", "workflow", "started"},
    {run_event_kind::workflow_completed, "workflow_completed", "workflow", "completed"},
    {run_event_kind::workflow_failed, "workflow_failed", "workflow", "failed"},
    {run_event_kind::node_started, "node_started", "node", "started"},
    {run_event_kind::node_completed, "node_completed", "node", "completed"},
    {run_event_kind::node_failed, "node_failed", "node", "failed"},
    {run_event_kind::node_skipped, "node_skipped", "node", "completed"},
    {run_event_kind::token, "token", "llm", "token"},
    {run_event_kind::llm_call_started, "llm_call_started", "llm", "started"},
    {run_event_kind::llm_call_completed, "llm_call_completed", "llm", "completed"},
    {run_event_kind::tool_call_started, "tool_call_started", "tool", "started"},
    {run_event_kind::tool_call_completed, "tool_call_completed", "tool", "completed"},
    {run_event_kind::tool_call_failed, "tool_call_failed", "tool", "failed"},
}};

const kind_row& row_of(run_event_kind kind) noexcept {
  return rows[static_cast<std::size_t>(kind)];
}

void set_failure(json_value& out, const run_event& e) {
  if (!e.failure) return;
  out.set("error", describe(*e.failure));
  out.set("error_type", error_type_of(*e.failure));
}

void set_kind_fields(json_value& out, const run_event& e) {
  switch (e.kind) {
    case run_event_kind::workflow_started:
      out.set("workflow_id", e.workflow_id);
      out.set("workflow_name", e.workflow_name);
      out.set("total_nodes", std::uint64_t{e.total_nodes});
      break;
    case run_event_kind::workflow_completed:
      out.set("outputs", e.text);
      break;
    case run_event_kind::node_completed:
      out.set("output", e.text);
      break;
    case run_event_kind::node_skipped:
      out.set("reason", e.text);
      break;
    case run_event_kind::token:
      out.set("llm_call_id", e.call_id);
      out.set("content", e.text);
      break;
    case run_event_kind::llm_call_started:
      out.set("llm_call_id", e.call_id);
      out.set("iteration", std::uint64_t{e.iteration});
      out.set("model", e.name);
      break;
    case run_event_kind::llm_call_completed:
      out.set("llm_call_id", e.call_id);
      out.set("iteration", std::uint64_t{e.iteration});
      out.set("finish_reason", e.finish_reason);
      out.set("output", e.text);
      out.set("duration_ms", e.duration_ms);
      break;
    case run_event_kind::tool_call_started:
    case run_event_kind::tool_call_completed:
    case run_event_kind::tool_call_failed:
      out.set("tool_name", e.name);
      out.set("tool_call_id", e.call_id);
      if (e.kind == run_event_kind::tool_call_started) out.set("parameters", e.text);
      if (e.kind == run_event_kind::tool_call_completed) out.set("output", e.text);
      if (e.kind != run_event_kind::tool_call_started) out.set("duration_ms", e.duration_ms);
      break;
    case run_event_kind::workflow_failed:
    case run_event_kind::node_started:
    case run_event_kind::node_failed:
      break;
  }
}

}  // namespace

std::string_view to_string(run_event_kind kind) noexcept { return row_of(kind).name; }
std::string_view category_of(run_event_kind kind) noexcept { return row_of(kind).category; }
std::string_view phase_of(run_event_kind kind) noexcept { return row_of(kind).phase; }

std::string_view error_type_of(const error& e) noexcept {
  switch (e.kind) {
    case error_kind::timeout:
      return "timeout_error";
    case error_kind::network:
      return "connection_error";
    case error_kind::authentication:
      return "permission_error";
    case error_kind::configuration:
    case error_kind::validation:
      return "value_error";
    default:
      return "runtime_error";
  }
}

bool is_terminal(run_event_kind kind) noexcept {
  return kind == run_event_kind::workflow_completed || kind == run_event_kind::workflow_failed;
}

json_value to_json(const run_event& e) {
  json_value out;
  out.set("event", to_string(e.kind));
  out.set("category", category_of(e.kind));
  out.set("phase", phase_of(e.kind));
  out.set("time", to_rfc3339(e.time));
  if (!e.node_id.empty()) {
    out.set("node_id", e.node_id);
    out.set("node_name", e.node_name);
  }
  set_kind_fields(out, e);
  set_failure(out, e);
  return out;
}

std::string to_rfc3339(std::chrono::system_clock::time_point t) {
  const auto since = std::chrono::floor<std::chrono::microseconds>(t.time_since_epoch());
  const auto whole = std::chrono::floor<std::chrono::seconds>(since);
  const std::time_t when = static_cast<std::time_t>(whole.count());
  std::tm utc{};
  gmtime_r(&when, &utc);
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", utc.tm_year + 1900,
                utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                static_cast<int>((since - whole).count()));
  return text;
}

}  // namespace graphbit
