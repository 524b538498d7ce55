#include "src/run_actor.hpp"

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <graphbit/actors/supervisor.hpp>
#include <graphbit/runtime/log.hpp>

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

class run_shell {
 public:
  run_shell(run_actor* self, run_setup setup, run_done done)
      : self_(self),
        plan_(setup.plan),
        board_(std::make_shared<run_board>(std::move(setup), self->home())),
        ready_(plan_->graph()),
        nodes_(plan_->size()),
        done_(std::move(done)) {}

  ~run_shell() {
    if (!done_) return;
    const error lost =
        core_error("the actor of run '" + board_->run_id() + "' ended without a result");
    finish(run_state::failed, lost, lost);
  }
  run_shell(const run_shell&) = delete;
  run_shell& operator=(const run_shell&) = delete;

  void begin();
  void node_ended(std::uint32_t index);
  void end_early(const error& why);
  [[nodiscard]] child_reports report() const;
  /// After each message: an actor whose result is handed out ends.
  void quit_if_over() {
    if (!done_) self_->quit();
  }

 private:
  void watch_deadline();
  [[nodiscard]] policy::progress progress_of(std::uint32_t index);
  [[nodiscard]] policy::progress progress_of_failed(std::uint32_t index);
  void note_failure(std::uint32_t index);
  void proceed(const policy::progress& p);
  void skip(const policy::skipped_node& skipped);
  void finish(run_state state, std::optional<error> failure, std::optional<error> raised) noexcept;
  void announce_end(const run_result& result) const;
  [[nodiscard]] std::optional<error> to_raise() const;

  run_actor* self_;
  std::shared_ptr<const run_plan> plan_;
  std::shared_ptr<run_board> board_;
  policy::ready_nodes ready_;
  std::vector<caf::actor> nodes_;  // those at work
  run_done done_;
  std::optional<error> failure_;        // of the first node that fails the run
  std::optional<error> agent_failure_;  // of the first agent that does
};

void run_shell::begin() {
  run_record& record = board_->record();
  record.started = steady_clock::now();
  record.wall_started = std::chrono::system_clock::now();
  record.state = run_state::running;
  board_->emit(run_event_kind::workflow_started, [this](run_event& event) {
    event.workflow_id = plan_->flow()->id();
    event.workflow_name = plan_->flow()->name();
    event.total_nodes = static_cast<std::uint32_t>(plan_->size());
  });
  if (board_->setup().late) watch_deadline();
  proceed(ready_.begin());
}

/// The reactor's one timer looks at the clock for all runs; it holds no run alive.
void run_shell::watch_deadline() {
  self_->home().sweep([me = caf::actor_cast<caf::actor_addr>(self_),
                       until = board_->setup().deadline_at,
                       late = board_->setup().late](time_point now) {
    const auto run = caf::actor_cast<caf::actor>(me);
    if (!run) return false;
    if (now < until) return true;
    caf::anon_send(run, graphbit::end_early{late});
    return false;
  });
}

void run_shell::node_ended(std::uint32_t index) {
  if (!done_) return;
  nodes_[index] = nullptr;
  // The provider client heeds the run's deadline too, and may notice it first.
  const run_setup& setup = board_->setup();
  const auto& failed = board_->record().nodes[index].failure;
  if (failed && failed->kind == error_kind::timeout && setup.late &&
      steady_clock::now() >= setup.deadline_at)
    return end_early(*setup.late);
  proceed(progress_of(index));
}

policy::progress run_shell::progress_of(std::uint32_t index) {
  const node_result& result = board_->record().nodes[index];
  if (result.status == node_status::failed) return progress_of_failed(index);
  board_->record().completed.push_back(index);
  if (plan_->step(index).kind() != node_kind::condition) return ready_.completed(index);
  for (const std::uint32_t successor : plan_->successors(index))
    if (plan_->step(successor).name == result.chosen) return ready_.chose(index, successor);
  return ready_.chose(index, index);  // no successor: every way ends here
}

policy::progress run_shell::progress_of_failed(std::uint32_t index) {
  note_failure(index);
  return ready_.failed(index, rule_of(plan_->step(index)));
}

void run_shell::note_failure(std::uint32_t index) {
  const node& step = plan_->step(index);
  const node_result& result = board_->record().nodes[index];
  if (step.on_failure != failure_policy::fail) return;
  if (!failure_) failure_ = result.failure;
  if (is_agent(step) && !agent_failure_) agent_failure_ = result.failure;
}

void run_shell::proceed(const policy::progress& p) {
  for (const policy::skipped_node& skipped : p.skipped) skip(skipped);
  for (const policy::node_index index : p.ready)
    nodes_[index] =
        spawn_on(self_->home(), run_node, board_, index, caf::actor_cast<caf::actor>(self_));
  if (ready_.done())
    finish(ready_.run_failed() ? run_state::failed : run_state::completed, failure_, to_raise());
}

