#include "src/executor_actor.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include <graphbit/actors/supervisor.hpp>
#include <graphbit/runtime/log.hpp>

namespace graphbit {

namespace {

class executor_shell {
 public:
  executor_shell(executor_actor* self, std::shared_ptr<executor_ledger> ledger,
                 std::shared_ptr<active_runs> active)
      : self_(self), ledger_(std::move(ledger)), active_(std::move(active)) {
    for (const auto& [address, run] : active_->by_address) take_over(run);
  }

  void accept(std::shared_ptr<run_request> request) {
    if (closing_) return request->refuse(closed_error());
    waiting_.push_back(std::move(request));
    start_waiting();
  }

  void cancel(const cancel_run& which) {
    const auto meant = [&](const run_request& r) {
      return which.number == 0 ? r.run_id() == which.run_id : r.number() == which.number;
    };
    for (const auto& request : waiting_)
      if (meant(*request)) request->refuse(cancelled_error("workflow_execution"));
    std::erase_if(waiting_, [&](const auto& request) { return meant(*request); });
    for (const auto& [address, run] : active_->by_address)
      if (meant(*run.request)) end(run.actor, cancelled_error("workflow_execution"));
  }

  void signal(const signal_run& s) {
    for (const auto& request : waiting_)
      if (request->run_id() == s.run_id) request->add_signal(s.signal);
    for (const auto& [address, run] : active_->by_address)
      if (run.request->run_id() == s.run_id) caf::anon_send(run.actor, s.signal);
  }

  [[nodiscard]] child_reports report() const {
    child_reports all;
    for (const auto& [address, run] : active_->by_address)
      all.children.push_back(
          {.kind = "run", .name = run.request->run_id(), .supervises = true, .handle = run.actor});
    return all;
  }

  void run_down(const caf::down_msg& down) {
    if (active_->by_address.erase(down.source) == 0) return;
    if (down.reason && down.reason != caf::exit_reason::normal) {
      ledger_->run_crashed();
      log(log_level::error, "actors", "a run ended by " + self_->system().render(down.reason));
    }
    start_waiting();
    end_if_closed();
  }

  void close() {
    closing_ = true;
    for (const auto& request : waiting_) request->refuse(closed_error());
    waiting_.clear();
    for (const auto& [address, run] : active_->by_address)
      end(run.actor, closed_error(), {.leave_as = stored_state::running});  // others may adopt it
    end_if_closed();
  }

 private:
  void take_over(const active_runs::entry& run) {
    self_->monitor(run.actor);
    if (run.request->stop_requested()) end(run.actor, cancelled_error("workflow_execution"));
  }

  static error closed_error() { return cancelled_error("executor"); }

  static void end(const caf::actor& run, error why, ending how = {}) {
    caf::anon_send(run, end_early{std::make_shared<const error>(std::move(why)), how});
  }

  void start_waiting() {
    while (!waiting_.empty() && active_->by_address.size() < ledger_->numbers().runs_active_max) {
      auto request = std::move(waiting_.front());
      waiting_.pop_front();
      auto run = request->start();
      self_->monitor(run);
      const auto address = run.address();
      active_->by_address.emplace(address, active_runs::entry{std::move(run), std::move(request)});
    }
  }

  void end_if_closed() {
    if (closing_ && active_->by_address.empty()) self_->quit();
  }

  executor_actor* self_;
  std::shared_ptr<executor_ledger> ledger_;
  std::deque<std::shared_ptr<run_request>> waiting_;
  std::shared_ptr<active_runs> active_;
  bool closing_ = false;
};

}  // namespace

run_request::run_request(std::uint64_t number, run_setup setup, reactor& home,
                         std::shared_ptr<executor_ledger> ledger, run_done done)
    : number_(number),
      run_id_(setup.run_id),
      setup_(std::move(setup)),
      home_(home),
      ledger_(std::move(ledger)),
      done_(std::move(done)) {}

run_request::~run_request() {
  stop_.reset();
  refuse(runtime_error("workflow_execution", "the executor ended before it started run '" +
                                                 run_id_ + "'; start the run again"));
}

void run_request::refuse(error why) noexcept {
  const auto done = std::exchange(done_, nullptr);
  if (!done) return;
  const run_result result =
      unstarted_result(setup_.run_id, setup_.plan->flow(), setup_.inputs, std::move(why));
  ledger_->ended(result, false);
  tell_end(done, result);
}

caf::actor run_request::start() {
  const auto now = steady_clock::now();
  setup_.deadline_at = std::min(deadline_at, now + timeout);
  setup_.limit = time_limit{std::move(timeout_operation),
                            std::chrono::ceil<milliseconds>(setup_.deadline_at - now)};
  ledger_->started();
  auto tell = [ledger = ledger_, done = std::exchange(done_, nullptr)](const run_result& result) {
    ledger->ended(result, true);
    if (done) done(result);
  };
  if (setup_.on_parked)
    setup_.on_parked = [ledger = ledger_, inner = std::move(setup_.on_parked)](
                           wall_time until, std::uint64_t heard) {
      ledger->parked();
      inner(until, heard);
    };
  auto run = start_run(home_, std::move(setup_), std::move(tell));
  for (signal_came& s : signals_) caf::anon_send(run, std::move(s));
  signals_.clear();
  return run;
}

void run_request::on_stop(const std::stop_token& token, std::function<void()> f) {
  if (!token.stop_possible()) return;
  token_ = token;
  stop_.emplace(token, std::move(f));
}

caf::behavior supervise_runs(executor_actor* self, const std::shared_ptr<executor_ledger>& ledger,
                             const std::shared_ptr<active_runs>& active) {
  auto shell = std::make_shared<executor_shell>(self, ledger, active);
  self->set_down_handler([shell](const caf::down_msg& down) { shell->run_down(down); });
  self->set_exit_handler([shell](const caf::exit_msg&) { shell->close(); });
  return {
      [shell](const accept_run& a) { shell->accept(a.request); },
      [shell](const cancel_run& c) { shell->cancel(c); },
      [shell](const signal_run& s) { shell->signal(s); },
      [shell](tree_atom) { return shell->report(); },
  };
}

}  // namespace graphbit
