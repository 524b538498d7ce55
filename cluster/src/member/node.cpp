#include <graphbit/cluster/node.hpp>

#include <thread>
#include <utility>

#include <graphbit/runtime/log.hpp>

#include "src/peer/own_name.hpp"

#include "member_actor.hpp"
#include "node_metrics.hpp"

namespace graphbit::cluster {

namespace {

[[nodiscard]] expected<endpoint> check(const node_options& o) {
  auto where = parse_endpoint(o.listen);
  if (!where) return fail(configuration_error("listen", where.error().message));
  if (!o.certificates.any() && !is_loopback(where->host))
    return fail(configuration_error(
        "listen",
        "a node without certificates listens on this machine's loopback only: give cert, "
        "key and ca (`graphbit certs` makes them), or listen on 127.0.0.1"));
  if (o.slots == 0) return fail(configuration_error("slots", "slots must be greater than 0"));
  if (o.protocol_version != 0 && o.protocol_version < protocol_version_min)
    return fail(configuration_error("protocol_version",
                                    "this build speaks no protocol version older than " +
                                        std::to_string(protocol_version_min)));
  for (const auto& seed : o.seeds)
    if (const auto fits = parse_endpoint(seed); !fits)
      return fail(configuration_error("seed", fits.error().message));
  return where;
}

}  // namespace

class node::impl {
 public:
  impl(runtime& rt, node_options options, const endpoint& where, const link_settings& links,
       std::shared_ptr<const identity> certificate)
      : board_(std::make_shared<member_board>()), options_(std::move(options)), where_(where) {
    system_ = std::make_shared<link_system>(options_.certificates, links);
    peer_self self{.cluster = options_.cluster,
                   .name = options_.name,
                   .role = peer_role::member,
                   .incarnation = incarnation_now(),
                   .certificate = std::move(certificate)};
    if (options_.protocol_version != 0) self.version = options_.protocol_version;
    setup_ = {&rt, system_, std::move(self), options_, links, board_};
  }
  ~impl() { stop(); }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  expected<void> listen() {
    const spawn_scope scope;
    if (setup_.self.name.empty()) setup_.self.name = own_name();
    actor_ = system_->actors().spawn(serve_owners, setup_);
    auto port = system_->publish(actor_, where_.host, where_.port);
    if (!port) return fail(std::move(port.error()));
    port_ = *port;
    address_ =
        options_.advertise.empty() ? where_.host + ":" + std::to_string(port_) : options_.advertise;
    caf::anon_send(actor_, listen_atom::value, address_);
    metrics_ = collect_node_metrics(*setup_.rt, [board = board_] { return board->status(); });
    return {};
  }

  bool drain(milliseconds patience, const std::function<bool()>& interrupted) {
    caf::anon_send(actor_, drain_atom::value);
    const auto until = steady_clock::now() + patience;
    // Running work is counted down by the actor itself; until it has begun to drain, wait too.
    while (!board_->draining || board_->running > 0) {
      if (steady_clock::now() >= until || (interrupted && interrupted())) {
        caf::anon_send(actor_, giveup_atom::value);
        return false;
      }
      std::this_thread::sleep_for(milliseconds{20});
    }
    return true;
  }

  void stop() {
    if (!system_) return;
    metrics_.reset();
    if (actor_) {
      if (port_ != 0) system_->unpublish(port_);
      system_->end(actor_);
    }
    actor_ = nullptr;
    setup_.system.reset();
    system_.reset();
  }

  std::shared_ptr<member_board> board_;
  std::string address_;

 private:
  node_options options_;
  endpoint where_;
  std::shared_ptr<link_system> system_;
  member_setup setup_;
  caf::actor actor_;
  std::uint16_t port_ = 0;
  std::shared_ptr<void> metrics_;
};

expected<std::unique_ptr<node>> node::start(runtime& rt, node_options options) {
  const auto where = check(options);
  if (!where) return fail(where.error());
  const auto links = links_with(options.heartbeat, options.pause_max);
  if (!links) return fail(links.error());
  auto certificate = identity::load(options.certificates);
  if (!certificate) return fail(std::move(certificate.error()));
  auto made =
      std::make_unique<impl>(rt, std::move(options), *where, *links, std::move(*certificate));
  if (auto listening = made->listen(); !listening) return fail(std::move(listening.error()));
  return std::unique_ptr<node>(new node(std::move(made)));
}

node::node(std::unique_ptr<impl> p) : impl_(std::move(p)) {}
node::~node() = default;

const std::string& node::address() const { return impl_->address_; }
bool node::drain(milliseconds patience, const std::function<bool()>& interrupted) {
  return impl_->drain(patience, interrupted);
}
bool node::failed() const { return impl_->board_->failed; }
bool node::draining() const { return impl_->board_->draining; }
json_value node::status() const { return impl_->board_->status(); }

}  // namespace graphbit::cluster