/// Its nodes at work. None is ever restarted: it could ask a provider twice.
child_reports run_shell::report() const {
  child_reports all;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i])
      all.children.push_back({.kind = "node",
                              .name = plan_->step(i).name,
                              .supervises = plan_->step(i).kind() == node_kind::sub_workflow,
                              .handle = nodes_[i]});
  return all;
}

void run_shell::skip(const policy::skipped_node& skipped) {
  node_result& slot = board_->slot(skipped.node);
  const std::string& cause = plan_->step(skipped.cause).name;
  slot.status = node_status::skipped;
  slot.why = skipped.reason == policy::skip_reason::parent_failed
                 ? "node '" + cause + "', which it needs, failed"
                 : "condition '" + cause + "' chose another way";
  board_->emit(run_event_kind::node_skipped, skipped.node,
               [&](run_event& event) { event.text = slot.why; });
}

void run_shell::end_early(const error& why) {
  if (!done_) return;
  for (const policy::node_index index : ready_.cancel_rest()) {
    node_result& slot = board_->slot(index);
    slot.status = node_status::cancelled;
    if (slot.started != time_point{}) slot.ended = steady_clock::now();
  }
  const auto at_work = std::exchange(nodes_, {});
  const auto shared = std::make_shared<const error>(why);
  if (why.cancelled)
    finish(run_state::cancelled, why, std::nullopt);
  else
    finish(run_state::failed, why, why);
  for (const caf::actor& node : at_work)
    if (node) caf::anon_send(node, graphbit::end_early{shared});
}

std::optional<error> run_shell::to_raise() const {
  const run_record& record = board_->record();
  if (!agent_failure_ || !is_raised_kind(agent_failure_->kind)) return std::nullopt;
  for (std::size_t i = 0; i < plan_->size(); ++i)
    if (is_agent(plan_->step(i)) && record.nodes[i].status == node_status::completed)
      return std::nullopt;
  return agent_failure_;
}

void run_shell::announce_end(const run_result& result) const {
  const auto kind = result.raised() || result.state() == run_state::cancelled
                        ? run_event_kind::workflow_failed
                        : run_event_kind::workflow_completed;
  board_->emit(kind, [&](run_event& event) {
    event.workflow_id = plan_->flow()->id();
    event.workflow_name = plan_->flow()->name();
    event.text = graphbit::to_json(json_value(result.outputs()));
    event.failure = result.record().failure;
    event.result = std::make_shared<const run_result>(result);
  });
}

/// Hands out the result, once. What still runs is told to stop and finds the board closed.
void run_shell::finish(run_state state, std::optional<error> failure,
                       std::optional<error> raised) noexcept {
  const auto done = std::exchange(done_, nullptr);
  const std::shared_ptr<run_record> record = board_->close();
  record->ended = steady_clock::now();
  record->state = state;
  record->failure = std::move(failure);
  record->raised = std::move(raised);
  const run_result result(record);
  announce_end(result);
  board_->setup().trace.run_ended(*record);
  board_->stop().request_stop();
  tell_end(done, result);
}

caf::behavior run(run_actor* self, const std::shared_ptr<run_setup>& setup,
                  const std::shared_ptr<run_done>& done) {
  auto shell = std::make_shared<run_shell>(self, std::move(*setup), std::move(*done));
  shell->begin();
  shell->quit_if_over();
  return {
      [shell](const node_ended& n) {
        shell->node_ended(n.index);
        shell->quit_if_over();
      },
      [shell](const end_early& e) {
        shell->end_early(*e.why);
        shell->quit_if_over();
      },
      [shell](tree_atom) { return shell->report(); },
  };
}

}  // namespace

caf::actor start_run(reactor& home, run_setup setup, run_done done) {
  return spawn_on(home, run, std::make_shared<run_setup>(std::move(setup)),
                  std::make_shared<run_done>(std::move(done)));
}

void tell_end(const run_done& done, const run_result& result) noexcept {
  std::string what = "something that is no std::exception";
  try {
    if (done) done(result);
    return;
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {  // only its text is wanted
  }
  log(log_level::error, "actors",
      "what run '" + result.record().run_id + "' was to tell threw: " + what);
}

run_result unstarted_result(const run_setup& setup, error why) {
  auto record = std::make_shared<run_record>();
  record->run_id = setup.run_id;
  record->flow = setup.plan->flow();
  record->inputs = setup.inputs;
  record->nodes.resize(setup.plan->size());
  for (node_result& node : record->nodes) node.status = node_status::cancelled;
  record->started = record->ended = steady_clock::now();
  record->wall_started = std::chrono::system_clock::now();
  record->state = why.cancelled ? run_state::cancelled : run_state::failed;
  if (!why.cancelled) record->raised = why;
  record->failure = std::move(why);
  return run_result(std::move(record));
}

}  // namespace graphbit
