#include <graphbit/actors/run_result.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include "src/error_json.hpp"
#include "src/named_values.hpp"

namespace graphbit {

namespace {

/// Calls `f(name)` for each name a node's output is published under: id, name, output name.
template <class F>
void each_name(const node& n, F f) {
  f(n.id);
  if (n.name != n.id) f(n.name);
  if (!n.output_name.empty() && n.output_name != n.name) f(n.output_name);
}

/// What went wrong as a run's state shows it: core errors speak for themselves.
std::string state_reason(const error& e) {
  return e.kind == error_kind::core ? e.message : describe(e);
}

json_value status_json(const node& n, const node_result& r) {
  json_value out;
  out.set("id", n.id);
  out.set("name", n.name);
  out.set("type", to_string(n.kind()));
  out.set("status", to_string(r.status));
  if (r.status == node_status::completed) out.set("output", r.output.json());
  if (r.failure) out.set("error", error_json(*r.failure));
  if (!r.why.empty()) out.set("why", r.why);
  if (r.started != time_point{})
    out.set("duration_ms", std::chrono::duration<double, std::milli>(r.ended - r.started).count());
  return out;
}

}  // namespace

std::string_view to_string(node_status status) noexcept {
  constexpr std::array<std::string_view, 6> names{"pending", "running", "completed",
                                                  "failed",  "skipped", "cancelled"};
  return names[static_cast<std::size_t>(status)];
}

std::string_view to_string(run_state state) noexcept {
  constexpr std::array<std::string_view, 5> names{"Pending", "Running", "Completed", "Failed",
                                                  "Cancelled"};
  return names[static_cast<std::size_t>(state)];
}

void text_pieces::add_owned(std::string text) {
  auto owner = std::make_shared<const std::string>(std::move(text));
  const std::string_view view = *owner;
  add(view, std::move(owner));
}

void text_pieces::append(text_pieces&& more) {
  bytes_ += std::exchange(more.bytes_, 0);
  pieces_.insert(pieces_.end(), std::make_move_iterator(more.pieces_.begin()),
                 std::make_move_iterator(more.pieces_.end()));
  more.pieces_.clear();
}

std::string text_pieces::str() const {
  std::string out;
  out.reserve(bytes_);
  for (const piece& p : pieces_) out += p.text;
  return out;
}

std::string run_result::state_text() const {
  std::string text(to_string(state()));
  if (state() != run_state::failed) return text;
  json_value reason(record_->failure ? state_reason(*record_->failure) : std::string("unknown"));
  return text + " { error: " + graphbit::to_json(reason) + " }";
}

milliseconds run_result::execution_time() const {
  return std::chrono::duration_cast<milliseconds>(record_->ended - record_->started);
}

std::size_t run_result::index_of(std::string_view id_or_name) const noexcept {
  const std::size_t found = record_->flow->find(id_or_name);
  if (found != workflow::npos) return found;
  const auto& nodes = record_->flow->nodes();
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (!nodes[i]->output_name.empty() && nodes[i]->output_name == id_or_name) return i;
  return workflow::npos;
}

const node_result* run_result::node_named(std::string_view id_or_name) const noexcept {
  const std::size_t index = index_of(id_or_name);
  return index == workflow::npos ? nullptr : &record_->nodes[index];
}

std::optional<std::string> run_result::output_of(std::string_view id_or_name) const {
  const node_result* found = node_named(id_or_name);
  if (found == nullptr || found->output.is_null()) return std::nullopt;
  return found->output.text();
}

std::vector<std::pair<std::string, json_value>> run_result::outputs() const {
  named_values<json_value> out;
  for (const std::uint32_t index : record_->completed) {
    const node_output& output = record_->nodes[index].output;
    if (output.is_null()) continue;
    each_name(*record_->flow->nodes()[index],
              [&](const std::string& name) { out.set(name, output.json()); });
  }
  return std::move(out).take();
}

std::vector<std::pair<std::string, std::string>> run_result::variables() const {
  named_values<std::string> out;
  if (record_->inputs.is_object())
    for (const auto& [name, value] : record_->inputs.as_object()) out.set(name, to_text(value));
  for (const std::uint32_t index : record_->completed) {
    const node_output& output = record_->nodes[index].output;
    if (output.is_null()) continue;
    each_name(*record_->flow->nodes()[index],
              [&](const std::string& name) { out.set(name, output.json_text()); });
  }
  return std::move(out).take();
}

std::optional<std::string> run_result::variable(std::string_view name) const {
  if (const node_result* found = node_named(name); found != nullptr && !found->output.is_null())
    return found->output.json_text();
  if (const json_value* input = record_->inputs.find(name)) return to_text(*input);
  return std::nullopt;
}

token_usage run_result::total_usage() const {
  token_usage total;
  for (const node_result& n : record_->nodes)
    for (const auto& e : n.executions)
      if (const auto* call = std::get_if<llm_call_record>(&e)) add_usage(total, call->usage);
  return total;
}

json_value run_result::to_json() const {
  json_value out;
  out.set("run_id", record_->run_id);
  out.set("workflow", record_->flow->name());
  out.set("state", to_string(state()));
  if (record_->failure) out.set("error", error_json(*record_->failure));
  out.set("started_at", time_text(record_->started));
  out.set("duration_ms",
          std::chrono::duration<double, std::milli>(record_->ended - record_->started).count());
  json_value::array nodes;
  for (std::size_t i = 0; i < record_->nodes.size(); ++i)
    nodes.push_back(status_json(*record_->flow->nodes()[i], record_->nodes[i]));
  out.set("nodes", std::move(nodes));
  out.set("usage", usage_json(total_usage()));
  return out;
}

}  // namespace graphbit
