#include "roster.hpp"

#include <algorithm>
#include <utility>

namespace graphbit::cluster {

namespace {

constexpr seconds dial_unnamed_for{120};

}  // namespace

roster::roster(caf::event_based_actor* self, link_setup about)
    : self_(self), about_(std::move(about)) {
  about_.parent = caf::actor_cast<caf::actor>(self);
}

void roster::dial_seeds(const std::vector<std::string>& addresses) {
  for (const auto& address : addresses) dial(address, true, steady_clock::now());
}

void roster::dial(const std::string& address, bool seed, time_point now) {
  auto& d = dialled_[address];
  d.named_at = now;
  d.seed = d.seed || seed;
  if (d.link) return;
  auto setup = about_;
  setup.address = address;
  d.link = self_->spawn<caf::monitored>(keep_link, setup);
}

std::vector<link_closed> roster::died(const caf::actor_addr& link, const std::string& why) {
  std::vector<link_closed> closed;
  for (auto& [address, d] : dialled_) {
    if (!d.link || d.link.address() != link) continue;
    d.link = nullptr;
    for (const auto& [id, open] : open_)
      if (open.address == address) closed.push_back({id, address, why});
  }
  return closed;
}

void roster::dial_again(time_point now) {
  for (const auto& [address, d] : dialled_)
    if (!d.link) dial(address, d.seed, now);
}

bool roster::connected(const std::string& name) const {
  return std::any_of(open_.begin(), open_.end(),
                     [&](const auto& l) { return l.second.name == name; });
}

bool roster::opened(const link_opened& link) {
  if (connected(link.peer.name)) return false;
  open_[link.link] = {link.address, link.peer.name, link.peer.version};
  return true;
}

void roster::told(const member_view& view, time_point now) {
  for (const auto& member : view.members) {
    records_[member.name] = member;
    if (const auto d = dialled_.find(member.address); d != dialled_.end()) d->second.named_at = now;
    if (member.state != member_state::left && !connected(member.name))
      dial(member.address, false, now);
  }
}

void roster::drop_unnamed(time_point now) {
  std::erase_if(dialled_, [&](const auto& entry) {
    const auto& [address, d] = entry;
    const bool in_use = std::any_of(open_.begin(), open_.end(), [&at = address](const auto& l) {
      return l.second.address == at;
    });
    if (d.seed || in_use || now - d.named_at < dial_unnamed_for) return false;
    caf::anon_send_exit(d.link, caf::exit_reason::user_shutdown);
    return true;
  });
}

void roster::send(std::uint64_t link, link_mail mail) {
  if (const auto found = open_.find(link); found != open_.end())
    caf::anon_send(dialler_of(found->second.address), std::move(mail));
}

caf::actor roster::dialler_of(const std::string& address) const {
  const auto found = dialled_.find(address);
  return found == dialled_.end() ? nullptr : found->second.link;
}

void roster::end() {
  for (const auto& [address, d] : dialled_)
    caf::anon_send_exit(d.link, caf::exit_reason::user_shutdown);
  dialled_.clear();
  open_.clear();
  about_.parent = nullptr;  // which holds this
}

}  // namespace graphbit::cluster
