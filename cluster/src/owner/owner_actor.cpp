#include "owner_actor.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include <graphbit/actors/spending.hpp>
#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/pinned_actor.hpp>

#include "src/peer/own_name.hpp"

namespace graphbit::cluster {

namespace {

using tick_atom = caf::atom_constant<caf::atom("tick")>;
constexpr milliseconds tick_interval{100};
constexpr const char* closed_early = "the cluster was closed before the work was done";

/// Collects what is to be done on each reactor during one turn of the actor, so that a thousand
/// answers cost one hand-over.
class handover {
 public:
  void add(reactor* home, std::function<void()> f) { work_[home].push_back(std::move(f)); }
  void send() {
    for (auto& [home, fs] : work_)
      if (!fs.empty())
        home->post([batch = std::exchange(fs, {})] {
          for (const auto& f : batch) f();
        });
  }

 private:
  std::map<reactor*, std::vector<std::function<void()>>> work_;
};

void book(const call_options& options, const work_result& result) {
  if (!options.budget) return;
  if (const auto* chat = std::get_if<chat_response>(&result))
    options.budget->book(chat->cost.value_or(0), chat->usage.total_tokens);
  else if (const auto* embedding = std::get_if<embedding_response>(&result))
    options.budget->book(embedding->cost.value_or(0), embedding->usage.total_tokens);
}

void deliver(pending_call& call, work_result result) {
  if (auto* e = std::get_if<error>(&result))
    call.fail_with(std::move(*e));
  else if (auto* chat = std::get_if<chat_response>(&result))
    call.succeed(std::move(*chat));
  else if (auto* embedding = std::get_if<embedding_response>(&result))
    call.succeed(std::move(*embedding));
  else
    call.fail_with(core_error("a member answered a model call with a function's value"));
}

[[nodiscard]] expected<json_value> value_of(work_result result) {
  if (auto* e = std::get_if<error>(&result)) return fail(std::move(*e));
  if (const auto* value = std::get_if<function_value>(&result)) return parse_json(value->json);
  return fail(core_error("a member answered a function call with a model's answer"));
}

class owner_state final : public owner_core::effects {
 public:
  owner_state(caf::event_based_actor* self, const owner_setup& setup)
      : self_(self),
        setup_(setup),
        core_(setup.settings, *this, steady_clock::now()),
        roster_(self, {.system = setup.system, .self = setup.self, .links = setup.links}) {
    roster_.dial_seeds(setup_.options.seeds);
  }

  // -- effects

  void send(link_id to, message m) override {
    auto& mail = mail_[to];
    if (!mail) mail = std::make_shared<std::vector<message>>();
    mail->push_back(std::move(m));
  }
  void text(item_id id, std::vector<std::string> pieces) override {
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    const auto count = static_cast<std::uint32_t>(pieces.size());
    handover_.add(found->second.home, [call = found->second.call, id, count,
                                       pieces = std::move(pieces), board = setup_.board]() mutable {
      // A reader that wants a pause is fed on all the same: what is under way is
      // bounded by what goes unconfirmed.
      static_cast<void>(call->text_came(pieces));
      board->put(pieces_read{id, count});
    });
  }
  void restarted(item_id id) override {
    if (const auto found = calls_.find(id); found != calls_.end())
      handover_.add(found->second.home, [call = found->second.call] { call->restarted(); });
  }
  void ended(item_id id, work_result result) override {
    if (const auto found = functions_.find(id); found != functions_.end()) {
      found->second->done(value_of(std::move(result)));
      functions_.erase(found);
      return;
    }
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    count(result);
    book(found->second.call->options, result);
    handover_.add(found->second.home, [call = std::move(found->second.call),
                                       result = std::make_shared<work_result>(std::move(result))] {
      deliver(*call, std::move(*result));
    });
    calls_.erase(found);
  }

  // -- messages

  void link_died(const caf::down_msg& down) {
    const auto why = "its link failed: " + self_->system().render(down.reason);
    for (const auto& closed : roster_.died(down.source, why)) {
      core_.link_down(closed.link, closed.why);
      roster_.closed(closed);
    }
    end_turn(steady_clock::now());
  }

  void orders_came() {
    const auto now = steady_clock::now();
    for (auto& order : setup_.board->orders.take())
      std::visit([&](auto& o) { carry_out(o, now); }, order);
    end_turn(now);
  }

  void link_event_came(link_event& event) {
    const auto now = steady_clock::now();
    if (const auto* opened = std::get_if<link_opened>(&event)) {
      if (roster_.opened(*opened))
        core_.link_up(opened->link, {.name = opened->peer.name, .address = opened->address});
    } else if (const auto* closed = std::get_if<link_closed>(&event)) {
      if (closed->link != 0) core_.link_down(closed->link, closed->why);
      core_.set_trouble(closed->address + ": " + closed->why);
      roster_.closed(*closed);
    } else {
      auto& got = std::get<link_received>(event);
      for (auto& m : got.messages) received(got.link, std::move(m), now);
    }
    end_turn(now);
  }

