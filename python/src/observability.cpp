#include "observability.hpp"

#include <utility>

#include "gil.hpp"

namespace graphbit::python {

expected<void> observability::start(runtime& rt) {
  if (settings_.tracing || environment_asks_for_traces()) {
    auto options = otlp_options_from_environment();
    if (settings_.content) options.content = *settings_.content;
    if (auto started = start_tracing(rt, options); !started) return started;
  }
  if (!settings_.metrics_address.empty() && metrics_ == nullptr)
    if (auto started = start_server(
            metrics_, rt, {.listen = settings_.metrics_address, .own_check = settings_.own_check});
        !started)
      return started;
  if (!settings_.dashboard.empty() && dashboard_ == nullptr)
    return start_server(
        dashboard_, rt,
        {.listen = settings_.dashboard, .dashboard = true, .token = settings_.dashboard_token});
  return {};
}

expected<void> observability::start_server(std::unique_ptr<status_server>& place, runtime& rt,
                                           status_server_options options) {
  auto started = status_server::start(rt, std::move(options));
  if (!started) return fail(std::move(started.error()));
  place = std::move(*started);
  return {};
}

void observability::stop() {
  // Taken out first: while the GIL is free another thread may start anew.
  auto metrics = std::move(metrics_), dashboard = std::move(dashboard_);
  if (metrics == nullptr && dashboard == nullptr) return;
  without_gil([&] {
    metrics.reset();
    dashboard.reset();
    return 0;
  });
}

void observability::leak() noexcept {
  static_cast<void>(metrics_.release());
  static_cast<void>(dashboard_.release());
}

std::string observability::metrics_url() const {
  const auto& server = metrics_ != nullptr ? metrics_ : dashboard_;
  return server == nullptr ? "" : server->url() + "/metrics";
}

std::string observability::dashboard_url() const {
  return dashboard_ == nullptr ? "" : dashboard_->dashboard_url();
}

}  // namespace graphbit::python
