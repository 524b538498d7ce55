#include "src/node_actor.hpp"

#include <atomic>
#include <exception>
#include <functional>
#include <string>
#include <utility>

#include <cxxabi.h>

#include <graphbit/actors/supervisor.hpp>
#include <graphbit/runtime/limits.hpp>
#include <graphbit/runtime/log.hpp>

#include "src/callable_scope.hpp"
#include "src/node_work.hpp"
#include "src/record_key.hpp"
#include "src/run_actor.hpp"
#include "src/run_journal.hpp"

namespace graphbit {

namespace {

constexpr auto park_over = seconds{1};            // shorter waits are not worth a record
constexpr auto park_max = std::chrono::hours{1};  // of one node, in all

/// Hands what a provider client says to the node's actor; tokens go straight to the listener,
/// which lives on the same reactor, as long as the run's valve lets them.
class answer_sink final : public chat_sink {
 public:
  /// `resume`: reads on in this stream; filled in once it is submitted, empty where it cannot wait.
  using resume_slot = std::shared_ptr<std::function<void()>>;

  answer_sink(caf::actor node, std::shared_ptr<const run_board> board, std::uint32_t index,
              std::size_t slot, std::string call_id, resume_slot resume)
      : node_(std::move(node)),
        board_(std::move(board)),
        index_(index),
        slot_(slot),
        call_id_(std::move(call_id)),
        resume_(std::move(resume)) {}

  bool on_text(std::vector<std::string>& deltas) override {
    if (board_->open())
      for (std::string& delta : deltas)
        board_->emit(run_event_kind::token, index_, [&](run_event& event) {
          event.call_id = call_id_;
          event.text = std::move(delta);
        });
    const auto& valve = board_->setup().valve;
    return !valve || !resume_ || !*resume_ || valve->admits(*resume_);
  }

  void on_done(expected<chat_response> result) override {
    caf::anon_send(
        node_, model_answer{slot_, std::make_shared<expected<chat_response>>(std::move(result))});
  }

 private:
  caf::actor node_;
  std::shared_ptr<const run_board> board_;
  std::uint32_t index_;
  std::size_t slot_;
  std::string call_id_;
  resume_slot resume_;
};

/// What a user's function gives, whatever it throws.
expected<json_value> guarded(const callable& function, const json_value& arguments) {
  try {
    return function.call(arguments);
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread is being ended from outside; swallowing this would abort
  } catch (const std::exception& e) {
    return fail(core_error("'" + function.name + "' threw: " + e.what()));
  } catch (...) {
    return fail(core_error("'" + function.name + "' threw something that is no std::exception"));
  }
}

void answer(const caf::actor& node, std::size_t slot, expected<json_value> result) {
  caf::anon_send(node,
                 callable_answer{slot, std::make_shared<expected<json_value>>(std::move(result))});
}

/// Not where the provider speaks of quota or billing, even if it says Retry-After.
bool waiting_helps(const error& e) {
  if (e.kind == error_kind::network) return true;
  const bool said_by_server = e.status != 0;
  return e.kind == error_kind::rate_limit && (!said_by_server || e.breaker == breaker_rule::counts);
}

error time_limit_error(const callable& function) {
  return timeout_error(function.name, function.timeout,
                       "'" + function.name + "' did not end within its time limit");
}

/// The shell: turns messages into calls of the node's work and back.
class node_shell final : public node_context {
 public:
  node_shell(node_actor* self, std::shared_ptr<run_board> board, std::uint32_t index,
             caf::actor run)
      : self_(self), board_(std::move(board)), index_(index), run_(std::move(run)) {}

  ~node_shell() override {
    if (!ended_) end(node_status::failed, {}, core_error(who() + " ended without an answer"));
  }

  void begin() {
    facts.started = steady_clock::now();
    if (!board_->open()) return end(node_status::cancelled, {}, std::nullopt);
    node_result& slot = board_->slot(index_);
    slot.status = node_status::running;
    slot.started = facts.started;
    board_->emit(run_event_kind::node_started, index_, [](run_event&) {});
    guard([this] {
      work_ = make_node_work(*this);
      work_->begin();
    });
  }

