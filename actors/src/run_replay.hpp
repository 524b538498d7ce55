#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <graphbit/actors/run_store.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

/// How often a node has parked because its provider could not be asked, and how long in all.
struct parkings {
  std::uint32_t count = 0;
  milliseconds in_all{0};
};

/// What the records of a run come to: which nodes have ended with what, which calls inside the
/// others are answered, what the run was told. A pure value; the same records give the same replay.
class run_replay {
 public:
  run_replay() = default;
  explicit run_replay(std::span<const journal_record> records);

  /// The body of a node that has ended; nullptr: it has not, or that counts no longer.
  [[nodiscard]] const std::string* node(const std::string& key) const;
  /// The body of an answered call or tool inside a node.
  [[nodiscard]] const std::string* effect(const std::string& key) const;
  /// When a node's wait began.
  [[nodiscard]] std::optional<wall_time> wait_began(const std::string& key) const;
  [[nodiscard]] parkings parked(const std::string& key) const;
  /// What the run was told: names, and values as JSON text; the first of each name.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& signals() const noexcept {
    return signals_;
  }
  [[nodiscard]] bool cancel_requested() const noexcept { return cancel_requested_; }
  /// When the run first began.
  [[nodiscard]] std::optional<wall_time> began() const noexcept { return began_; }
  /// The workflow that took the first one's place (on_change="map"); empty: none did.
  [[nodiscard]] const std::string& mapped_workflow() const noexcept { return mapped_workflow_; }
  [[nodiscard]] std::size_t nodes_ended() const noexcept { return nodes_.size(); }
  [[nodiscard]] bool skipped(const std::string& key) const { return skipped_.contains(key); }
  [[nodiscard]] bool failed(const std::string& key) const;

  /// How this node ended counts no longer; what is answered inside it does.
  void forget(const std::string& key);

  void add(const journal_record& record);

 private:
  void add_parking(const journal_record& record);

  std::unordered_map<std::string, std::string> nodes_;
  std::unordered_map<std::string, std::string> effects_;
  std::unordered_map<std::string, wall_time> waits_;
  std::unordered_map<std::string, parkings> parked_;
  std::unordered_set<std::string> skipped_;
  std::vector<std::pair<std::string, std::string>> signals_;  // name, value as JSON text; the first
  bool cancel_requested_ = false;
  std::optional<wall_time> began_;
  std::string mapped_workflow_;
};

}  // namespace graphbit
