#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include <graphbit/actors/pending_call.hpp>
#include <graphbit/actors/supervisor.hpp>
#include <graphbit/cluster/open_limit_authority.hpp>
#include <graphbit/cluster/owner.hpp>

#include "src/peer/inbox.hpp"
#include "src/peer/roster.hpp"
#include "src/policy/owner_core.hpp"

namespace graphbit::cluster {

/// A function call whose caller waits.
struct waiting_function {
  std::string name;
  std::string arguments;
  std::function<void(expected<json_value>)> done;  // on the owner actor's thread
};

/// What callers have for the owner's actor.
struct submit_call {
  pending_call_ptr call;
  std::shared_ptr<const provider_config> config;
  reactor* home = nullptr;
};
struct submit_function {
  std::uint64_t id = 0;
  std::shared_ptr<waiting_function> function;
};
struct cancel_call {
  std::uint64_t id = 0;
};
/// The reader of a stream took so many pieces.
struct pieces_read {
  std::uint64_t id = 0;
  std::uint32_t pieces = 0;
};
using owner_order = std::variant<submit_call, submit_function, cancel_call, pieces_read>;

/// What the owner's actor and everybody else share.
struct owner_board {
  inbox<owner_order> orders;
  std::atomic<std::uint64_t> next_id{1};
  std::atomic<bool> closed{false};
  std::atomic<std::uint32_t> capacity{0};  // of all members for this owner
  std::atomic<std::uint64_t> submitted{0}, succeeded{0}, failed{0}, cancelled{0}, attempts{0};
  std::atomic<std::size_t> open{0}, waiting{0};

  /// Hands an order to the owner's actor; while that is started again it waits. Once the cluster is
  /// closed it is answered at once.
  void put(owner_order order);
  /// The present incarnation of the actor is woken from now on; null: none is.
  void is_served_by(caf::actor owner);
  void wake() const;
  /// No more orders are taken; those that nobody will carry out are answered.
  void close(const error& why);

  void publish(std::vector<member_status> members) {
    const std::lock_guard guard(mutex_);
    members_ = std::move(members);
  }
  [[nodiscard]] std::vector<member_status> members() const {
    const std::lock_guard guard(mutex_);
    return members_;
  }

 private:
  void refuse_orders(const error& why);

  mutable std::mutex mutex_;
  std::vector<member_status> members_;
  caf::actor owner_;
  error closed_because_ = runtime_error("cluster", "the cluster was closed");
};

using wake_atom = caf::atom_constant<caf::atom("wake")>;

struct owner_setup {
  std::shared_ptr<link_system> system;
  peer_self self;
  owner_options options;
  owner_settings settings;
  link_settings links;
  std::shared_ptr<owner_board> board;
  /// Outlives the actor: what it has leased stays leased until its time is over.
  std::shared_ptr<limit_authority> limits = make_memory_limit_authority();
};

/// The actor of an owner: the shell around `owner_core`. Dials the seeds and whoever they name,
/// hands items to links and answers to the reactors of their callers. An exit message answers
/// everything that is open and ends it.
caf::behavior own_work(caf::event_based_actor* self, const owner_setup& setup);

/// Starts it under a supervisor. When it fails, whoever waits gets an error that can be tried
/// again, and its next incarnation goes on with what came meanwhile; past the intensity the board
/// is closed.
[[nodiscard]] supervisor supervise_owner(const owner_setup& setup);

}  // namespace graphbit::cluster
