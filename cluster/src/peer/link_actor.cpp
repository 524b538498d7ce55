#include "link_actor.hpp"

#include <algorithm>
#include <utility>

#include <caf/io/middleman_actor.hpp>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/pinned_actor.hpp>
#include <graphbit/runtime/random.hpp>

#include "frame_message.hpp"
#include "src/wire/frame.hpp"

namespace graphbit::cluster {

namespace {

using tick_atom = caf::atom_constant<caf::atom("tick")>;
using dial_atom = caf::atom_constant<caf::atom("dial")>;

struct probe_result {
  std::uint64_t try_number = 0;
  expected<tcp_probe> probe;
};
using probe_result_ptr = std::shared_ptr<probe_result>;

constexpr seconds connect_patience{8};

}  // namespace

}  // namespace graphbit::cluster

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::cluster::probe_result_ptr)

namespace graphbit::cluster {

namespace {

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
    setup_.system->probe(
        where_.host, where_.port, [handle, number = try_number_](expected<tcp_probe> probe) {
          caf::anon_send(handle,
                         std::make_shared<probe_result>(probe_result{number, std::move(probe)}));
        });
  }

  void probed(const probe_result& result) {
    if (stage_ != stage::dialling || result.try_number != try_number_) return;
    if (!result.probe) return failed(result.probe.error().message);
    probe_ = result.probe->connection;
    const auto connector = setup_.system->connector();
    const auto number = try_number_;
    self_
        ->request(connector, caf::duration{connect_patience}, caf::connect_atom::value,
                  result.probe->address, where_.port)
        .then(
            [this, number](const caf::node_id&, const caf::strong_actor_ptr& door,
                           const std::set<std::string>&) { connected(number, door); },
            [this, number](const caf::error& e) {
              if (number == try_number_ && stage_ == stage::dialling)
                failed("the connection was refused by the transport: " + self_->system().render(e));
            });
  }

  void came(const frame& f) {
    if (self_->current_sender() != door_ || stage_ == stage::resting) return;
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
    if (stage_ == stage::shaking && now > shaking_until_)
      return failed("the handshake took too long");
    if (stage_ != stage::open) return;
    if (detector_.dead(now)) return failed("it has been silent for too long");
    writer_.add(heartbeat{++beat_});
    flush();
  }

  void went_down(const caf::down_msg& down) {
    if (door_ && down.source == door_) failed("the connection was lost");
  }

  void end() {
    if (stage_ != stage::resting) hang_up();
    self_->quit(caf::exit_reason::user_shutdown);
  }

 private:
  enum class stage { resting, dialling, shaking, open };

  void connected(std::uint64_t number, const caf::strong_actor_ptr& door) {
    if (number != try_number_ || stage_ != stage::dialling) return;
    if (!door) return failed("nobody answers behind the port");
    stage_ = stage::shaking;
    door_ = door;
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
      failed("it is refused: " + last_word.error().message);
      return false;
    }
    writer_.add(*last_word);
    const auto& peer = handshake_->peer();
    writer_.set_version(peer.version);
    reader_.set_version(peer.version);
    flush();
    stage_ = stage::open;
    probe_.reset();
    failures_ = 0;
    last_trouble_.clear();
    number_ = setup_.system->next_number();
    log(log_level::info, "cluster", "connected to " + peer.name + " at " + setup_.address);
    tell(link_opened{number_, setup_.address, peer});
    messages.erase(messages.begin());
    return true;
  }

  void failed(const std::string& why) {
    const bool was_open = stage_ == stage::open;
    if (was_open || why != last_trouble_)
      log(log_level::warn, "cluster", "link to " + setup_.address + ": " + why);
    last_trouble_ = why;
    hang_up();
    tell(link_closed{was_open ? number_ : 0, setup_.address, why});
    self_->delayed_send(self_, backoff(), dial_atom::value);
  }

  void hang_up() {
    stage_ = stage::resting;
    probe_.reset();
    if (!door_) return;
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
      self_->send(caf::actor_cast<caf::actor>(door_), frame{writer_.version(), std::move(bytes)});
  }

  void tell(link_event event) {
    caf::anon_send(setup_.parent, std::make_shared<link_event>(std::move(event)));
  }

  caf::event_based_actor* self_;
  link_setup setup_;
  random_source random_;
  stage stage_ = stage::resting;
  endpoint where_;
  std::shared_ptr<void> probe_;  // while connecting
  caf::strong_actor_ptr door_;
  std::uint64_t try_number_ = 0;
  std::uint64_t number_ = 0;
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
  self->send(self, dial_atom::value);
  self->delayed_send(self, setup.links.detector.interval, tick_atom::value);
  return {
      [state](dial_atom) { state->dial(); },
      [state](tick_atom) { state->tick(); },
      [state](const probe_result_ptr& result) { state->probed(*result); },
      [state](const frame& f) { state->came(f); },
      [state](const link_mail& mail) { state->send_mail(*mail); },
  };
}

}  // namespace graphbit::cluster
