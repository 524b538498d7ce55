#include "member_actor.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/pinned_actor.hpp>

#include "src/peer/frame_message.hpp"
#include "src/wire/frame.hpp"

namespace graphbit::cluster {

namespace {

using tick_atom = caf::atom_constant<caf::atom("tick")>;

constexpr std::size_t sessions_max = 1024;
// Frames that an owner may be ahead with; a flood closes its connection.
constexpr std::size_t frames_per_tick_max = 20'000;
constexpr int view_every_ticks = 4;
constexpr std::size_t peers_max = 3;  // members that this one keeps a link to
constexpr seconds warn_of_expiry_within{30 * 24 * 3600};
constexpr seconds warn_of_expiry_every{24 * 3600};
constexpr std::size_t ended_remembered_max = 1024;
constexpr seconds division_kept_for{120};

/// One peer that has dialled this member.
struct session {
  enum class stage { greeting, proving, open };

  session(session_id number, caf::strong_actor_ptr from, const member_setup& setup, time_point now)
      : id(number),
        peer(std::move(from)),
        handshake(setup.self, link_system::make_nonce()),
        detector(setup.links.detector, now),
        greeted_by(now + setup.links.handshake_patience) {}

  session_id id;
  stage at = stage::greeting;
  caf::strong_actor_ptr peer;
  listening_handshake handshake;
  peer_facts facts;
  frame_writer writer{protocol_version_min};
  frame_reader reader{protocol_version_min};
  failure_detector detector;
  time_point greeted_by;  // the handshake must be over
  std::size_t frames = 0;
  bool closing = false;  // has been told why; ends with the next tick
};

[[nodiscard]] std::string name_of(const session& s) {
  return s.facts.name.empty() ? "a peer" : s.facts.name;
}

[[nodiscard]] std::string_view name_of(member_state s) {
  switch (s) {
    case member_state::up:
      return "up";
    case member_state::draining:
      return "draining";
    case member_state::left:
      return "left";
  }
  return "unknown";
}

[[nodiscard]] json_value list_of(const std::vector<std::string>& texts) {
  json_value::array out(texts.begin(), texts.end());
  return out;
}

class member_state_machine final : public member_core::effects {
 public:
  member_state_machine(caf::event_based_actor* self, const member_setup& setup)
      : self_(self),
        setup_(setup),
        events_(std::make_shared<job_events>(
            [me = caf::actor_cast<caf::actor>(self)] { caf::anon_send(me, wake_atom::value); })),
        runner_(*setup.rt, setup.options.callables, events_),
        core_(setup.options.slots, *this),
        started_at_(steady_clock::now()) {}

  // -- effects

  void send(session_id to, message m) override {
    if (auto* s = by_id(to)) {
      s->writer.add(m);
      dirty_.insert(to);
    }
  }
  void start(job_id job, const work_item& item, const configuration* config) override {
    runner_.start(job, item, config, limits_for(core_.owner_of(job), config));
  }
  void stop(job_id job) override { runner_.stop(job); }
  void resume(job_id job) override { runner_.resume(job); }
  void close(session_id id, const std::string& why) override {
    if (auto* s = by_id(id); s != nullptr && !s->closing) {
      log(log_level::warn, "cluster", "closing the connection of " + name_of(*s) + ": " + why);
      s->closing = true;
      s->writer.add(refused{why});
      dirty_.insert(id);
    }
  }

  // -- messages

  void listening_at(const std::string& address) {
    member_record own{.name = setup_.self.name,
                      .address = address,
                      .incarnation = setup_.self.incarnation,
                      .slots = setup_.options.slots,
                      .labels = setup_.options.labels};
    for (const auto& c : setup_.options.callables) own.callables.push_back(c.name);
    membership_.join(std::move(own), steady_clock::now());
    if (!setup_.options.limits_are_shared)
      log(log_level::info, "cluster",
          "limits hold per owner, which divides them while it lives, and its work ends with it: "
          "--limits-store shares limits among owners, durable runs outlive theirs");
    dial_seeds();
    publish();
  }

  void frame_came(const frame& f) {
    const auto peer = caf::actor_cast<caf::strong_actor_ptr>(self_->current_sender());
    if (!peer) return;
    auto* s = session_of(peer);
    if (s == nullptr || s->closing) return;
    s->detector.heard(steady_clock::now());
    if (++s->frames > frames_per_tick_max) {
      close(s->id, "it floods this member with frames");
      return end_turn();
    }
    auto messages = s->reader.read(f.bytes);
    if (!messages) {
      close(s->id, messages.error().message);
      return end_turn();
    }
    for (auto& m : *messages) {
      if (s->closing) break;
      message_came(*s, std::move(m));
    }
    end_turn();
  }

