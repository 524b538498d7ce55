#include "observation_options.hpp"

#include <cstdio>
#include <utility>

#include <graphbit/net/otlp.hpp>

namespace graphbit::app {

void observation_options::add_to(CLI::App& app) {
  app.add_option("--metrics-address", metrics_address,
                 "HOST:PORT that serves /metrics, /healthz and /readyz; port 0 takes a free one");
  app.add_option("--dashboard", dashboard, "HOST:PORT that serves a live page");
  app.add_option("--dashboard-token", dashboard_token,
                 "what that page asks for (made where it listens beyond loopback)");
}

expected<observation_options::servers> observation_options::start(
    runtime& rt, const std::function<health_check()>& own_check) const {
  if (environment_asks_for_traces())
    if (auto ok = start_tracing(rt, otlp_options_from_environment()); !ok) return fail(ok.error());
  servers all;
  if (!metrics_address.empty()) {
    auto started = status_server::start(rt, {.listen = metrics_address, .own_check = own_check});
    if (!started) return fail(started.error());
    all.metrics = std::move(*started);
    std::fprintf(stderr, "metrics on %s/metrics\n", all.metrics->url().c_str());
  }
  if (!dashboard.empty()) {
    auto started = status_server::start(
        rt, {.listen = dashboard, .dashboard = true, .token = dashboard_token});
    if (!started) return fail(started.error());
    all.dashboard = std::move(*started);
    std::fprintf(stderr, "dashboard on %s\n", all.dashboard->dashboard_url().c_str());
  }
  return all;
}

}  // namespace graphbit::app
