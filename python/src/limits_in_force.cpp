#include "limits_in_force.hpp"

#include <utility>

#include <graphbit/cluster/open_limit_authority.hpp>

#include "process_runtime.hpp"

namespace graphbit::python {

namespace {

std::string store_in_force;  // under the GIL, like the runtime's start

}  // namespace

expected<void> share_limits_by(const std::string& store) {
  auto authority = open_limit_authority(store);
  if (!authority) return fail(authority.error());
  store_in_force = store;
  if (const auto home = process_runtime::instance().current())
    return share_limits(*home, std::move(*authority));
  return {};
}

expected<void> bring_limits(runtime& home) {
  if (store_in_force.empty()) return {};
  auto authority = open_limit_authority(store_in_force);
  if (!authority) return fail(authority.error());
  return share_limits(home, std::move(*authority));
}

}  // namespace graphbit::python
