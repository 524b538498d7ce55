#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <graphbit/runtime/clock.hpp>

namespace graphbit::policy {

enum class restart_rule : std::uint8_t {
  one_for_one,   ///< only the child that died
  one_for_all,   ///< all children
  rest_for_one,  ///< the child that died and those started after it
};

/// When a child is restarted.
enum class child_lifetime : std::uint8_t {
  permanent,  ///< always
  transient,  ///< after a failure only
  temporary,  ///< never
};

struct supervision_settings {
  restart_rule rule = restart_rule::one_for_one;
  std::uint32_t restarts_max = 5;  ///< more within `period` escalate
  duration period = seconds(10);
  duration backoff_first = milliseconds(50);  ///< doubles per restart within the period
  duration backoff_max = seconds(2);
};

using child_index = std::uint32_t;

/// What the supervisor's actor is to do, in order.
struct supervision_action {
  enum class kind : std::uint8_t {
    stop,      ///< ask the child to end; its end is reported by `exited` as any other
    restart,   ///< start the child after `after` if it `is_due` then, and report `started`
    escalate,  ///< stop what is left (`shut_down`) and end with an error: the parent decides
  };
  kind what = kind::restart;
  child_index child = 0;
  duration after{0};
  friend bool operator==(const supervision_action&, const supervision_action&) = default;
};

enum class child_state : std::uint8_t {
  running,
  stopping,    ///< asked to end
  restarting,  ///< not alive, and to be started again
  stopped,     ///< for good
};

/// One supervisor's decisions as data: children's ends in, actions out. Under one_for_one the
/// intensity counts per child, so that one of thousands of children cannot bring down its siblings
/// by their number; under the group rules per supervisor.
///
/// Life: `add` each child in start order, then `exited` / `started` as they happen, `shut_down` at
/// the end. A plain value; not thread-safe.
class supervision {
 public:
  explicit supervision(supervision_settings settings = {}) : settings_(settings) {}

  /// A child that has just been started.
  child_index add(child_lifetime lifetime = child_lifetime::permanent);
  /// A child ended: `failed`, or of its own will, or because it was asked to. Or its restart
  /// failed.
  [[nodiscard]] std::vector<supervision_action> exited(child_index child, bool failed,
                                                       time_point now);
  /// Whether a restart whose time has come is to be carried out now. Under the group rules it may
  /// have been overtaken: an elder failed meanwhile and goes first.
  [[nodiscard]] bool is_due(child_index child) const;
  /// A restart was carried out. The next of its group follows.
  [[nodiscard]] std::vector<supervision_action> started(child_index child);
  /// Forgets a stopped child; its index is used again by `add`.
  void remove(child_index child);

  /// Stops everything, last started first, one after the other: the first stop now, each next one
  /// from `exited`. Waiting restarts are given up.
  [[nodiscard]] std::vector<supervision_action> shut_down();
  /// True when shutting down and nothing runs any more.
  [[nodiscard]] bool down() const noexcept { return shutting_down_ && alive_ == 0; }
  [[nodiscard]] bool shutting_down() const noexcept { return shutting_down_; }

  [[nodiscard]] child_state state(child_index child) const { return children_[child].state; }
  /// Restarts of this child in all.
  [[nodiscard]] std::uint32_t restarts(child_index child) const {
    return children_[child].restarts;
  }
  [[nodiscard]] std::size_t alive() const noexcept { return alive_; }
  [[nodiscard]] const supervision_settings& settings() const noexcept { return settings_; }

 private:
  struct child {
    child_lifetime lifetime = child_lifetime::permanent;
    child_state state = child_state::stopped;
    bool in_use = false;
    std::uint64_t order = 0;  // of start: `remove` leaves holes that later children fill
    std::uint32_t restarts = 0;
    std::vector<time_point> recent;  // restarts within the period; at most `restarts_max`
  };
  using actions = std::vector<supervision_action>;

  [[nodiscard]] bool within_intensity(std::vector<time_point>& recent, time_point now) const;
  [[nodiscard]] duration backoff(std::size_t restarts_recent) const noexcept;
  void sort_by_start(std::vector<child_index>& indices) const;
  [[nodiscard]] bool is_alive(child_index child) const noexcept;
  [[nodiscard]] actions restart_one(child_index child, time_point now);
  [[nodiscard]] actions begin_group(child_index child, time_point now);
  [[nodiscard]] actions end_group();
  [[nodiscard]] actions restart_next(duration after) const;
  [[nodiscard]] bool group_is_stopping() const;
  void join_group(child_index child, child_state state);
  [[nodiscard]] actions stop_next();

  supervision_settings settings_;
  std::vector<child> children_;
  std::vector<child_index> free_;
  std::vector<child_index> group_;    // down together, in the order of their first start
  std::vector<time_point> recent_;    // restarts of groups within the period
  std::vector<child_index> to_stop_;  // while shutting down: those left, last started at the back
  std::uint64_t starts_ = 0;
  std::size_t alive_ = 0;  // running or stopping
  bool shutting_down_ = false;
};

}  // namespace graphbit::policy
