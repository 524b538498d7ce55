#include "src/run_actor.hpp"

#include <exception>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <graphbit/actors/supervisor.hpp>
#include <graphbit/runtime/log.hpp>

#include "src/run_journal.hpp"
#include "src/run_progress.hpp"

namespace graphbit {

namespace {

constexpr auto worth_parking = seconds{1};  // a shorter wait is no reason to end an actor

std::string parking_body(const parking& how) {
  json_value out;
  out.set("why", how.why);
  if (how.until != wall_time::max())
    out.set("until", std::int64_t{how.until.time_since_epoch().count()});
  if (!how.signal.empty()) out.set("signal", how.signal);
  return to_json(out);
}

/// "30s", "1.5s": whole seconds without a fraction.
std::string seconds_text(milliseconds ms) {
  std::string text = std::to_string(ms.count() / 1000);
  if (const auto rest = ms.count() % 1000; rest != 0) {
    std::string digits = std::to_string(1000 + rest).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    text += "." + digits;
  }
  return text + "s";
}

std::shared_ptr<const error> late_error(const time_limit& limit) {
  return std::make_shared<const error>(
      timeout_error(limit.operation, limit.allowed,
                    "Workflow execution timed out after " + seconds_text(limit.allowed)));
}

void hand_out(const run_board& board, const run_result& result, const run_done& done) noexcept {
  board.announce_end(result);
  tell_end(done, result);
}

stored_state stored_state_of(const run_record& record, ending how) {
  if (how.leave_as) return *how.leave_as;
  if (record.state == run_state::completed) return stored_state::completed;
  return record.state == run_state::cancelled ? stored_state::cancelled : stored_state::failed;
}

/// Nobody sees a result before it is durable.
void record_and_hand_out(const std::shared_ptr<run_board>& board,
                         const std::shared_ptr<run_record>& record, ending how,
                         const run_done& done) {
  if (how.unrecorded) return hand_out(*board, run_result(record), done);
  run_change change{.state = stored_state_of(*record, how)};
  if (record->failure && change.state == stored_state::failed)
    change.failure_json = error_body(*record->failure);
  std::optional<journal_record> last;
  if (is_ended(change.state))
    last = journal_record{0, journal_kind::run_ended, std::string(to_string(change.state)),
                          change.failure_json, wall_now()};
  board->journal()->leave(std::move(change), std::move(last),
                          [board, record, done](const expected<void>& kept) {
                            board->home().post([board, record, done, kept] {
                              if (!kept) {
                                record->state = run_state::failed;
                                record->failure = record->raised = kept.error();
                              }
                              hand_out(*board, run_result(record), done);
                            });
                          });
}

class run_shell {
 public:
  run_shell(run_actor* self, run_setup setup, run_done done)
      : self_(self),
        plan_(setup.plan),
        board_(std::make_shared<run_board>(std::move(setup), self->home())),
        progress_(board_),
        nodes_(plan_->size()),
        heard_at_start_(plan_->size()),
        done_(std::move(done)) {}

  ~run_shell() {
    *alive_ = false;
    if (!done_) return;
    const error lost =
        core_error("the actor of run '" + board_->run_id() + "' ended without a result");
    progress_.cancel_rest();
    finish(run_state::failed, lost, lost, {});
  }
  run_shell(const run_shell&) = delete;
  run_shell& operator=(const run_shell&) = delete;

  void begin();
  void node_ended(std::uint32_t index);
  void node_parked(const graphbit::node_parked& p);
  void signal_came(const graphbit::signal_came& s);
  void end_early(const graphbit::end_early& e);
  [[nodiscard]] child_reports report() const;
  /// After each message: an actor whose result is handed out ends.
  void quit_if_over() {
    if (!done_) self_->quit();
  }