  void jobs_came() {
    for (auto& event : events_->take()) {
      if (auto* ended = std::get_if<job_ended>(&event)) {
        runner_.forget(ended->job);
        core_.job_done(ended->job, std::move(ended->result));
      } else if (auto* text = std::get_if<job_text>(&event)) {
        if (!core_.text_came(text->job, std::move(text->pieces)))
          runner_.set_paused(text->job, true);
      } else if (auto* asked = std::get_if<job_limit_question>(&event)) {
        ask_owner(asked->owner, std::move(asked->question));
      } else {
        core_.stream_restarted(std::get<job_restarted>(event).job);
      }
    }
    end_turn();
  }

  void link_event_came(link_event& event) {
    if (const auto* opened = std::get_if<link_opened>(&event)) {
      if (opened->peer.name == setup_.self.name) {
        if (opened->peer.incarnation == setup_.self.incarnation)
          itself_.insert(opened->address);
        else
          name_is_taken(opened->peer.incarnation < setup_.self.incarnation);
        return forget_peer(opened->address);
      }
      peers_[opened->address].link_number = opened->link;
      send_view_to_peers();
    } else if (const auto* closed = std::get_if<link_closed>(&event)) {
      if (const auto p = peers_.find(closed->address); p != peers_.end()) p->second.link_number = 0;
    } else {
      for (const auto& m : std::get<link_received>(event).messages)
        if (const auto* view = std::get_if<member_view>(&m)) view_came(*view);
    }
    end_turn();
  }

  void tick() {
    self_->delayed_send(self_, setup_.links.detector.interval, tick_atom::value);
    const auto now = steady_clock::now();
    membership_.beat(now);
    warn_of_expiry(now);
    std::vector<session_id> dead;
    std::vector<caf::node_id> known;
    for (auto& [address, s] : sessions_) {
      s.frames = 0;
      known.push_back(s.peer->node());
      if (s.closing || overdue(s, now)) {
        dead.push_back(s.id);
      } else if (s.at == session::stage::open) {
        s.writer.add(heartbeat{++beat_});
        dirty_.insert(s.id);
      }
    }
    for (const auto id : dead) end_session(id);
    setup_.system->hang_up_on_strangers(std::move(known));
    forget_divisions_of_owners_that_are_gone(now);
    dial_seeds();
    if (++ticks_ % view_every_ticks == 0) {
      send_views();
      send_view_to_peers();
    }
    publish();
    end_turn();
  }

  void drain() {
    if (core_.draining()) return;
    if (membership_.self() != nullptr)
      log(log_level::info, "cluster", "draining: no new work is taken");
    core_.drain();
    membership_.set_state(member_state::draining, steady_clock::now());
    setup_.board->draining = true;
    send_views();
    send_view_to_peers();
    publish();
    end_turn();
  }

  void give_up() {
    drain();
    core_.give_up();
    end_turn();
  }

  void end() {
    give_up();
    membership_.set_state(member_state::left, steady_clock::now());
    send_views();
    send_view_to_peers();
    end_turn();
    for (const auto& [address, p] : peers_)
      caf::anon_send_exit(p.link, caf::exit_reason::user_shutdown);
    self_->quit(caf::exit_reason::user_shutdown);
  }

  void peer_went(const caf::down_msg& down) {
    if (const auto found = sessions_.find(down.source); found != sessions_.end())
      end_session(found->second.id);
    end_turn();
  }

 private:
  struct peer_member {
    caf::actor link;
    std::uint64_t link_number = 0;  // 0: not connected
  };

  /// How an owner divides its limits. Kept a while when its link breaks, since what is leased is.
  struct owner_division {
    std::shared_ptr<limit_authority> authority;
    time_point needed_at{};
  };

  [[nodiscard]] session* by_id(session_id id) {
    const auto address = addresses_.find(id);
    return address == addresses_.end() ? nullptr : &sessions_.at(address->second);
  }

  session* session_of(const caf::strong_actor_ptr& peer) {
    const auto address = caf::actor_cast<caf::actor_addr>(peer);
    if (const auto found = sessions_.find(address); found != sessions_.end()) return &found->second;
    // What is under way from a connection that was given up begins no new one.
    if (ended_.contains(address) || sessions_.size() >= sessions_max) return nullptr;
    const auto now = steady_clock::now();
    const auto id = setup_.system->next_number();
    self_->monitor(peer);
    addresses_[id] = address;
    return &sessions_.try_emplace(address, id, peer, setup_, now).first->second;
  }

