#include "link_actor.hpp"

#include <algorithm>
#include <utility>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/pinned_actor.hpp>
#include <graphbit/runtime/random.hpp>

#include "frame_message.hpp"
#include "src/wire/frame.hpp"

namespace graphbit::cluster {

namespace {

using tick_atom = caf::atom_constant<caf::atom("tick")>;
using dial_atom = caf::atom_constant<caf::atom("dial")>;

struct connected_socket {
  std::uint64_t try_number = 0;
  expected<tcp_connection> socket;
};
using connected_socket_ptr = std::shared_ptr<connected_socket>;
/// What a connection's voice heard.
struct heard_frame {
  std::uint64_t try_number = 0;
  frame what;
};

}  // namespace

}  // namespace graphbit::cluster

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::cluster::connected_socket_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::cluster::heard_frame)

namespace graphbit::cluster {

namespace {

/// Who speaks on one connection. Both sides know each other by their actors' ids; with a new voice
/// for every connection, what is still under way on an old one is not taken for the new one's.
caf::behavior speak(caf::event_based_actor* self, const caf::actor& link, std::uint64_t number) {
  install_safe_handlers(*self);
  return {[link, number](frame& f) { caf::anon_send(link, heard_frame{number, std::move(f)}); }};
}

/// The state of one link's actor.
class link : public std::enable_shared_from_this<link> {
 public:
  link(caf::event_based_actor* self, const link_setup& setup)
      : self_(self), setup_(setup), random_(random_source::from_system()) {}

  void dial() {
    if (stage_ != stage::resting) return;
    const auto where = parse_endpoint(setup_.address);
    if (!where) return failed(where.error().message);
    where_ = *where;
    stage_ = stage::dialling;
    ++try_number_;
    const auto handle = caf::actor_cast<caf::actor>(self_);
    setup_.system->connect(
        where_.host, where_.port, [handle, number = try_number_](expected<tcp_connection> socket) {
          caf::anon_send(handle, std::make_shared<connected_socket>(
                                     connected_socket{number, std::move(socket)}));
        });
  }

  void dialled(connected_socket& result) {
    if (stage_ != stage::dialling || result.try_number != try_number_) return;
    if (!result.socket) return failed(result.socket.error().message);
    auto connection = setup_.system->dress(std::move(*result.socket));
    if (!connection) return failed(connection.error().message);
    connection_ = std::move(*connection);
    self_
        ->request(setup_.system->broker(), caf::duration{setup_.links.handshake_patience},
                  caf::connect_atom::value, connection_, where_.port)
        .then(
            [this, number = try_number_](const caf::node_id&, const caf::strong_actor_ptr& door,
                                         const std::set<std::string>&) { connected(number, door); },
            [this, number = try_number_](const caf::error& e) {
              if (number == try_number_ && stage_ == stage::dialling)
                failed("the connection was refused by the transport: " + self_->system().render(e));
            });
  }

  void came(const heard_frame& heard) {
    const auto& f = heard.what;
    if (heard.try_number != try_number_ || (stage_ != stage::shaking && stage_ != stage::open))
      return;
    const auto now = steady_clock::now();
    detector_.heard(now);
    auto messages = reader_.read(f.bytes);
    if (!messages) return failed(messages.error().message);
    if (stage_ == stage::shaking) {
      if (!shake(*messages)) return;
    }
    std::erase_if(*messages, [](const message& m) { return std::holds_alternative<heartbeat>(m); });
    if (!messages->empty()) tell(link_received{number_, std::move(*messages)});
  }

  void send_mail(const std::vector<message>& mail) {
    if (stage_ != stage::open) return;
    for (const auto& m : mail) writer_.add(m);
    flush();
  }

  void tick() {
    self_->delayed_send(self_, setup_.links.detector.interval, tick_atom::value);
    const auto now = steady_clock::now();
    if (stage_ == stage::parting) return redial();
    if (stage_ == stage::shaking && now > shaking_until_)
      return failed("the handshake took too long");
    if (stage_ != stage::open) return;
    if (detector_.dead(now)) return failed("it has been silent for too long");
    writer_.add(heartbeat{++beat_});
    flush();
  }

  void went_down(const caf::down_msg& down) {
    if (!door_ || down.source != door_) return;
    if (stage_ == stage::parting) return redial();
    failed("the connection was lost");
  }

  void end() {
    if (stage_ == stage::open) {
      setup_.system->part_from(std::exchange(door_, nullptr)->node());
      connection_ = nullptr;
    }
    self_->quit(caf::exit_reason::user_shutdown);
  }

  /// However the actor came to its end: what it has let loose goes as well. A voice that stayed
  /// would keep the actor system from ending, a connection that stayed the next link from opening.
  void let_go() {
    if (voice_) caf::anon_send_exit(voice_, caf::exit_reason::user_shutdown);
    if (connection_) setup_.system->hang_up(std::exchange(connection_, nullptr));
    if (door_) setup_.system->hang_up(door_->node());
  }

 private:
  /// Parting: the peer is told why, and has until the next tick to read it.
  enum class stage { resting, dialling, shaking, open, parting };

