#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <graphbit/cluster/node.hpp>
#include <graphbit/runtime/caf.hpp>

#include "src/member/job_runner.hpp"
#include "src/peer/link_actor.hpp"
#include "src/policy/membership.hpp"

namespace graphbit::cluster {

using wake_atom = caf::atom_constant<caf::atom("wake")>;
using drain_atom = caf::atom_constant<caf::atom("drain")>;
using giveup_atom = caf::atom_constant<caf::atom("giveup")>;
using listen_atom = caf::atom_constant<caf::atom("listen")>;

/// What a member's actor shows to other threads.
struct member_board {
  std::atomic<bool> draining{false};
  std::atomic<std::size_t> running{0};
  std::atomic<bool> failed{false};  // the actor died; then it drains for ever, too

  void publish(json_value status) {
    const std::lock_guard guard(mutex_);
    status_ = std::move(status);
  }
  [[nodiscard]] json_value status() const {
    const std::lock_guard guard(mutex_);
    return status_;
  }

 private:
  mutable std::mutex mutex_;
  json_value status_;
};

struct member_setup {
  runtime* rt = nullptr;
  std::shared_ptr<link_system> system;
  peer_self self;
  node_options options;
  link_settings links;
  std::shared_ptr<member_board> board;
};

/// The actor of a member: the door that peers dial, and the shell around `member_core` and
/// `membership`. Gets frames from peers, `job_events`, `link_event_ptr`s of the links to its seeds,
/// and (listen, address), (drain), (giveup) from its node. An exit message ends it.
caf::behavior serve_owners(caf::event_based_actor* self, const member_setup& setup);

}  // namespace graphbit::cluster
