#pragma once

#include <functional>
#include <memory>

#include <graphbit/runtime/json_value.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit::cluster {

/// Shows a member's state on the runtime's metrics page until the result is dropped. `status`:
/// `node::status`.
[[nodiscard]] std::shared_ptr<void> collect_node_metrics(runtime& rt,
                                                         std::function<json_value()> status);

}  // namespace graphbit::cluster
