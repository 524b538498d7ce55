#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <graphbit/actors/callable.hpp>
#include <graphbit/actors/chat_backend.hpp>
#include <graphbit/actors/provider_client.hpp>
#include <graphbit/cluster/identity.hpp>
#include <graphbit/cluster/member_record.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit::cluster {

/// Which cluster carries the work out.
struct owner_options {
  std::vector<std::string> seeds;     ///< "HOST:PORT" of members that introduce the others
  certificate_files certificates{};   ///< none: only members on this machine's loopback
  std::string cluster = "graphbit";   ///< its name
  std::string name{};                 ///< in members' logs; empty: made from host and process
  std::uint32_t weight = 1;           ///< share of members' slots beside other owners, 1 to 1000
  std::vector<std::string> labels{};  ///< only members that have all of them
  bool share_credentials = false;     ///< keys travel to members; needs certificates
  milliseconds heartbeat{500};        ///< the same on all nodes
  /// Silence beyond what is usual on the line, then a member is dead. Longer than a member's own
  /// patience with its owner: who is cut off has stopped its work by the time that others get it.
  milliseconds pause_max{1'000};
  milliseconds outage_max{60'000};  ///< items fail when no member has been reached for so long
};

/// One member as an owner sees it.
struct member_status {
  member_record record;         ///< what it told when it joined
  bool connected = false;       ///< work can be sent to it now
  std::uint32_t window = 0;     ///< items that it takes from this owner at once
  std::uint32_t in_flight = 0;  ///< of these in use
};

/// A process's door to a cluster: whatever has calls to make makes them through it, and members
/// carry them out. There is no head node: each owner is the owner of its own work, dials members
/// (never the reverse), and keeps each item until its one answer is there.
///
/// Lifecycle: `open` gives at once, links are made in the background. `close` (and the last copy's
/// end) answers what is open with an error. Must be closed before its runtime is shut down.
/// Threads: any. Cheap to copy.
class owner {
 public:
  owner() = default;
  /// Errors: Configuration (seeds, addresses beyond loopback without certificates, certificates
  /// that cannot work, share_credentials without them).
  [[nodiscard]] static expected<owner> open(runtime& rt, owner_options options);

  /// A provider client whose calls run on members, with the pipeline (retries, breaker, limits) of
  /// the member they run on. Error: as `resolve` gives, but for a key, which the members may have.
  [[nodiscard]] expected<provider_client> client(const provider_config& config) const;
  /// For `executor::open`: agent nodes run on members.
  [[nodiscard]] chat_backend_factory backends() const;
  /// A function that runs on members which offer `name`; calls of it block, so it is for the
  /// blocking pool. Error of a call: Network when no member is there, the function's own.
  [[nodiscard]] callable function(const std::string& name) const;
  /// True while a connected member offers the function.
  [[nodiscard]] bool offers(const std::string& name) const;

  /// All that are known, connected or not.
  [[nodiscard]] std::vector<member_status> members() const;
  /// Waits until `count` members are connected. False when that did not happen in time.
  [[nodiscard]] bool wait_for_members(std::size_t count, milliseconds patience,
                                      const std::function<bool()>& interrupted = {}) const;
  /// Gives the members up; calls in flight end with an error.
  void close() const;
  /// Whether it was opened.
  [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }

  class impl;

 private:
  explicit owner(std::shared_ptr<impl> p) : impl_(std::move(p)) {}
  std::shared_ptr<impl> impl_;
};

}  // namespace graphbit::cluster
