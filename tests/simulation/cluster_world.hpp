#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace graphbit::sim {

/// A promise that a seed broke.
class broken_promise : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What came of one simulated cluster.
struct cluster_report {
  std::uint64_t items = 0, answered = 0, failed = 0;
  std::uint64_t executions = 0;     ///< starts on members
  std::uint64_t repeats = 0;        ///< of these, of items that had been started before
  std::uint64_t stale_answers = 0;  ///< fenced off
  std::uint64_t limited_calls = 0;  ///< went out under the limit that members share
  std::uint64_t links_lost = 0, crashes = 0, partitions = 0, drains = 0;
  std::uint64_t events = 0;
  double virtual_seconds = 0;
  friend bool operator==(const cluster_report&, const cluster_report&) = default;
};

/// Runs owners and members (their real state machines: `owner_core`, `member_core`, `membership`,
/// `failure_detector`, `share_holder`, `limiter`, `limit_shares`) on a network that delays, loses
/// and repeats packets, cuts links without a word, and on machines that crash, restart, drain and
/// have clocks that run fast or slow, all drawn from `seed`. Ends when the faults have ended and
/// all work is done.
///
/// Promises: each item gets exactly one answer; none is started again once its answer has reached
/// the owner, nor while the member that has it and the link to it live; no member runs more than
/// its slots; no owner has more calls in flight than its configuration allows; no sliding minute of
/// the provider sees more than the limit that members share by a store, and what was leased comes
/// back; all views of the members agree in the end. Throws `broken_promise`.
[[nodiscard]] cluster_report run_cluster(std::uint64_t seed);

}  // namespace graphbit::sim
