#include <graphbit/cluster/observer.hpp>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include <graphbit/runtime/pinned_actor.hpp>

#include "src/owner/seed_check.hpp"
#include "src/peer/own_name.hpp"
#include "src/peer/roster.hpp"

namespace graphbit::cluster {

namespace {

using ask_atom = caf::atom_constant<caf::atom("ask")>;
using drain_atom = caf::atom_constant<caf::atom("drain")>;

/// What the observer's actor has heard.
struct sightings {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, observed_member> members;  // by name
  std::map<std::string, std::uint64_t> links;      // open ones, by name
  std::map<std::string, std::uint64_t> answered;   // by name: the round of the last answer
  std::uint64_t round = 0;
  std::string trouble;
};

class observer_state {
 public:
  observer_state(caf::event_based_actor* self, const link_setup& about,
                 const std::vector<std::string>& seeds, std::shared_ptr<sightings> seen)
      : self_(self), roster_(self, about), seen_(std::move(seen)) {
    roster_.dial_seeds(seeds);
  }

  void ask() {
    for (const auto& [link, peer] : roster_.open()) send(link, status_request{});
  }
  void drain(const std::string& name) {
    for (const auto& [link, peer] : roster_.open())
      if (peer.name == name) send(link, drain_request{});
  }
  void came(link_event& event) {
    const std::lock_guard guard(seen_->mutex);
    if (const auto* opened = std::get_if<link_opened>(&event)) {
      if (!roster_.opened(*opened)) return;
      seen_->links[opened->peer.name] = opened->link;
      send(opened->link, status_request{});
    } else if (const auto* closed = std::get_if<link_closed>(&event)) {
      std::erase_if(seen_->links, [&](const auto& l) { return l.second == closed->link; });
      seen_->trouble = closed->address + ": " + closed->why;
      roster_.closed(*closed);
    } else {
      const auto& got = std::get<link_received>(event);
      for (const auto& m : got.messages) heard(got.link, m);
    }
    seen_->changed.notify_all();
  }
  void end() {
    roster_.end();
    self_->quit(caf::exit_reason::user_shutdown);
  }

 private:
  void send(std::uint64_t link, message m) {
    auto mail = std::make_shared<std::vector<message>>();
    mail->push_back(std::move(m));
    roster_.send(link, std::move(mail));
  }
  void heard(std::uint64_t link, const message& m) {
    if (const auto* view = std::get_if<member_view>(&m)) {
      roster_.told(*view, steady_clock::now());
      for (const auto& record : view->members) {
        auto& known = seen_->members[record.name];
        if (known.record.incarnation != 0 && record.incarnation > known.record.incarnation)
          ++known.restarts;
        known.record = record;
      }
    } else if (const auto* reply = std::get_if<status_reply>(&m)) {
      const auto from = roster_.open().find(link);
      auto status = parse_json(reply->json);
      if (from == roster_.open().end() || !status) return;
      seen_->members[from->second.name].status = std::move(*status);
      seen_->answered[from->second.name] = seen_->round;
    }
  }