  /// Calls into the work; an exception there becomes the node's error.
  template <class F>
  void guard(F f) {
    if (ended_) return;
    try {
      f();
    } catch (const std::exception& e) {
      log(log_level::error, "actors", who() + " threw: " + e.what());
      fail_with(core_error(who() + " threw: " + e.what()));
    }
  }

  void answered(const model_answer& a) {
    --asked_;
    if (ended_) return;
    if (may_park(*a.result)) return park_call(a.result->error());
    guard([&] { work_->answered(a.slot, std::move(*a.result)); });
    if (parks_ && asked_ == 0 && !ended_) park(std::move(*parks_));
  }
  void called(const callable_answer& a) {
    if (!forget(a.slot)) return;  // too late: its time limit was faster
    if (keeps_tools() && !replayed_tool(a.slot))
      board_->journal()->add(journal_kind::tool_answered, tool_key(key(), a.slot),
                             tool_body(*a.result));
    guard([&] { work_->called(a.slot, std::move(*a.result)); });
  }
  /// The answer that asks for tools is recorded: now they may act.
  void records_kept(const graphbit::records_kept& k) {
    auto calls = std::exchange(held_calls_, {});
    if (!*k.how || ended_) return;  // the run is told to stop
    for (held_call& c : calls) start_call(c.slot, *c.function, std::move(c.arguments));
  }
  void sub_run_parked(const graphbit::sub_run_parked& p) {
    sub_run_ = nullptr;
    if (!ended_) park({.until = p.until, .any_signal = true, .why = "its sub-workflow waits"});
  }
  void ran(const sub_run_answer& a) {
    guard([&] { work_->ran(*a.result); });
  }

  void heard(const signal_came& s) {
    if (sub_run_) caf::anon_send(sub_run_, s);
  }

  void end_early(const error& why) {
    if (sub_run_) caf::anon_send(sub_run_, graphbit::end_early{std::make_shared<error>(why), {}});
    if (!ended_) end(node_status::cancelled, {}, std::nullopt);
  }

  /// The run of its sub-workflow, if any.
  [[nodiscard]] child_reports report() const {
    child_reports all;
    if (sub_run_)
      all.children.push_back({.kind = "run",
                              .name = board_->run_id() + "/" + board_->plan().step(index_).name,
                              .supervises = true,
                              .handle = sub_run_});
    return all;
  }

  /// After each message: a node whose slot is filled has nothing left to do.
  void quit_if_ended() {
    if (ended_) self_->quit();
  }

  // node_context
  run_board& board() noexcept override { return *board_; }
  [[nodiscard]] std::uint32_t index() const noexcept override { return index_; }
  void ask(std::size_t slot, const model_settings& settings, chat_request request,
           const std::string& call_id) override;
  void keep(std::size_t slot, const llm_call_record& answer) override;
  void call(std::size_t slot, const callable& function, json_value arguments) override;
  void run(std::shared_ptr<const run_plan> plan, json_value inputs) override;
  void complete(node_output output) override {
    end(node_status::completed, std::move(output), std::nullopt);
  }
  void park(parking how) override;
  void fail_with(error e) override { end(node_status::failed, {}, std::move(e)); }

 private:
  struct pending_callable {
    std::size_t slot;
    std::shared_ptr<callable_gate::ticket> ticket;
  };

  [[nodiscard]] std::string who() const {
    return "node '" + board_->plan().step(index_).name + "'";
  }

  bool forget(std::size_t slot) {
    for (auto& p : callables_) {
      if (p.slot != slot) continue;
      if (p.ticket) board_->environment().callables->abandon(p.ticket);
      p = std::move(callables_.back());
      callables_.pop_back();
      return true;
    }
    return false;
  }

