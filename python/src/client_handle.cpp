#include "client_handle.hpp"

#include <set>

#include "error_translation.hpp"

namespace graphbit::python {

opened_client client_handle::open() {
  auto home = process_runtime::instance().acquire();
  if (!client_)
    client_ =
        unwrap(cluster_ ? cluster_->open().client(config_) : provider_client::open(*home, config_));
  return {std::move(home), client_};
}

void client_handle::leak_handles() noexcept {
  static_cast<void>(new provider_client(std::move(client_)));
  client_ = {};
}

client_totals totals_of_clients() {
  client_totals totals;
  std::set<const provider_config*> seen;  // handles of one client show the same configuration
  for (runtime_user* user : process_runtime::instance().users()) {
    const auto* handle = dynamic_cast<const client_handle*>(user);
    if (handle == nullptr || !handle->peek()) continue;
    if (!seen.insert(&handle->peek().config()).second) continue;
    const provider_client_stats stats = handle->peek().stats();
    totals.in_flight += stats.in_flight;
    totals.open_connections += stats.pool.open;
  }
  return totals;
}

}  // namespace graphbit::python