  caf::event_based_actor* self_;
  roster roster_;
  std::shared_ptr<sightings> seen_;
};

caf::behavior observe(caf::event_based_actor* self, const link_setup& about,
                      const std::vector<std::string>& seeds,
                      const std::shared_ptr<sightings>& seen) {
  install_safe_handlers(*self);
  const auto state = std::make_shared<observer_state>(self, about, seeds, seen);
  self->set_exit_handler([state](const caf::exit_msg&) { state->end(); });
  return {
      [state](const link_event_ptr& event) { state->came(*event); },
      [state](ask_atom) { state->ask(); },
      [state](drain_atom, const std::string& name) { state->drain(name); },
  };
}

}  // namespace

class observer::impl {
 public:
  impl(const observer_options& options, std::shared_ptr<const identity> certificate) {
    const link_settings links;
    system_ = std::make_shared<link_system>(options.certificates, links);
    link_setup about{.system = system_,
                     .self = {.cluster = options.cluster,
                              .name = own_name(),
                              .role = peer_role::observer,
                              .incarnation = incarnation_now(),
                              .certificate = std::move(certificate)},
                     .links = links};
    const spawn_scope scope;
    actor_ = system_->actors().spawn(observe, about, options.seeds, seen_);
  }
  ~impl() {
    system_->end(actor_);
    actor_ = nullptr;
    system_.reset();
  }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  expected<std::vector<observed_member>> look(milliseconds patience) {
    std::unique_lock lock(seen_->mutex);
    const auto round = ++seen_->round;
    caf::anon_send(actor_, ask_atom::value);
    seen_->changed.wait_for(lock, patience, [&] { return all_answered(round); });
    std::vector<observed_member> out;
    for (const auto& [name, member] : seen_->members) {
      if (member.record.state == member_state::left) continue;
      out.push_back(member);
      if (!seen_->links.contains(name)) out.back().status = {};
    }
    if (!out.empty()) return out;
    return fail(network_error("no member of the cluster answers" +
                              (seen_->trouble.empty() ? "" : " (" + seen_->trouble + ")")));
  }

  expected<void> drain(const std::string& name_or_address, milliseconds patience) {
    auto members = look(patience);
    if (!members) return fail(std::move(members.error()));
    const auto called = named(*members, name_or_address);
    if (!called) return fail(called.error());
    const auto& name = *called;
    std::unique_lock lock(seen_->mutex);
    const bool reached =
        seen_->changed.wait_for(lock, patience, [&] { return seen_->links.contains(name); });
    if (!reached) return fail(network_error("the member " + name + " cannot be reached"));
    caf::anon_send(actor_, drain_atom::value, name);
    const bool heard = seen_->changed.wait_for(lock, patience, [&] {
      return !seen_->links.contains(name) ||
             seen_->members.at(name).record.state != member_state::up;
    });
    if (heard) return {};
    return fail(network_error("the member " + name + " did not confirm that it drains"));
  }

 private:
  [[nodiscard]] static expected<std::string> named(const std::vector<observed_member>& members,
                                                   const std::string& name_or_address) {
    std::string all;
    for (const auto& m : members) {
      if (m.record.name == name_or_address || m.record.address == name_or_address)
        return m.record.name;
      all += (all.empty() ? "" : ", ") + m.record.name + " at " + m.record.address;
    }
    return fail(validation_error(
        "name", "the cluster has no member " + name_or_address + ", but " + all, name_or_address));
  }
  // Precondition: the lock is held.
  [[nodiscard]] bool all_answered(std::uint64_t round) const {
    if (seen_->members.empty()) return false;
    return std::all_of(seen_->members.begin(), seen_->members.end(), [&](const auto& m) {
      if (m.second.record.state == member_state::left) return true;
      const auto last = seen_->answered.find(m.first);
      return last != seen_->answered.end() && last->second >= round;
    });
  }

  std::shared_ptr<sightings> seen_ = std::make_shared<sightings>();
  std::shared_ptr<link_system> system_;
  caf::actor actor_;
};

expected<std::unique_ptr<observer>> observer::open(observer_options options) {
  if (auto fits = check_seeds(options.seeds, options.certificates); !fits)
    return fail(std::move(fits.error()));
  auto certificate = identity::load(options.certificates);
  if (!certificate) return fail(std::move(certificate.error()));
  return std::unique_ptr<observer>(
      new observer(std::make_unique<impl>(options, std::move(*certificate))));
}

observer::observer(std::unique_ptr<impl> p) : impl_(std::move(p)) {}
observer::~observer() = default;

expected<std::vector<observed_member>> observer::look(milliseconds patience) {
  return impl_->look(patience);
}
expected<void> observer::drain(const std::string& name_or_address, milliseconds patience) {
  return impl_->drain(name_or_address, patience);
}

}  // namespace graphbit::cluster