  void tick() {
    self_->delayed_send(self_, tick_interval, tick_atom::value);
    const auto now = steady_clock::now();
    core_.tick(now);
    roster_.drop_unnamed(now);
    roster_.dial_again(now);
    end_turn(now);
  }

  /// Whatever the actor's end: everybody is answered, and the links go with it.
  void end(const error& why) {
    for (auto& [id, c] : std::exchange(calls_, {}))
      handover_.add(c.home, [call = c.call, why] { call->fail_with(why); });
    for (auto& [id, f] : std::exchange(functions_, {})) f->done(fail(why));
    handover_.send();
    roster_.end();
  }

 private:
  struct waiting_call {
    pending_call_ptr call;
    reactor* home = nullptr;
    std::unique_ptr<std::stop_callback<std::function<void()>>> on_stop{};
  };
  void carry_out(submit_call& o, time_point now) {
    const auto id = o.call->id;
    auto request = o.call->chat() != nullptr
                       ? std::make_shared<const work_request>(*o.call->chat())
                       : std::make_shared<const work_request>(*o.call->embedding());
    work_order order{.request = std::move(request),
                     .config = std::move(o.config),
                     .options = o.call->options,
                     .stream = o.call->stream};
    auto& call = calls_[id];
    call = {std::move(o.call), o.home};
    if (order.options.stop.stop_possible()) watch_stop(call, id);
    core_.submit(id, std::move(order), now);
  }
  void carry_out(submit_function& o, time_point now) {
    function_call call{o.function->name, std::move(o.function->arguments)};
    functions_.emplace(o.id, o.function);
    core_.submit(o.id, {.request = std::make_shared<const work_request>(std::move(call))}, now);
  }
  void carry_out(cancel_call& o, time_point) { core_.cancel(o.id); }
  void carry_out(pieces_read& o, time_point) { core_.consumed_by_reader(o.id, o.pieces); }

  // Called on whichever thread stops: it only leaves word here.
  void watch_stop(waiting_call& c, std::uint64_t id) {
    c.on_stop = std::make_unique<std::stop_callback<std::function<void()>>>(
        c.call->options.stop, [board = setup_.board, id] { board->put(cancel_call{id}); });
  }

  void received(link_id link, message m, time_point now) {
    if (const auto* view = std::get_if<member_view>(&m)) return view_came(*view, now);
    if (const auto* ask = std::get_if<limit_ask>(&m)) return send(link, answer(link, *ask, now));
    if (!core_.receive(link, std::move(m)))
      log(log_level::debug, "cluster", "a member sent what only owners send");
  }

  // This owner divides the rates of its own configurations among its members; how much is in flight
  // it knows itself (`placement`). All get an equal part from the beginning: what was used of a
  // share can be leased to another only after a minute.
  [[nodiscard]] limit_answer answer(link_id link, const limit_ask& ask, time_point now) {
    limit_answer out{.number = ask.number, .holder = ask.share.holder};
    if (out.holder == 0) {
      out.holder = setup_.limits->join().value_or(0);
      out.hash_key = setup_.limits->hash_key().value_or("");
    } else if (ask.unused_for.count() >= 0) {
      policy::share_return back{ask.share.holder, ask.share.token, ask.unused_for};
      if (ask.share.use) back.used = ask.share.use->used;
      static_cast<void>(setup_.limits->give_back(ask.limit, back));
    } else {
      auto request = ask.share;
      const auto members = std::max<std::uint64_t>(1, members_up());
      const auto part = [members](auto limit) {
        return static_cast<decltype(limit)>((limit + members - 1) / members);
      };
      request.limits.in_flight_max = 0;
      request.wanted = {.requests_per_minute = part(request.limits.requests_per_minute),
                        .tokens_per_minute = part(request.limits.tokens_per_minute)};
      out.share = setup_.limits->lease(ask.limit, request).value_or(policy::limit_share{});
      core_.share_leased(link, out.share.token != 0, now);
    }
    return out;
  }

  [[nodiscard]] std::uint64_t members_up() const {
    const auto& known = roster_.records();
    return static_cast<std::uint64_t>(std::count_if(known.begin(), known.end(), [](const auto& r) {
      return r.second.state == member_state::up;
    }));
  }

  void view_came(const member_view& view, time_point now) {
    roster_.told(view, now);
    for (const auto& member : view.members)
      for (const auto& [link, l] : roster_.open())
        if (l.name == member.name) core_.link_changed(link, member);
  }

