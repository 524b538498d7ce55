#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <graphbit/actors/callable.hpp>
#include <graphbit/cluster/identity.hpp>
#include <graphbit/cluster/member_record.hpp>
#include <graphbit/runtime/json_value.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit::cluster {

/// Which node this is, whom it joins, and what it can do.
struct node_options {
  std::string listen = "127.0.0.1:4711";  ///< HOST:PORT; port 0 takes any
  std::string advertise{};                ///< where others reach it; empty: as `listen`
  certificate_files certificates{};       ///< none: loopback only
  std::vector<std::string> seeds{};       ///< other members, HOST:PORT; itself among them is fine
  std::string cluster = "graphbit";       ///< nodes of another name are refused
  std::string name{};                 ///< unique in the cluster; empty: made from host and process
  std::uint32_t slots = 64;           ///< pieces of work at once
  std::vector<std::string> labels{};  ///< by which work chooses this node
  std::vector<callable> callables{};  ///< functions that owners may run here, by name
  milliseconds heartbeat{500};        ///< the same on all nodes
  milliseconds pause_max{500};        ///< silence beyond the usual after which a peer is gone
  /// The runtime shares limits by a store (`share_limits`); else each owner divides its own limits
  /// among its members.
  bool limits_are_shared = false;
  std::uint16_t protocol_version = 0;  ///< 0: the newest; lower to rehearse an upgrade
};

/// A member of a cluster: carries work out for the owners that dial it.
///
/// Model calls go through this runtime's own provider clients, with the keys of this process's
/// environment unless the owner sent its own; functions run on the blocking pool.
///
/// Lifecycle: `start` listens at once; `drain` finishes what is in flight and gives the rest back;
/// the destructor ends what is left. Must end before its runtime. Threads: any.
class node {
 public:
  /// Errors: Configuration (addresses beyond loopback without certificates, certificates that
  /// cannot work), Network when it cannot listen.
  [[nodiscard]] static expected<std::unique_ptr<node>> start(runtime& rt, node_options options);
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// The address that others dial.
  [[nodiscard]] const std::string& address() const;
  /// Takes no more work, waits for what is in flight and gives back what has not ended after
  /// `patience`. True when everything ended in time. `interrupted` is asked every 20 ms.
  bool drain(milliseconds patience, const std::function<bool()>& interrupted = {});
  /// True once draining began, by `drain` or from `graphbit cluster drain`.
  [[nodiscard]] bool draining() const;
  /// True when its actor died, or a member that was there before has its name: it drains, takes no
  /// work any more, and has to be started again.
  [[nodiscard]] bool failed() const;
  /// {name, address, state, slots, in_flight, queued, owners, done, labels, members: [...], ...}
  [[nodiscard]] json_value status() const;

  class impl;

 private:
  explicit node(std::unique_ptr<impl> p);
  std::unique_ptr<impl> impl_;
};

}  // namespace graphbit::cluster