 private:
  void watch_deadline();
  void watch_parked();
  [[nodiscard]] bool wake_parked();
  void start(std::uint32_t index);
  void proceed(const std::vector<std::uint32_t>& to_start);
  void record_end(std::uint32_t index);
  void park_if_idle();
  void finish(run_state state, std::optional<error> failure, std::optional<error> raised,
              ending how) noexcept;

  run_actor* self_;
  std::shared_ptr<const run_plan> plan_;
  std::shared_ptr<run_board> board_;
  run_progress progress_;
  std::vector<caf::actor> nodes_;  // those at work
  std::size_t at_work_ = 0;
  std::uint64_t heard_ = 0;                    // messages
  std::vector<std::uint64_t> heard_at_start_;  // by then, when a node was started
  std::map<std::uint32_t, parking> parked_;    // those that begin again later
  bool watching_parked_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  run_done done_;
};

void run_shell::begin() {
  if (auto* journal = board_->journal(); journal != nullptr && board_->setup().depth == 0) {
    journal->attach(caf::actor_cast<caf::actor>(self_));
    if (journal->is_lost()) return;  // the message that says why is on its way
  }
  const auto to_start = progress_.begin();
  if (board_->setup().limit) watch_deadline();
  proceed(to_start);
}

/// The reactor's one timer looks at the clock for all runs. It keeps nothing of a run that has
/// ended: not even the memory of its actor, which a weak reference would.
void run_shell::watch_deadline() {
  self_->home().sweep([alive = alive_, this](time_point now) {
    if (!*alive) return false;
    const run_setup& setup = board_->setup();
    if (now < setup.deadline_at) return true;
    caf::anon_send(caf::actor_cast<caf::actor>(self_),
                   graphbit::end_early{late_error(*setup.limit), {}});
    return false;
  });
}

void run_shell::node_ended(std::uint32_t index) {
  if (!done_) return;
  nodes_[index] = nullptr;
  --at_work_;
  // The provider client heeds the run's deadline too, and may notice it first.
  const run_setup& setup = board_->setup();
  const auto& failed = board_->record().nodes[index].failure;
  if (failed && failed->kind == error_kind::timeout && setup.limit &&
      steady_clock::now() >= setup.deadline_at)
    return end_early({late_error(*setup.limit), {}});
  record_end(index);
  proceed(progress_.ended(index));
}

void run_shell::record_end(std::uint32_t index) {
  if (auto* journal = board_->journal())
    journal->add(journal_kind::node_ended, board_->key(index),
                 node_body(board_->record().nodes[index], board_->calendar()));
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

void run_shell::proceed(const std::vector<std::uint32_t>& to_start) {
  for (const std::uint32_t index : to_start) start(index);
  if (progress_.done())
    finish(progress_.state(), progress_.failure(), progress_.raised(), {});
  else
    park_if_idle();
}

void run_shell::start(std::uint32_t index) {
  if (auto* journal = board_->journal())
    journal->add(journal_kind::node_started, board_->key(index));
  ++at_work_;
  heard_at_start_[index] = heard_;
  nodes_[index] =
      spawn_on(self_->home(), run_node, board_, index, caf::actor_cast<caf::actor>(self_));
}

// --- nodes that wait ----------------------------------------------------------------------------

void run_shell::node_parked(const graphbit::node_parked& p) {
  if (!done_) return;
  nodes_[p.index] = nullptr;
  --at_work_;
  const std::string& signal = p.how->signal;
  const bool came_meanwhile = p.how->any_signal
                                  ? heard_ != heard_at_start_[p.index]
                                  : !signal.empty() && board_->signal(signal) != nullptr;
  if (came_meanwhile) return start(p.index);
  parked_.emplace(p.index, *p.how);
  if (auto* journal = board_->journal())
    journal->add(journal_kind::node_parked, board_->key(p.index), parking_body(*p.how));
  if (p.how->until != wall_time::max()) watch_parked();
  park_if_idle();
}

/// With nothing at work, a durable run is its row in the store: its actor ends until it is time.
void run_shell::park_if_idle() {
  if (!board_->setup().on_parked || at_work_ > 0 || parked_.empty()) return;
  auto until = wall_time::max();
  for (const auto& [index, how] : parked_) until = std::min(until, how.until);
  if (until <= wall_now() + worth_parking) return;
  done_ = nullptr;
  static_cast<void>(board_->close());
  board_->setup().on_parked(until, heard_);
}

/// The reactor's one timer again; it ends when nobody waits for a time any more.
void run_shell::watch_parked() {
  if (std::exchange(watching_parked_, true)) return;
  self_->home().sweep([alive = alive_, this](time_point) {
    if (!*alive) return false;
    watching_parked_ = wake_parked();
    return watching_parked_;
  });
}

/// Begins those whose time has come; true while others wait for theirs.
bool run_shell::wake_parked() {
  const wall_time now = wall_now();
  bool others = false;
  for (auto p = parked_.begin(); p != parked_.end();) {
    others = others || (p->second.until > now && p->second.until != wall_time::max());
    const auto index = p->first;
    const bool due = p->second.until <= now;
    p = due ? parked_.erase(p) : std::next(p);
    if (due) start(index);
  }
  return others;
}

void run_shell::signal_came(const graphbit::signal_came& s) {
  if (!done_) return;
  ++heard_;
  board_->add_signal(s.name, *s.value);
  for (auto p = parked_.begin(); p != parked_.end();) {
    const auto index = p->first;
    const bool meant = p->second.signal == s.name || p->second.any_signal;
    p = meant ? parked_.erase(p) : std::next(p);
    if (meant) start(index);
  }
  for (const caf::actor& node : nodes_)
    if (node) caf::anon_send(node, s);
}

void run_shell::end_early(const graphbit::end_early& e) {
  if (!done_) return;
  const error& why = *e.why;
  progress_.cancel_rest();
  const auto at_work = std::exchange(nodes_, {});
  const auto raised = why.cancelled ? std::nullopt : std::optional(why);
  finish(why.cancelled ? run_state::cancelled : run_state::failed, why, raised, e.how);
  for (const caf::actor& node : at_work)
    if (node) caf::anon_send(node, e);
}

/// Hands out the result, once. What still runs is told to stop and finds the board closed.
void run_shell::finish(run_state state, std::optional<error> failure, std::optional<error> raised,
                       ending how) noexcept {
  const auto done = std::exchange(done_, nullptr);
  const std::shared_ptr<run_record> record = board_->close();
  record->ended = steady_clock::now();
  record->state = state;
  record->failure = std::move(failure);
  record->raised = std::move(raised);
  board_->setup().trace.run_ended(*record);
  board_->stop().request_stop();
  if (board_->journal() == nullptr || board_->setup().depth > 0)
    hand_out(*board_, run_result(record), done);
  else
    record_and_hand_out(board_, record, how, done);
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
      [shell](const node_parked& p) {
        shell->node_parked(p);
        shell->quit_if_over();
      },
      [shell](const signal_came& s) { shell->signal_came(s); },
      [shell](const end_early& e) {
        shell->end_early(e);
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

run_result unstarted_result(std::string run_id, std::shared_ptr<const workflow> flow,
                            json_value inputs, error why) {
  auto record = std::make_shared<run_record>();
  record->run_id = std::move(run_id);
  record->flow = std::move(flow);
  record->inputs = std::move(inputs);
  record->nodes.resize(record->flow->nodes().size());
  for (node_result& node : record->nodes) node.status = node_status::cancelled;
  record->started = record->ended = steady_clock::now();
  record->wall_started = std::chrono::system_clock::now();
  record->state = why.cancelled ? run_state::cancelled : run_state::failed;
  if (!why.cancelled) record->raised = why;
  record->failure = std::move(why);
  return run_result(std::move(record));
}

}  // namespace graphbit
