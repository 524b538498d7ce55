#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <graphbit/runtime/clock.hpp>

#include "src/policy/placement.hpp"
#include "src/wire/message.hpp"

namespace graphbit::cluster {

struct owner_settings {
  placement_settings placement;
  bool share_credentials = false;  ///< send keys to members
  /// Items fail when no member that could take them has been there for so long.
  duration outage_max = seconds(60);
};

/// One piece of work as its owner keeps it until it is answered.
struct work_order {
  std::shared_ptr<const work_request> request;
  std::shared_ptr<const provider_config> config;  ///< none for a function call
  call_options options;
  bool stream = false;
};

/// What an owner does with its work and its members' messages: places items, keeps each until its
/// one answer is there, sends it elsewhere when a member dies. A state machine; the shell around it
/// (`owner_actor`) moves bytes and tells the callers.
///
/// Delivery: `ended` comes exactly once per submitted item. An item is sent again only when its
/// member died or was cut off before the answer came, or gave it back; a stream that has delivered
/// text is not sent again unseen, it follows `call_options::on_stream_failure`.
class owner_core {
 public:
  class effects {
   public:
    virtual ~effects() = default;
    virtual void send(link_id to, message m) = 0;
    virtual void text(item_id id, std::vector<std::string> pieces) = 0;
    virtual void restarted(item_id id) = 0;
    virtual void ended(item_id id, work_result result) = 0;
  };

  owner_core(owner_settings settings, effects& out, time_point now);

  void submit(item_id id, work_order order, time_point now);
  /// The caller wants no answer any more: it gets a cancelled error.
  void cancel(item_id id);
  /// The caller's reader has taken so many pieces.
  void consumed_by_reader(item_id id, std::uint32_t pieces);

  void link_up(link_id link, const member_record& member);
  void link_changed(link_id link, const member_record& member);
  void link_down(link_id link, const std::string& why);
  /// False for a message that a member has no business to send.
  [[nodiscard]] bool receive(link_id link, message m);

  /// A member asked for a part of a rate, and got one or none.
  void share_leased(link_id link, bool granted, time_point now);

  /// Places what can be placed. Once per turn of the shell, after everything above.
  void dispatch(time_point now);
  /// Deadlines, and the patience with an empty cluster; about ten times a second.
  void tick(time_point now);

  [[nodiscard]] std::size_t open() const noexcept { return orders_.size(); }
  [[nodiscard]] const placement& placed() const noexcept { return placement_; }
  /// Why there is no member, for errors and logs.
  void set_trouble(std::string why) { trouble_ = std::move(why); }

 private:
  struct open_order {
    work_order order;
    time_point submitted_at;
    std::string said{};  // what a stream has delivered
  };
  struct member_link {
    std::string name;
    std::uint32_t demand_told = 0;
    time_point starved_until = never;                 // while it is
    std::set<const provider_config*> configurations;  // sent
  };

  void end(item_id id, work_result result);
  void send_item(const placement::assignment& to, time_point now);
  [[nodiscard]] std::uint32_t number_of(const std::shared_ptr<const provider_config>& config);
  void resume_elsewhere(item_id id, const std::string& why);
  void take_up_stream(item_id id, open_order& o);
  void tell_demand();
  [[nodiscard]] bool lacks_its_function(const open_order& o, time_point now) const;
  [[nodiscard]] error desertion() const;
  [[nodiscard]] bool stale(item_id id, std::uint32_t attempt, link_id link) const {
    return !placement_.current(id, attempt, link);
  }

  owner_settings settings_;
  effects& out_;
  placement placement_;
  std::unordered_map<item_id, open_order> orders_;
  std::map<link_id, member_link> links_;
  // Kept as long as this owner: an address names one configuration, and its number, for good.
  std::map<const provider_config*, std::pair<std::uint32_t, std::shared_ptr<const provider_config>>>
      numbers_;
  time_point member_seen_at_;  // one that could take work
  std::string trouble_;
};

}  // namespace graphbit::cluster