  // Durable runs.
  [[nodiscard]] const std::string& key() const { return board_->key(index_); }
  [[nodiscard]] bool keeps_tools() const {
    return board_->journal() != nullptr && board_->plan().step(index_).kind() == node_kind::agent;
  }
  [[nodiscard]] bool replayed_tool(std::size_t slot) const {
    return board_->journal()->replay().effect(tool_key(key(), slot)) != nullptr;
  }
  [[nodiscard]] bool answer_recorded(std::size_t slot);
  void answer_later(std::size_t slot);
  [[nodiscard]] bool may_park(const expected<chat_response>& result) const;
  void park_call(const error& why);

  void start_call(std::size_t slot, const callable& function, json_value arguments);
  void limit_time(std::size_t slot, const callable& function,
                  const std::shared_ptr<callable_gate::ticket>& ticket);
  [[nodiscard]] run_listener sub_run_listener() const;
  void blame_listener();
  void end(node_status status, node_output output, std::optional<error> failure) noexcept;

  node_actor* self_;
  std::shared_ptr<run_board> board_;
  std::uint32_t index_;
  caf::actor run_;
  std::unique_ptr<node_work> work_;
  struct held_call {
    std::size_t slot;
    const callable* function;
    json_value arguments;
  };
  std::vector<pending_callable> callables_;
  std::vector<held_call> held_calls_;  // tools that wait for the record of what asks for them
  std::size_t asked_ = 0;              // calls of the model that are out
  std::optional<parking> parks_;       // as soon as none is
  caf::actor sub_run_;
  std::shared_ptr<const call_origin> origin_;  // made with the first call
  bool ended_ = false;
};

void node_shell::ask(std::size_t slot, const model_settings& settings, chat_request request,
                     const std::string& call_id) {
  if (parks_) return;  // asked again by the next incarnation
  ++asked_;
  if (const auto* journal = board_->journal()) {
    if (answer_recorded(slot)) return;
    if (!journal->may_ask()) return answer_later(slot);
  }
  const auto backend = board_->environment().backends->find(settings);
  if (!backend) return fail_with(core_error(who() + " has no backend"));
  call_options options = board_->environment().call;
  options.deadline_at = board_->setup().deadline_at;
  options.stop = board_->stop().get_token();
  const bool stream = board_->setup().stream_tokens;
  const auto resume = stream ? std::make_shared<std::function<void()>>() : nullptr;
  options.trace = board_->setup().trace.node(index_);
  if (!origin_)
    origin_ = std::make_shared<const call_origin>(call_origin{board_->run_id(), step().name});
  options.origin = origin_;
  if (const auto* journal = board_->journal()) {
    options.idempotency_key = journal->call_name(call_key(key(), slot));
    options.wait_max = park_over;
  }
  auto sink = std::make_unique<answer_sink>(caf::actor_cast<caf::actor>(self_), board_, index_,
                                            slot, call_id, resume);
  if (stream)
    *resume = backend->submit_stream(std::move(request), std::move(options), std::move(sink),
                                     board_->home());
  else
    backend->submit(std::move(request), std::move(options), std::move(sink), false, board_->home());
}

/// What is recorded is answered in the way of a live answer: by a message.
bool node_shell::answer_recorded(std::size_t slot) {
  const std::string* text = board_->journal()->replay().effect(call_key(key(), slot));
  const auto body = text == nullptr ? json_value() : parse_json(*text).value_or(json_value());
  if (!body.is_object()) return false;
  caf::anon_send(
      caf::actor_cast<caf::actor>(self_),
      model_answer{slot, std::make_shared<expected<chat_response>>(read_call_body(body))});
  return true;
}

/// As a provider's answer: the node parks, and begins again once the run is known to be ours.
void node_shell::answer_later(std::size_t slot) {
  error e = network_error("the run's lease has ended; it goes on once the store has renewed it");
  e.retry_after = seconds{1};
  caf::anon_send(caf::actor_cast<caf::actor>(self_),
                 model_answer{slot, std::make_shared<expected<chat_response>>(fail(std::move(e)))});
}

void node_shell::keep(std::size_t slot, const llm_call_record& answer) {
  auto* journal = board_->journal();
  if (journal == nullptr || journal->replay().effect(call_key(key(), slot)) != nullptr) return;
  journal->add(journal_kind::call_answered, call_key(key(), slot), call_body(answer));
}

/// An open breaker, and a wait that the server or our own rate limit asks for. A durable run waits
/// it out without holding anything; but not for ever.
bool node_shell::may_park(const expected<chat_response>& result) const {
  if (result || board_->journal() == nullptr || !board_->open()) return false;
  const error& e = result.error();
  return waiting_helps(e) && e.retry_after && !e.cancelled && board_->parked_for(index_) < park_max;
}

void node_shell::park_call(const error& why) {
  const auto until = board_->parks_until(index_, *why.retry_after);
  parks_ = parking{.until = until, .why = why.message};
  if (asked_ == 0) park(std::move(*parks_));  // else once the others have answered
}

void node_shell::call(std::size_t slot, const callable& function, json_value arguments) {
  if (!keeps_tools()) return start_call(slot, function, std::move(arguments));
  const auto me = caf::actor_cast<caf::actor>(self_);
  if (const auto* recorded = board_->journal()->replay().effect(tool_key(key(), slot))) {
    callables_.push_back({slot, nullptr});
    return answer(me, slot, read_tool_body(parse_json(*recorded).value_or(json_value())));
  }
  // A tool acts on the world: only on a decision that will be the same after a crash.
  held_calls_.push_back({slot, &function, std::move(arguments)});
  if (held_calls_.size() > 1) return;
  board_->journal()->when_recorded([me](const expected<void>& how) {
    caf::anon_send(me, graphbit::records_kept{std::make_shared<const expected<void>>(how)});
  });
}

void node_shell::start_call(std::size_t slot, const callable& function, json_value arguments) {
  const auto me = caf::actor_cast<caf::actor>(self_);
  callables_.push_back({slot, nullptr});
  callable_call which;
  if (const auto* journal = board_->journal())
    which = {journal->call_name(tool_key(key(), slot)), true};
  if (!function.blocking) {
    const callable_scope scope(which);
    return answer(me, slot, guarded(function, arguments));
  }
  // The plan keeps the function alive when the run is over before the function is.
  auto ticket = board_->environment().callables->submit(
      [plan = board_->setup().plan, &function, which, arguments = std::move(arguments)] {
        const callable_scope scope(which);
        return guarded(function, arguments);
      },
      [me, slot](expected<json_value> result) { answer(me, slot, std::move(result)); });
  if (function.timeout.count() > 0) limit_time(slot, function, ticket);
  callables_.back().ticket = std::move(ticket);
}

/// The time begins with the callable, not with its waiting for a thread.
void node_shell::limit_time(std::size_t slot, const callable& function,
                            const std::shared_ptr<callable_gate::ticket>& ticket) {
  board_->home().sweep(
      [me = caf::actor_cast<caf::actor_addr>(self_), slot, limit = function.timeout,
       gate = board_->environment().callables, ticket = std::weak_ptr(ticket),
       late = std::make_shared<const error>(time_limit_error(function))](time_point now) {
        const auto node = caf::actor_cast<caf::actor>(me);
        const auto watched = ticket.lock();
        if (!node || !watched) return false;
        if (!gate->is_overdue(*watched, limit, now)) return true;
        answer(node, slot, fail(*late));
        return false;
      });
}

void node_shell::run(std::shared_ptr<const run_plan> plan, json_value inputs) {
  const run_setup& parent = board_->setup();
  if (parent.depth >= limits::sub_workflow_depth_max)
    return fail_with(resource_error("sub_workflow_depth", who() + " nests sub-workflows deeper "
                                                                  "than 16 levels"));
  run_setup setup;
  setup.plan = std::move(plan);
  setup.environment = parent.environment;
  setup.run_id = parent.run_id + "/" + step().name;
  setup.inputs = std::move(inputs);
  setup.deadline_at = parent.deadline_at;
  setup.depth = parent.depth + 1;
  setup.signals = board_->signals();
  setup.listener = sub_run_listener();
  setup.stream_tokens = parent.stream_tokens;
  setup.valve = parent.valve;
  setup.trace = parent.trace.within(index_);
  if (parent.journal) {
    setup.journal = parent.journal;
    setup.key_prefix = key() + "/";
    setup.on_parked = [me = caf::actor_cast<caf::actor_addr>(self_)](wall_time until,
                                                                     std::uint64_t) {
      if (const auto node = caf::actor_cast<caf::actor>(me))
        caf::anon_send(node, graphbit::sub_run_parked{until});
    };
  }
  sub_run_ = start_run(board_->home(), std::move(setup),
                       [me = caf::actor_cast<caf::actor>(self_)](const run_result& result) {
                         caf::anon_send(me, sub_run_answer{std::make_shared<run_result>(result)});
                       });
}

/// What happens in a sub-workflow is told as this run's own, its nodes named "NODE/INNER"; its
/// beginning and end are this node's.
run_listener node_shell::sub_run_listener() const {
  if (!board_->heard()) return {};
  return [board = board_, prefix = board_->plan().step(index_).name + "/"](const run_event& event) {
    if (event.node_id.empty()) return;
    run_event told = event;
    told.node_name.insert(0, prefix);
    board->pass_on(std::move(told));
  };
}

/// Ends this incarnation; the run begins another.
void node_shell::park(parking how) {
  ended_ = true;
  if (board_->open()) {
    board_->slot(index_).status = node_status::pending;
    for (const auto& p : callables_)
      if (p.ticket) board_->environment().callables->abandon(p.ticket);
    caf::anon_send(run_, node_parked{index_, std::make_shared<const parking>(std::move(how))});
  }
  run_ = nullptr;
}

/// What is told of a node and cannot be heard has gone wrong, whatever the node itself came to.
void node_shell::blame_listener() {
  node_result& result = board_->slot(index_);
  const std::string* why = board_->listener_fault(index_);
  if (why == nullptr || result.status != node_status::completed) return;
  result.status = node_status::failed;
  result.output = {};
  result.failure = core_error(who() + ": the listener of its run threw: " + *why);
}

void node_shell::end(node_status status, node_output output,
                     std::optional<error> failure) noexcept {
  ended_ = true;
  for (const auto& p : callables_)
    if (p.ticket) board_->environment().callables->abandon(p.ticket);
  callables_.clear();
  sub_run_ = nullptr;
  if (board_->open()) {
    facts.status = status;
    facts.output = std::move(output);
    facts.failure = std::move(failure);
    facts.ended = steady_clock::now();
    board_->slot(index_) = std::move(facts);
    board_->announce(index_);
    blame_listener();
    board_->setup().trace.node_ended(board_->record(), step(), index_);
    caf::anon_send(run_, node_ended{index_});
  }
  run_ = nullptr;
}

}  // namespace

caf::behavior run_node(node_actor* self, const std::shared_ptr<run_board>& board,
                       std::uint32_t index, const caf::actor& run) {
  auto shell = std::make_shared<node_shell>(self, board, index, run);
  shell->begin();
  shell->quit_if_ended();
  return {
      [shell](const model_answer& a) {
        shell->answered(a);
        shell->quit_if_ended();
      },
      [shell](const callable_answer& a) {
        shell->called(a);
        shell->quit_if_ended();
      },
      [shell](const records_kept& k) { shell->records_kept(k); },
      [shell](const sub_run_parked& p) {
        shell->sub_run_parked(p);
        shell->quit_if_ended();
      },
      [shell](const sub_run_answer& a) {
        shell->ran(a);
        shell->quit_if_ended();
      },
      [shell](const signal_came& s) { shell->heard(s); },
      [shell](const end_early& e) {
        shell->end_early(*e.why);
        shell->quit_if_ended();
      },
      [shell](tree_atom) { return shell->report(); },
  };
}

}  // namespace graphbit
