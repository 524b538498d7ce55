#include "limits_option.hpp"

#include <utility>

#include <graphbit/cluster/open_limit_authority.hpp>

namespace graphbit::app {

void limits_option::add_to(CLI::App& app) {
  app.add_option("--limits-store", store,
                 "share --rpm, --tpm and --max-in-flight with all processes that name this store: "
                 "an SQLite file (one machine) or postgresql://... (several)");
}

expected<void> limits_option::apply_to(runtime& rt) const {
  if (store.empty()) return {};
  auto authority = open_limit_authority(store);
  if (!authority) return fail(authority.error());
  return share_limits(rt, std::move(*authority));
}

}  // namespace graphbit::app
