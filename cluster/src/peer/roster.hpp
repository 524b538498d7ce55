#pragma once

#include <map>
#include <string>
#include <vector>

#include <graphbit/cluster/member_record.hpp>

#include "src/peer/link_actor.hpp"

namespace graphbit::cluster {

/// Whom a process that dials members knows: it begins with the seeds, and dials whoever they name.
/// Lives inside the actor that its links report to.
class roster {
 public:
  struct open_link {
    std::string address;
    std::string name;
    std::uint16_t version = 0;
  };

  /// `about`: all but the address of a link's setup.
  roster(caf::event_based_actor* self, link_setup about);

  void dial_seeds(const std::vector<std::string>& addresses);
  /// False for a second link to a member that is connected already (a seed's other address).
  [[nodiscard]] bool opened(const link_opened& link);
  void closed(const link_closed& link) { open_.erase(link.link); }
  /// A link's actor has died: what was open on it is closed. `dial_again` starts another.
  [[nodiscard]] std::vector<link_closed> died(const caf::actor_addr& link, const std::string& why);
  void dial_again(time_point now);
  /// A member told whom it knows.
  void told(const member_view& view, time_point now);
  /// Stops dialling who has not been named for long; now and then.
  void drop_unnamed(time_point now);
  void send(std::uint64_t link, link_mail mail);
  /// The actor that dials an address; null: none does, or it has died.
  [[nodiscard]] caf::actor dialler_of(const std::string& address) const;
  void end();

  [[nodiscard]] const std::map<std::uint64_t, open_link>& open() const noexcept { return open_; }
  [[nodiscard]] const std::map<std::string, member_record>& records() const noexcept {
    return records_;
  }

 private:
  struct dialled_member {
    caf::actor link;
    bool seed = false;
    time_point named_at{};
  };
  void dial(const std::string& address, bool seed, time_point now);
  [[nodiscard]] bool connected(const std::string& name) const;

  caf::event_based_actor* self_;
  link_setup about_;
  std::map<std::string, dialled_member> dialled_;  // by address
  std::map<std::uint64_t, open_link> open_;
  std::map<std::string, member_record> records_;  // by name
};

}  // namespace graphbit::cluster
