#pragma once

#include <map>
#include <string>
#include <vector>

#include <graphbit/cluster/observer.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit::app {

/// Items done per second, by member; from two looks at it.
using member_rates = std::map<std::string, double>;

/// {members: [...], slots, in_flight, queued, done, reachable}.
[[nodiscard]] json_value cluster_json(const std::vector<cluster::observed_member>& members,
                                      const member_rates& rates = {});
/// The same for a person, one line per member.
[[nodiscard]] std::string cluster_table(const std::vector<cluster::observed_member>& members,
                                        const member_rates& rates);

}  // namespace graphbit::app
