#include "src/run_board.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <graphbit/runtime/log.hpp>

namespace graphbit {

namespace {

bool has_ended(node_status status) noexcept {
  return status != node_status::pending && status != node_status::running;
}

}  // namespace

run_board::run_board(run_setup setup, reactor& home)
    : setup_(std::move(setup)), home_(home), record_(std::make_shared<run_record>()) {
  record_->run_id = setup_.run_id;
  record_->flow = plan().flow();
  record_->nodes.resize(plan().size());
  record_->inputs = std::exchange(setup_.inputs, {});
  if (record_->inputs.is_object())
    for (const auto& [name, value] : record_->inputs.as_object())
      inputs_.emplace_back(name, node_output::from_json(value));
}

std::shared_ptr<run_record> run_board::close() {
  open_ = false;
  return record_;
}

/// A listener must not throw; one that does must not cost a run its answer.
void run_board::tell(const run_event& event) const noexcept {
  try {
    setup_.listener(event);
  } catch (const std::exception& e) {
    log(log_level::error, "actors", "the listener of run '" + run_id() + "' threw: " + e.what());
  } catch (...) {
    log(log_level::error, "actors", "the listener of run '" + run_id() + "' threw");
  }
}

const node_output* run_board::node(std::string_view id_or_name) const {
  const std::size_t index = plan().find(id_or_name);
  if (index == workflow::npos || !has_ended(record_->nodes[index].status)) return nullptr;
  return &record_->nodes[index].output;
}

const node_output* run_board::variable(std::string_view name) const {
  if (const node_output* output = node(name)) return output;
  const auto input = std::find_if(inputs_.begin(), inputs_.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  return input == inputs_.end() ? nullptr : &input->second;
}

bool run_board::passes_on(std::size_t parent, std::size_t child) const {
  const node_result& from = record_->nodes[parent];
  if (from.output.is_null()) return false;
  return plan().step(parent).kind() != node_kind::condition ||
         from.output.text() == plan().step(child).name;
}

void run_board::add_parent_texts(std::size_t index, text_pieces& out) const {
  for (const std::uint32_t parent : plan().parents(index)) {
    if (!passes_on(parent, index)) continue;
    const node_output& output = record_->nodes[parent].output;
    if (!out.empty()) out.add("\n\n");
    out.add(output.text(), output.shared_text());
  }
}

node_output run_board::input_of(std::size_t index) const {
  const auto parents = plan().parents(index);
  if (parents.size() == 1)
    return plan().step(parents.front()).kind() == node_kind::condition
               ? input_of(parents.front())
               : record_->nodes[parents.front()].output;
  if (parents.empty()) {
    const node_output* given = variable("input");
    return given == nullptr ? node_output() : *given;
  }
  text_pieces joined;
  add_parent_texts(index, joined);
  return node_output::from_text(joined.str());
}

named_values<json_value> run_board::outputs_by_name() const {
  named_values<json_value> out;
  for (std::size_t i = 0; i < plan().size(); ++i) {
    const node_output& output = record_->nodes[i].output;
    if (output.is_null()) continue;
    const auto& step = plan().step(i);
    out.set(step.id, output.json());
    out.set(step.name, output.json());
    if (!step.output_name.empty()) out.set(step.output_name, output.json());
  }
  return out;
}

json_value run_board::variables_json() const {
  auto out = outputs_by_name();
  for (const auto& [name, value] : inputs_) out.add(name, value.json());
  return std::move(out).take();
}

json_value run_board::outputs_json() const { return outputs_by_name().take(); }

}  // namespace graphbit