  void connected(std::uint64_t number, const caf::strong_actor_ptr& door) {
    if (number != try_number_ || stage_ != stage::dialling) return;
    if (!door) return failed("nobody answers behind the port");
    stage_ = stage::shaking;
    door_ = door;
    voice_ = self_->spawn(speak, caf::actor_cast<caf::actor>(self_), number);
    self_->monitor(door);
    const auto now = steady_clock::now();
    detector_ = failure_detector(setup_.links.detector, now);
    shaking_until_ = now + setup_.links.handshake_patience;
    writer_ = frame_writer(protocol_version_min);
    reader_ = frame_reader(protocol_version_min);
    handshake_.emplace(setup_.self, where_.host, link_system::make_nonce());
    writer_.add(handshake_->first());
    flush();
  }

  // True once the link is open.
  bool shake(std::vector<message>& messages) {
    if (messages.empty()) return false;
    if (const auto* no = std::get_if<refused>(&messages.front())) {
      failed("it refused this process: " + no->why);
      return false;
    }
    const auto* w = std::get_if<welcome>(&messages.front());
    if (w == nullptr) {
      failed("it did not shake hands");
      return false;
    }
    auto last_word = handshake_->answer(*w);
    if (!last_word) {
      writer_.add(refused{last_word.error().message});
      flush();
      stage_ = stage::parting;
      complain("it is refused: " + last_word.error().message);
      return false;
    }
    writer_.add(*last_word);
    const auto& peer = handshake_->peer();
    writer_.set_version(peer.version);
    reader_.set_version(peer.version);
    flush();
    stage_ = stage::open;
    failures_ = 0;
    last_trouble_.clear();
    number_ = setup_.system->next_number();
    log(log_level::info, "cluster", "connected to " + peer.name + " at " + setup_.address);
    tell(link_opened{number_, setup_.address, peer});
    messages.erase(messages.begin());
    return true;
  }

  void failed(const std::string& why) {
    complain(why);
    redial();
  }

  void complain(const std::string& why) {
    const bool was_open = number_ != 0;
    if (was_open || why != last_trouble_)
      log(log_level::warn, "cluster", "link to " + setup_.address + ": " + why);
    last_trouble_ = why;
    tell(link_closed{std::exchange(number_, 0), setup_.address, why});
  }

  void redial() {
    hang_up();
    self_->delayed_send(self_, backoff(), dial_atom::value);
  }

  void hang_up() {
    stage_ = stage::resting;
    if (connection_) setup_.system->hang_up(std::exchange(connection_, nullptr));
    if (!door_) return;
    caf::anon_send_exit(std::exchange(voice_, nullptr), caf::exit_reason::user_shutdown);
    self_->demonitor(caf::actor_cast<caf::actor_addr>(door_));
    setup_.system->hang_up(door_->node());
    door_ = nullptr;
  }

  // Full jitter, so that a thousand links to one restarted member do not come at once.
  [[nodiscard]] milliseconds backoff() {
    const auto& s = setup_.links;
    const auto doubled = s.backoff_first.count() << std::min(failures_++, 10);
    const auto most = std::min<std::int64_t>(doubled, s.backoff_max.count());
    return milliseconds{static_cast<std::int64_t>(static_cast<double>(most) * random_.uniform())};
  }

  void flush() {
    for (auto& bytes : writer_.take())
      caf::send_as(voice_, caf::actor_cast<caf::actor>(door_),
                   frame{writer_.version(), std::move(bytes)});
  }

  void tell(link_event event) {
    caf::anon_send(setup_.parent, std::make_shared<link_event>(std::move(event)));
  }

  caf::event_based_actor* self_;
  link_setup setup_;
  random_source random_;
  stage stage_ = stage::resting;
  endpoint where_;
  caf::io::scribe_ptr connection_;
  caf::strong_actor_ptr door_;
  caf::actor voice_;
  std::uint64_t try_number_ = 0;
  std::uint64_t number_ = 0;  // while it is open
  std::uint64_t beat_ = 0;
  int failures_ = 0;
  std::string last_trouble_;
  time_point shaking_until_{};
  failure_detector detector_{{}, {}};
  frame_writer writer_{protocol_version_min};
  frame_reader reader_{protocol_version_min};
  std::optional<dialling_handshake> handshake_;
};

}  // namespace

caf::behavior keep_link(caf::event_based_actor* self, const link_setup& setup) {
  install_safe_handlers(*self);
  const auto state = std::make_shared<link>(self, setup);
  self->set_down_handler([state](const caf::down_msg& down) { state->went_down(down); });
  self->set_exit_handler([state](const caf::exit_msg&) { state->end(); });
  self->attach_functor([state](const caf::error&) { state->let_go(); });
  self->send(self, dial_atom::value);
  self->delayed_send(self, setup.links.detector.interval, tick_atom::value);
  return {
      [state](dial_atom) { state->dial(); },
      [state](tick_atom) { state->tick(); },
      [state](const connected_socket_ptr& result) { state->dialled(*result); },
      [state](const heard_frame& heard) { state->came(heard); },
      [state](const link_mail& mail) { state->send_mail(*mail); },
  };
}

}  // namespace graphbit::cluster
