#pragma once

#include <memory>

#include <graphbit/actors/provider_client.hpp>

#include "cluster_handle.hpp"
#include "process_runtime.hpp"

namespace graphbit::python {

/// A provider client together with the runtime it lives in, for the length of one use.
struct opened_client {
  std::shared_ptr<runtime> home;  // destroyed last
  provider_client client;
};

/// A configuration's provider client, opened when first needed and again after the runtime was
/// restarted or the process forked. Needs the GIL.
class client_handle final : public runtime_user {
 public:
  explicit client_handle(provider_config config) : config_(std::move(config)) {}

  /// Raises what opening gives.
  [[nodiscard]] opened_client open();
  /// The client if it is open, else an empty handle.
  [[nodiscard]] const provider_client& peek() const noexcept { return client_; }
  [[nodiscard]] const provider_config& config() const noexcept { return config_; }
  /// Calls run on members of this cluster from now on.
  void use_cluster(std::shared_ptr<cluster_handle> cluster) { cluster_ = std::move(cluster); }

  void release_handles() override { client_ = {}; }
  void leak_handles() noexcept override;

 private:
  provider_config config_;
  std::shared_ptr<cluster_handle> cluster_;  // none: this process
  provider_client client_;
};

/// Over all provider clients that Python objects have open, each counted once.
struct client_totals {
  std::size_t in_flight = 0;
  std::size_t open_connections = 0;
};
[[nodiscard]] client_totals totals_of_clients();

}  // namespace graphbit::python