  void message_came(session& s, message m) {
    switch (s.at) {
      case session::stage::greeting:
        return greeted(s, m);
      case session::stage::proving:
        return proved(s, m);
      case session::stage::open:
        return open_message_came(s, std::move(m));
    }
  }

  void refuse(session& s, const std::string& name, const std::string& why) {
    log(log_level::warn, "cluster", "refused " + (name.empty() ? "a peer" : name) + ": " + why);
    s.closing = true;
    s.writer.add(refused{why});
    dirty_.insert(s.id);
  }

  void greeted(session& s, const message& m) {
    const auto* h = std::get_if<hello>(&m);
    if (h == nullptr) return refuse(s, {}, "it did not begin with a greeting");
    auto answer = s.handshake.answer(*h);
    if (!answer) return refuse(s, h->name, answer.error().message);
    s.facts = s.handshake.peer();
    s.at = session::stage::proving;
    send(s.id, std::move(*answer));
  }

  void proved(session& s, const message& m) {
    if (const auto* no = std::get_if<refused>(&m))
      return refuse(s, s.facts.name, "it refused this member: " + no->why);
    const auto* last_word = std::get_if<proof>(&m);
    if (last_word == nullptr) return refuse(s, s.facts.name, "it proved nothing");
    if (auto proved = s.handshake.finish(*last_word); !proved)
      return refuse(s, s.facts.name, proved.error().message);
    flush(s);
    s.at = session::stage::open;
    s.writer.set_version(s.facts.version);
    s.reader.set_version(s.facts.version);
    end_earlier(s);
    send(s.id, member_view{membership_.view(steady_clock::now())});
    if (s.facts.role == peer_role::owner) {
      log(log_level::info, "cluster", "serving " + s.facts.name);
      core_.owner_up(s.id, s.facts.weight);
    }
  }

  void open_message_came(session& s, message m) {
    if (std::holds_alternative<heartbeat>(m)) return;
    if (const auto* view = std::get_if<member_view>(&m)) {
      if (s.facts.role == peer_role::member) view_came(*view);
    } else if (std::holds_alternative<status_request>(m)) {
      publish();
      send(s.id, status_reply{to_json(setup_.board->status())});
    } else if (std::holds_alternative<drain_request>(m)) {
      log(log_level::info, "cluster", s.facts.name + " asks this member to drain");
      drain();
    } else if (const auto* answer = std::get_if<limit_answer>(&m)) {
      owner_answered(s.id, *answer);
    } else if (!core_.receive(s.id, std::move(m))) {
      close(s.id, "it sent what only members send");
    }
  }

  [[nodiscard]] static bool overdue(session& s, time_point now) {
    const bool late = s.at == session::stage::open ? s.detector.dead(now) : now > s.greeted_by;
    if (late)
      log(log_level::warn, "cluster",
          "the connection of " + name_of(s) + " was silent for too long");
    return late;
  }

  // A peer that connects again has given its earlier connection up, whether it could say so or not.
  void end_earlier(const session& now_open) {
    std::vector<session_id> earlier;
    for (const auto& [address, s] : sessions_)
      if (s.id != now_open.id && s.peer->node() == now_open.peer->node() &&
          s.facts.name == now_open.facts.name)
        earlier.push_back(s.id);
    for (const auto id : earlier) end_session(id);
  }

  void warn_of_expiry(time_point now) {
    if (!setup_.self.certificate || now < warn_of_expiry_at_) return;
    warn_of_expiry_at_ = now + warn_of_expiry_every;
    const auto left = setup_.self.certificate->expires_in();
    if (left < warn_of_expiry_within)
      log(log_level::warn, "cluster",
          "this node's certificate expires in " + std::to_string(left.count() / 86400) +
              " days: issue a new one, drain the node and start it again");
  }

  void end_session(session_id id) {
    auto* s = by_id(id);
    if (s == nullptr) return;
    if (s->at == session::stage::open && s->facts.role == peer_role::owner)
      log(log_level::info, "cluster", s->facts.name + " is gone; its work is stopped");
    const auto node = s->peer->node();
    const auto address = addresses_.at(id);
    self_->demonitor(address);
    addresses_.erase(id);
    sessions_.erase(address);
    dirty_.erase(id);
    if (ended_.size() >= ended_remembered_max) ended_.clear();
    ended_.insert(address);
    core_.owner_down(id);
    std::erase_if(questions_, [id](const auto& q) { return q.second.first == id; });
    if (!has_session(node)) setup_.system->hang_up(node);
  }

