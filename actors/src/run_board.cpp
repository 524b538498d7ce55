#include "src/run_board.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <graphbit/runtime/log.hpp>

#include "src/record_key.hpp"
#include "src/run_journal.hpp"

namespace graphbit {

namespace {

bool has_ended(node_status status) noexcept {
  return status != node_status::pending && status != node_status::running;
}

}  // namespace

run_board::run_board(run_setup setup, reactor& home) : run_board(std::move(setup)) {
  home_ = &home;
}

run_board::run_board(run_setup setup)
    : setup_(std::move(setup)), record_(std::make_shared<run_record>()) {
  record_->run_id = setup_.run_id;
  record_->flow = plan().flow();
  record_->nodes.resize(plan().size());
  record_->inputs = std::exchange(setup_.inputs, {});
  if (record_->inputs.is_object())
    for (const auto& [name, value] : record_->inputs.as_object())
      inputs_.emplace_back(name, node_output::from_json(value));
  signals_ = std::exchange(setup_.signals, {});
  if (!journal()) return;
  keys_ = node_keys(*record_->flow);
  for (std::string& key : keys_) key.insert(0, setup_.key_prefix);
  for (const auto& [name, value] : journal()->replay().signals())
    add_signal(name, parse_json(value).value_or(json_value()));
}

bool run_board::restore(std::size_t index) {
  const std::string* text = journal() ? journal()->replay().node(key(index)) : nullptr;
  if (text == nullptr) return false;
  const auto body = parse_json(*text);
  if (!body) return false;  // never written by us: the node runs again
  read_node_body(*body, calendar(), slot(index));
  return true;
}

std::shared_ptr<run_record> run_board::close() {
  open_ = false;
  return record_;
}

/// A listener that throws costs its run no answer.
void run_board::tell(const run_event& event) const noexcept {
  thrown_.clear();
  try {
    return setup_.listener(event);
  } catch (const std::exception& e) {
    thrown_ = e.what();
  } catch (...) {  // only its text is wanted
  }
  if (thrown_.empty()) thrown_ = "something that is no std::exception";
  if (!std::exchange(listener_threw_, true))  // of thousands of tokens, once
    log(log_level::error, "actors", "the listener of run '" + run_id() + "' threw: " + thrown_);
}

void run_board::announce(std::size_t index) const {
  const node_result& result = record_->nodes[index];
  if (result.status == node_status::completed)
    emit(run_event_kind::node_completed, index,
         [&](run_event& event) { event.text = result.output.text(); });
  else if (result.status == node_status::failed)
    emit(run_event_kind::node_failed, index,
         [&](run_event& event) { event.failure = result.failure; });
}

void run_board::announce_end(const run_result& result) const {
  const auto kind = result.raised() || result.state() == run_state::cancelled
                        ? run_event_kind::workflow_failed
                        : run_event_kind::workflow_completed;
  emit(kind, [&](run_event& event) {
    event.workflow_id = result.record().flow->id();
    event.workflow_name = result.record().flow->name();
    event.text = graphbit::to_json(json_value(result.outputs()));
    event.failure = result.record().failure;
    event.result = std::make_shared<const run_result>(result);
  });
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

const json_value* run_board::signal(std::string_view name) const noexcept {
  const auto found = signals_.find(name);
  return found == signals_.end() ? nullptr : &found->second;
}

void run_board::add_signal(std::string name, json_value value) {
  signals_.try_emplace(std::move(name), std::move(value));
}

wall_time run_board::waits_since(std::size_t index) {
  if (const auto known = waits_.find(index); known != waits_.end()) return known->second;
  auto since = journal() ? journal()->replay().wait_began(key(index)) : std::nullopt;
  if (!since) {
    since = wall_now();
    if (journal()) journal()->add(journal_kind::wait_began, key(index));
  }
  return waits_.try_emplace(index, *since).first->second;
}

parkings& run_board::parkings_of(std::size_t index) {
  const auto [at, is_new] = parkings_.try_emplace(index);
  if (is_new && journal() != nullptr) at->second = journal()->replay().parked(key(index));
  return at->second;
}

/// Every parking writes a row, so a long outage is looked at less and less often.
wall_time run_board::parks_until(std::size_t index, milliseconds asked) {
  constexpr auto first = milliseconds{250}, longest = milliseconds{60'000};
  parkings& so_far = parkings_of(index);
  const auto own = std::min(longest, first * (1 << std::min<std::uint32_t>(so_far.count, 8)));
  const auto wait = std::max(asked, own);
  ++so_far.count;
  so_far.in_all += wait;
  return wall_now() + wait;
}

json_value run_board::outputs_json() const { return outputs_by_name().take(); }

}  // namespace graphbit
