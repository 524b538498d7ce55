#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "src/record_key.hpp"
#include "src/run_plan.hpp"

namespace graphbit {

/// Nodes that are to be run again, by index: those that were added, and all that follows them.
class rerun_set {
 public:
  rerun_set(const run_plan& plan, std::string prefix)
      : plan_(plan), prefix_(std::move(prefix)), keys_(node_keys(*plan.flow())) {}

  void add_with_followers(std::uint32_t index) {
    if (!nodes_.insert(index).second) return;
    for (const auto next : plan_.graph()->successors(index)) add_with_followers(next);
  }
  [[nodiscard]] std::string key(std::uint32_t index) const { return prefix_ + keys_[index]; }
  [[nodiscard]] const std::set<std::uint32_t>& nodes() const noexcept { return nodes_; }

 private:
  const run_plan& plan_;
  std::string prefix_;
  std::vector<std::string> keys_;
  std::set<std::uint32_t> nodes_;
};

}  // namespace graphbit