  [[nodiscard]] bool has_session(const caf::node_id& node) const {
    return std::any_of(sessions_.begin(), sessions_.end(),
                       [&](const auto& entry) { return entry.second.peer->node() == node; });
  }

  // -- limits that owners divide

  /// Null where a store divides them, and where there is nothing to divide.
  [[nodiscard]] std::shared_ptr<limit_authority> limits_for(session_id owner,
                                                            const configuration* config) {
    const auto* s = by_id(owner);
    if (setup_.options.limits_are_shared || config == nullptr || s == nullptr) return nullptr;
    const auto& c = config->config;
    if (!(c.rpm || c.tpm)) return nullptr;
    auto& limits = limits_[s->facts.name].authority;
    if (!limits)
      limits = std::make_shared<owner_limits>(
          [events = events_, name = s->facts.name](limit_question_ptr question) {
            events->put(job_limit_question{name, std::move(question)});
          });
    return limits;
  }

  void forget_divisions_of_owners_that_are_gone(time_point now) {
    for (const auto& [peer, s] : sessions_)
      if (const auto known = limits_.find(s.facts.name); known != limits_.end())
        known->second.needed_at = now;
    std::erase_if(limits_, [now](const auto& entry) {
      return entry.second.needed_at + division_kept_for < now;
    });
  }

  void ask_owner(const std::string& name, limit_question_ptr question) {
    const auto owner = std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
      const auto& s = entry.second;
      return s.at == session::stage::open && s.facts.name == name;
    });
    if (owner == sessions_.end()) return;  // the question's end says so to whoever waits
    question->ask.number = ++last_question_;
    send(owner->second.id, question->ask);
    questions_[last_question_] = {owner->second.id, std::move(question)};
  }

  void owner_answered(session_id from, const limit_answer& answer) {
    const auto asked = questions_.find(answer.number);
    if (asked == questions_.end() || asked->second.first != from) return;
    asked->second.second->answer.set_value(answer);
    questions_.erase(asked);
  }

  // -- other members

  // Two members need one connection: who is dialled by another does not dial it, too.
  [[nodiscard]] bool dialled_by(const std::string& address) const {
    const auto now = steady_clock::now();
    for (const auto& m : membership_.view(now)) {
      if (m.address != address) continue;
      for (const auto& [peer, s] : sessions_)
        if (s.at == session::stage::open && s.facts.name == m.name) return true;
    }
    return false;
  }

  void dial_seeds() {
    for (const auto& seed : setup_.options.seeds)
      if (seed != own_address() && !itself_.contains(seed) && !dialled_by(seed)) dial(seed);
  }

  [[nodiscard]] std::string own_address() const {
    const auto* own = membership_.self();
    return own == nullptr ? "" : own->address;
  }

  void dial(const std::string& address) {
    if (peers_.contains(address)) return;
    auto self = setup_.self;
    self.role = peer_role::member;
    peers_[address].link =
        self_->spawn(keep_link, link_setup{setup_.system, std::move(self), address, setup_.links,
                                           caf::actor_cast<caf::actor>(self_)});
  }

  [[nodiscard]] bool is_seed(const std::string& address) const {
    const auto& seeds = setup_.options.seeds;
    return std::find(seeds.begin(), seeds.end(), address) != seeds.end();
  }

  void drop_double_links() {
    std::vector<std::string> doubled;
    for (const auto& [address, p] : peers_)
      if (p.link_number == 0 && dialled_by(address)) doubled.push_back(address);
    for (const auto& address : doubled) forget_peer(address);
  }

  void forget_peer(const std::string& address) {
    const auto found = peers_.find(address);
    if (found == peers_.end()) return;
    caf::anon_send_exit(found->second.link, caf::exit_reason::user_shutdown);
    peers_.erase(found);
  }

  // Who was there first stays. Of what others only tell it may be this member's own past.
  void name_is_taken(bool gives_way) {
    if (!std::exchange(told_name_taken_, true))
      log(log_level::error, "cluster",
          "another member has the name " + setup_.self.name + ": give each its own by --name");
    if (!gives_way) return;
    setup_.board->failed = true;
    drain();
  }

  // A few links between members keep everybody known when a seed dies.
  void view_came(const member_view& view) {
    const auto now = steady_clock::now();
    const bool changed = membership_.merge(view.members, now);
    if (membership_.name_taken()) name_is_taken(false);
    drop_double_links();
    if (!changed) return;
    for (const auto& m : view.members)
      if (m.state == member_state::left && !is_seed(m.address)) forget_peer(m.address);
    for (const auto& m : membership_.view(now)) {
      if (peers_.size() >= peers_max) break;
      const bool wanted = m.name > setup_.self.name && m.state != member_state::left;
      if (wanted && !dialled_by(m.address)) dial(m.address);
    }
    send_views();
  }

