#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include <graphbit/actors/run_event.hpp>

namespace graphbit::python {

/// How many nodes of one run have ended, for who shows its progress. Any thread.
struct node_counts {
  std::atomic<std::uint64_t> ended{0}, failed{0};

  void heard(run_event_kind kind) noexcept {
    if (kind == run_event_kind::node_failed) ++failed;
    if (kind == run_event_kind::node_completed || kind == run_event_kind::node_failed ||
        kind == run_event_kind::node_skipped)
      ++ended;
  }
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> counts() const noexcept {
    return {ended.load(), failed.load()};
  }
};

}  // namespace graphbit::python
