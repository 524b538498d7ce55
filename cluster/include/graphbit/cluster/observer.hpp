#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <graphbit/cluster/identity.hpp>
#include <graphbit/cluster/member_record.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit::cluster {

/// Which cluster is looked at.
struct observer_options {
  std::vector<std::string> seeds;    ///< "host:port" of nodes; one that answers is enough
  certificate_files certificates{};  ///< of this observer; none: without TLS
  std::string cluster = "graphbit";  ///< its name
};

/// One member, as it describes itself (`node::status`); null while it cannot be reached.
struct observed_member {
  member_record record;        ///< what it told when it joined
  json_value status;           ///< what it is doing; null when it did not answer
  std::uint32_t restarts = 0;  ///< of its process, while this observer looked
};

/// Looks at a cluster without giving it work: `graphbit top` and `graphbit cluster`.
/// Lifecycle: `open` gives at once and connects in the background. Threads: any.
class observer {
 public:
  /// Errors: Configuration, as `owner::open` gives.
  [[nodiscard]] static expected<std::unique_ptr<observer>> open(observer_options options);
  ~observer();
  observer(const observer&) = delete;
  observer& operator=(const observer&) = delete;

  /// All members that the seeds know, with what they last said of themselves. Waits until each has
  /// answered, but at most `patience`. Error: Network when no seed answers.
  [[nodiscard]] expected<std::vector<observed_member>> look(milliseconds patience);
  /// Asks a member to drain and end. Errors: Validation{name} for a member that is not there,
  /// Network.
  [[nodiscard]] expected<void> drain(const std::string& name_or_address, milliseconds patience);

 private:
  class impl;
  explicit observer(std::unique_ptr<impl> p);
  std::unique_ptr<impl> impl_;
};

}  // namespace graphbit::cluster