  void send_views() {
    const member_view view{membership_.view(steady_clock::now())};
    for (auto& [address, s] : sessions_)
      if (s.at == session::stage::open) send(s.id, view);
  }

  void send_view_to_peers() {
    const auto mail = std::make_shared<std::vector<message>>();
    mail->push_back(member_view{membership_.view(steady_clock::now())});
    for (const auto& [address, p] : peers_)
      if (p.link_number != 0) caf::anon_send(p.link, mail);
  }

  void flush(session& s) {
    for (auto& bytes : s.writer.take())
      self_->send(caf::actor_cast<caf::actor>(s.peer), frame{s.writer.version(), std::move(bytes)});
  }

  void end_turn() {
    for (const auto id : std::exchange(dirty_, {})) {
      auto* s = by_id(id);
      if (s != nullptr) flush(*s);
    }
    setup_.board->running = core_.running();
  }

  void publish() {
    const auto now = steady_clock::now();
    const auto* own = membership_.self();
    if (own == nullptr) return;
    json_value out;
    out.set("name", own->name);
    out.set("address", own->address);
    out.set("cluster", setup_.self.cluster);
    out.set("state", std::string(name_of(own->state)));
    out.set("slots", std::uint64_t{setup_.options.slots});
    out.set("in_flight", std::uint64_t{core_.running()});
    out.set("queued", std::uint64_t{core_.queued()});
    out.set("owners", std::uint64_t{core_.owners()});
    out.set("done", core_.done());
    out.set("incarnation", own->incarnation);
    out.set("uptime_s", std::chrono::duration<double>(now - started_at_).count());
    out.set("protocol_version", std::uint64_t{setup_.self.version});
    out.set("labels", list_of(own->labels));
    out.set("callables", list_of(own->callables));
    if (const auto& certificate = setup_.self.certificate)
      out.set("certificate_expires_in_s", std::int64_t{certificate->expires_in().count()});
    json_value::array members;
    for (const auto& m : membership_.view(now)) {
      json_value one;
      one.set("name", m.name);
      one.set("address", m.address);
      one.set("state", std::string(name_of(m.state)));
      one.set("slots", std::uint64_t{m.slots});
      members.push_back(std::move(one));
    }
    out.set("members", std::move(members));
    setup_.board->publish(std::move(out));
  }

  caf::event_based_actor* self_;
  member_setup setup_;
  std::shared_ptr<job_events> events_;
  job_runner runner_;
  member_core core_;
  membership membership_;
  std::unordered_map<caf::actor_addr, session> sessions_;
  std::map<session_id, caf::actor_addr> addresses_;
  std::set<session_id> dirty_;
  std::set<caf::actor_addr> ended_;
  std::map<std::string, owner_division> limits_;  // by owner
  std::map<std::uint64_t, std::pair<session_id, limit_question_ptr>> questions_;
  std::uint64_t last_question_ = 0;
  std::map<std::string, peer_member> peers_;  // by address
  std::set<std::string> itself_;              // addresses that turned out to be this member's own
  time_point started_at_;
  time_point warn_of_expiry_at_{};
  std::uint64_t beat_ = 0;
  int ticks_ = 0;
  bool told_name_taken_ = false;
};

}  // namespace

caf::behavior serve_owners(caf::event_based_actor* self, const member_setup& setup) {
  install_safe_handlers(*self);
  const auto state = std::make_shared<member_state_machine>(self, setup);
  self->set_down_handler([state](const caf::down_msg& down) { state->peer_went(down); });
  self->set_exit_handler([state](const caf::exit_msg&) { state->end(); });
  self->attach_functor([self, board = setup.board](const caf::error& why) {
    if (why == caf::exit_reason::user_shutdown) return;
    log(log_level::error, "cluster",
        "this member's actor failed: " + self->system().render(why) +
            "; owners give its work to others, and the node has to be started again");
    board->failed = true;
    board->running = 0;
    board->draining = true;
  });
  self->delayed_send(self, setup.links.detector.interval, tick_atom::value);
  return {
      [state](const frame& f) { state->frame_came(f); },
      [state](wake_atom) { state->jobs_came(); },
      [state](tick_atom) { state->tick(); },
      [state](const link_event_ptr& event) { state->link_event_came(*event); },
      [state](listen_atom, const std::string& address) { state->listening_at(address); },
      [state](drain_atom) { state->drain(); },
      [state](giveup_atom) { state->give_up(); },
  };
}

}  // namespace graphbit::cluster
