#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <graphbit/actors/call.hpp>
#include <graphbit/cluster/member_record.hpp>

namespace graphbit::cluster {

/// A connection of an owner to one member; a reconnected member is another.
using link_id = std::uint64_t;
using item_id = std::uint64_t;

struct placement_settings {
  std::uint32_t attempts_max = 5;   ///< members that may die of one item
  std::vector<std::string> labels;  ///< a member needs all of them to get this owner's work
};

/// What decides where an item may run and when.
struct item_needs {
  priority_class priority = priority_class::live;
  std::string callable;     ///< a member must know it; empty: any member
  bool rated = false;       ///< by a rate that members share: only to one that has a part of it
  std::uint64_t limit = 0;  ///< which bound of calls in flight it counts in; 0: none
  std::uint32_t in_flight_max = 0;  ///< that bound, over all members; the least that is named rules
  std::string session;  ///< items of one session go to the same member while it has room
};

/// Which item runs on which member: an owner's queue, its members' credit, and the fence that lets
/// exactly one answer per item through.
///
/// Every dispatch of an item has its own attempt number; an answer counts only if it bears the
/// latest one and the item is still open. When a link ends, what was out on it goes back to the
/// head of the queue, except an item on which `attempts_max` members have died already.
/// A state machine.
class placement {
 public:
  explicit placement(placement_settings settings = {}) : settings_(std::move(settings)) {}

  void add(item_id id, item_needs needs);
  /// The item needs no answer any more. Where it runs, if it does.
  struct assignment {
    item_id item = 0;
    std::uint32_t attempt = 0;
    link_id link = 0;
  };
  [[nodiscard]] std::optional<assignment> remove(item_id id);
  /// Where an item runs; nothing while it waits.
  [[nodiscard]] std::optional<assignment> where(item_id id) const;

  void link_up(link_id link, const member_record& member);
  /// What the member says of itself has changed.
  void link_changed(link_id link, const member_record& member);
  void set_window(link_id link, std::uint32_t window);
  /// A member without a part of a shared rate gets no work that needs one.
  void set_starved(link_id link, bool starved);
  struct link_end {
    std::vector<item_id> requeued;   ///< will run elsewhere
    std::vector<item_id> abandoned;  ///< have run out of attempts, and are removed
  };
  [[nodiscard]] link_end link_down(link_id link);

  /// The next dispatches for which there is an item, a member that fits, and credit.
  [[nodiscard]] std::vector<assignment> dispatch();

  /// True for the one answer that counts; the item is removed.
  [[nodiscard]] bool finish(item_id id, std::uint32_t attempt, link_id link);
  /// True when this is the present attempt of an open item (a stream's text).
  [[nodiscard]] bool current(item_id id, std::uint32_t attempt, link_id link) const;
  /// The member would not have it: back to the head of the queue, no attempt lost.
  void give_back(item_id id, std::uint32_t attempt, link_id link);

  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return items_.size() - waiting_; }
  [[nodiscard]] std::size_t links() const noexcept { return links_.size(); }
  /// The sum of all members' windows.
  [[nodiscard]] std::uint32_t capacity() const;
  /// Some member has the labels and takes work.
  [[nodiscard]] bool has_suitable_member() const;
  [[nodiscard]] bool offers(const std::string& callable) const;
  /// A link's window and how much of it is in use.
  [[nodiscard]] std::pair<std::uint32_t, std::uint32_t> load(link_id link) const;

 private:
  struct item {
    item_needs needs;
    std::uint32_t attempt = 0;
    std::uint32_t deaths = 0;
    link_id link = 0;  // 0: waiting
  };
  struct peer {
    member_record member;
    bool suitable = true;  // has the labels
    bool starved = false;  // has no part of a shared rate
    std::uint32_t window = 0;
    std::uint32_t in_flight = 0;
    [[nodiscard]] bool free() const {
      return suitable && member.state == member_state::up && in_flight < window;
    }
  };
  /// Items with the same needs of a member, by priority. Entries of removed items are skipped.
  struct lane {
    std::array<std::deque<item_id>, 2> queues;
    std::uint32_t turn = 0;
  };

  /// Calls in flight that are bounded over all members.
  struct bound {
    std::uint32_t in_flight = 0;
    std::uint32_t in_flight_max = 0;
    std::array<std::deque<item_id>, 2> parked{};  // until there is room; by priority
  };

  void requeue(item_id id, item& i);
  [[nodiscard]] bool park_if_full(item_id id, const item& i);
  void make_room(const item_needs& needs, bool was_in_flight);
  [[nodiscard]] std::optional<item_id> next_of(lane& l);
  [[nodiscard]] bool waits(item_id id) const;
  [[nodiscard]] peer* choose(const item& i, link_id& link);
  [[nodiscard]] bool any_free(const std::string& callable) const;
  [[nodiscard]] bool has_labels(const member_record& member) const;

  placement_settings settings_;
  std::unordered_map<item_id, item> items_;
  std::size_t waiting_ = 0;
  std::map<std::string, lane> lanes_;  // by callable; "" for all others
  std::unordered_map<std::uint64_t, bound> bounds_;
  std::map<link_id, peer> links_;
};

}  // namespace graphbit::cluster
