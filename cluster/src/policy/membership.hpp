#pragma once

#include <map>
#include <string>
#include <vector>

#include <graphbit/cluster/member_record.hpp>
#include <graphbit/runtime/clock.hpp>

namespace graphbit::cluster {

struct membership_settings {
  duration forget_after = seconds(30);  ///< a member whose beat stood still so long is not named
  duration erase_after = seconds(600);  ///< and its memory is dropped after this
  std::size_t members_max = 1024;
};

/// Who is in the cluster, as one process knows it.
///
/// Problem: there is no head node, and members come, go, and come back under the same name. Each
/// member alone raises its own record's incarnation (at start) and beat (while it lives); whoever
/// meets exchanges all records, and the later one of each name stays. Views merged in any order,
/// any number of times, end equal. Who is silent is forgotten by each on its own clock, so clocks
/// need not agree. A state machine; the time is passed in.
class membership {
 public:
  explicit membership(membership_settings settings = {}) : settings_(settings) {}

  /// This process is a member itself.
  void join(member_record self, time_point now);
  /// Raises the own beat; once per heartbeat interval.
  void beat(time_point now);
  void set_state(member_state state, time_point now);

  /// Takes over what is later than what is known. True when anything changed but beats.
  bool merge(const std::vector<member_record>& view, time_point now);
  /// The members not forgotten, the own record among them, in the order of their names.
  [[nodiscard]] std::vector<member_record> view(time_point now) const;
  [[nodiscard]] const member_record* self() const;
  /// Somebody else claims the own name: two members were started with it.
  [[nodiscard]] bool name_taken() const noexcept { return name_taken_; }

 private:
  struct entry {
    member_record record;
    time_point progressed_at;
  };
  [[nodiscard]] static bool later(const member_record& a, const member_record& b);
  bool merge_self(const member_record& seen, time_point now);
  void erase_old(time_point now);

  membership_settings settings_;
  std::map<std::string, entry> entries_;
  std::string self_;
  bool name_taken_ = false;
};

}  // namespace graphbit::cluster