  void end_turn(time_point now) {
    core_.dispatch(now);
    for (auto& [link, mail] : std::exchange(mail_, {})) roster_.send(link, std::move(mail));
    handover_.send();
    publish();
  }

  void publish() {
    auto& board = *setup_.board;
    board.open.store(core_.open(), std::memory_order_relaxed);
    board.waiting.store(core_.placed().waiting(), std::memory_order_relaxed);
    board.capacity.store(core_.placed().capacity(), std::memory_order_relaxed);
    const auto now = steady_clock::now();
    if (now < publish_at_) return;
    publish_at_ = now + milliseconds{50};
    std::vector<member_status> members;
    for (const auto& [name, record] : roster_.records()) members.push_back({.record = record});
    for (const auto& [id, l] : roster_.open()) {
      auto at =
          std::find_if(members.begin(), members.end(),
                       [&name = l.name](const member_status& m) { return m.record.name == name; });
      if (at == members.end()) continue;
      at->connected = true;
      std::tie(at->window, at->in_flight) = core_.placed().load(id);
    }
    board.publish(std::move(members));
  }

  void count(const work_result& result) {
    auto& board = *setup_.board;
    const auto* e = std::get_if<error>(&result);
    if (e == nullptr)
      ++board.succeeded;
    else if (e->cancelled)
      ++board.cancelled;
    else
      ++board.failed;
    if (const auto* chat = std::get_if<chat_response>(&result)) board.attempts += chat->attempts;
  }

  caf::event_based_actor* self_;
  owner_setup setup_;
  owner_core core_;
  std::unordered_map<item_id, waiting_call> calls_;
  std::unordered_map<item_id, std::shared_ptr<waiting_function>> functions_;
  roster roster_;
  std::map<link_id, link_mail> mail_;
  handover handover_;
  time_point publish_at_{};
};

}  // namespace

void owner_board::put(owner_order order) {
  const bool first = orders.push(std::move(order));
  if (closed) {  // it may have come after the last look
    const auto why = [this] {
      const std::lock_guard guard(mutex_);
      return closed_because_;
    }();
    return refuse_orders(why);
  }
  if (first) wake();
}

void owner_board::is_served_by(caf::actor owner) {
  const std::lock_guard guard(mutex_);
  owner_ = std::move(owner);
}

void owner_board::wake() const {
  const std::lock_guard guard(mutex_);
  if (owner_) caf::anon_send(owner_, wake_atom::value);
}

void owner_board::close(const error& why) {
  {
    const std::lock_guard guard(mutex_);
    if (!closed) closed_because_ = why;
    closed = true;
  }
  refuse_orders(why);
}

void owner_board::refuse_orders(const error& why) {
  for (auto& order : orders.take()) {
    if (auto* f = std::get_if<submit_function>(&order)) f->function->done(fail(why));
    if (auto* c = std::get_if<submit_call>(&order))
      c->home->post([call = std::move(c->call), why] { call->fail_with(why); });
  }
}

caf::behavior own_work(caf::event_based_actor* self, const owner_setup& setup) {
  install_safe_handlers(*self);
  const auto state = std::make_shared<owner_state>(self, setup);
  self->set_exit_handler([self](const caf::exit_msg& m) { self->quit(m.reason); });
  self->set_down_handler([state](const caf::down_msg& down) { state->link_died(down); });
  self->attach_functor([self, state](const caf::error& why) {
    if (why == caf::exit_reason::user_shutdown)
      return state->end(runtime_error("cluster", closed_early));
    log(log_level::error, "cluster", "the owner's actor failed: " + self->system().render(why));
    state->end(runtime_error(
        "cluster", "the owner's actor failed and is started again; this call can be tried again"));
  });
  self->send(self, wake_atom::value);  // for what came before it
  self->delayed_send(self, tick_interval, tick_atom::value);
  return {
      [state](wake_atom) { state->orders_came(); },
      [state](tick_atom) { state->tick(); },
      [state](const link_event_ptr& event) { state->link_event_came(*event); },
  };
}

supervisor supervise_owner(const owner_setup& setup) {
  auto& actors = setup.system->actors();
  auto above = supervisor::start(actors, {.name = "cluster owner"});
  static_cast<void>(above.start_child(
      {.kind = "cluster owner",
       .name = setup.self.name,
       .lifetime = policy::child_lifetime::transient,
       .start =
           [setup, &actors] {
             const spawn_scope scope;
             auto begun = setup;
             begun.self.incarnation = incarnation_now();
             const auto owner = actors.spawn(own_work, std::move(begun));
             setup.board->is_served_by(owner);
             return owner;
           },
       .gave_up =
           [board = setup.board](const caf::error&) {
             board->close(runtime_error(
                 "cluster", "the owner's actor failed too often: open the cluster again"));
           }}));
  return above;
}

}  // namespace graphbit::cluster
