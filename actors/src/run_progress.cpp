#include "src/run_progress.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "src/node_work.hpp"
#include "src/run_journal.hpp"

namespace graphbit {

namespace {

bool is_agent(const node& n) noexcept {
  return n.kind() == node_kind::agent || n.kind() == node_kind::map;
}

policy::on_failure rule_of(const node& n) noexcept {
  switch (n.on_failure) {
    case failure_policy::fail:
      return policy::on_failure::fail;
    case failure_policy::skip:
      return policy::on_failure::skip;
    case failure_policy::continue_with_null:
      return policy::on_failure::continue_;
  }
  return policy::on_failure::fail;
}

/// Failures of the world outside, which `execute` raises when no agent got through.
bool is_raised_kind(error_kind kind) noexcept {
  return kind == error_kind::network || kind == error_kind::authentication ||
         kind == error_kind::rate_limit || kind == error_kind::timeout;
}

}  // namespace

std::vector<std::uint32_t> run_progress::begin() {
  set_times();
  board_->record().state = run_state::running;
  board_->emit(run_event_kind::workflow_started, [this](run_event& event) {
    event.workflow_id = plan_->flow()->id();
    event.workflow_name = plan_->flow()->name();
    event.total_nodes = static_cast<std::uint32_t>(plan_->size());
  });
  return proceed(ready_.begin());
}

/// A run that goes on began when it first did.
void run_progress::set_times() {
  run_record& record = board_->record();
  record.started = steady_clock::now();
  record.wall_started = std::chrono::system_clock::now();
  const auto began =
      board_->journal() != nullptr ? board_->journal()->replay().began() : std::nullopt;
  if (!began || *began >= record.wall_started) return;
  record.started -= std::chrono::duration_cast<duration>(record.wall_started - *began);
  record.wall_started = *began;
}

std::vector<std::uint32_t> run_progress::ended(std::uint32_t index) {
  return proceed(progress_of(index));
}

/// Follows all that is recorded; what is left is to be started.
std::vector<std::uint32_t> run_progress::proceed(policy::progress p) {
  std::vector<std::uint32_t> to_start, ready = std::move(p.ready);
  for (const policy::skipped_node& skipped : p.skipped) skip(skipped);
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const std::uint32_t index = ready[i];
    if (!board_->restore(index)) {
      to_start.push_back(index);
      continue;
    }
    restore_asked(*board_, index, board_->slot(index));
    board_->announce(index);
    const policy::progress more = progress_of(index);
    for (const policy::skipped_node& skipped : more.skipped) skip(skipped);
    ready.insert(ready.end(), more.ready.begin(), more.ready.end());
  }
  return to_start;
}

policy::progress run_progress::progress_of(std::uint32_t index) {
  const node_result& result = board_->record().nodes[index];
  if (result.status == node_status::failed) {
    note_failure(index);
    return ready_.failed(index, rule_of(plan_->step(index)));
  }
  board_->record().completed.push_back(index);
  if (plan_->step(index).kind() != node_kind::condition) return ready_.completed(index);
  for (const std::uint32_t successor : plan_->successors(index))
    if (plan_->step(successor).name == result.chosen) return ready_.chose(index, successor);
  return ready_.chose(index, index);  // no successor: every way ends here
}

void run_progress::note_failure(std::uint32_t index) {
  const node& step = plan_->step(index);
  const node_result& result = board_->record().nodes[index];
  if (step.on_failure != failure_policy::fail) return;
  if (!failure_) failure_ = result.failure;
  if (is_agent(step) && !agent_failure_) agent_failure_ = result.failure;
}

void run_progress::skip(const policy::skipped_node& skipped) {
  node_result& slot = board_->slot(skipped.node);
  const std::string& cause = plan_->step(skipped.cause).name;
  slot.status = node_status::skipped;
  slot.why = skipped.reason == policy::skip_reason::parent_failed
                 ? "node '" + cause + "', which it needs, failed"
                 : "condition '" + cause + "' chose another way";
  if (auto* journal = board_->journal()) journal->add_skipped(board_->key(skipped.node), slot.why);
  board_->emit(run_event_kind::node_skipped, skipped.node,
               [&](run_event& event) { event.text = slot.why; });
}

void run_progress::cancel_rest() {
  for (const policy::node_index index : ready_.cancel_rest()) {
    node_result& slot = board_->slot(index);
    slot.status = node_status::cancelled;
    if (slot.started != time_point{}) slot.ended = steady_clock::now();
  }
}

std::optional<error> run_progress::raised() const {
  const run_record& record = board_->record();
  if (!agent_failure_ || !is_raised_kind(agent_failure_->kind)) return std::nullopt;
  for (std::size_t i = 0; i < plan_->size(); ++i)
    if (is_agent(plan_->step(i)) && record.nodes[i].status == node_status::completed)
      return std::nullopt;
  return agent_failure_;
}

run_result recorded_result(run_setup setup, run_state state, std::optional<error> failure) {
  auto board = std::make_shared<run_board>(std::move(setup));
  run_progress progress(board);
  static_cast<void>(progress.begin());
  progress.cancel_rest();
  const auto record = board->close();
  record->state = state;
  if (!failure) failure = progress.failure();
  const bool own = failure && failure != progress.failure();  // the run's, not a node's
  record->raised = own && !failure->cancelled ? failure : progress.raised();
  record->failure = std::move(failure);
  for (const node_result& node : record->nodes) record->ended = std::max(record->ended, node.ended);
  if (record->ended == time_point{}) record->ended = record->started;
  const run_result result(record);
  board->announce_end(result);
  return result;
}

}  // namespace graphbit
