// graphbit sim: the provider simulator as a server of its own.
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <pthread.h>
#include <sys/resource.h>

#include <graphbit/net/listen_address.hpp>
#include <graphbit/net/simulator.hpp>
#include <graphbit/runtime/json_value.hpp>
#include <graphbit/runtime/metrics.hpp>

#include "command.hpp"
#include "observation_options.hpp"

namespace graphbit::app {

namespace {

struct sim_options {
  std::string listen = "127.0.0.1:0";
  std::string script_file;
  observation_options observation;
  sim::simulator_options simulator;
};

void allow_many_connections() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

double number_in(const json_value& counters, const char* name) {
  const auto* found = counters.find(name);
  return found != nullptr && found->is_number() ? found->as_double() : 0;
}

/// What the simulator counts, as metrics.
void write_metrics(sim::simulator& simulator, metrics_page& page) {
  const auto counters = parse_json(simulator.counters()).value_or(nullptr);
  page.counter("graphbit_simulator_requests_total", "Requests that came.", {},
               number_in(counters, "requests"));
  page.counter("graphbit_simulator_cancelled_total", "Requests that their callers gave up.", {},
               number_in(counters, "cancelled"));
  page.gauge("graphbit_simulator_in_flight", "Requests that are being answered.", {},
             number_in(counters, "in_flight"));
  page.gauge("graphbit_simulator_connections", "Connections that are open.", {},
             number_in(counters, "connections_open"));
  const auto* statuses = counters.find("by_status");
  if (statuses == nullptr || !statuses->is_object()) return;
  for (const auto& [status, count] : statuses->as_object())
    page.counter("graphbit_simulator_answers_total", "Answers by HTTP status, or by fault.",
                 {{"status", status}}, count.as_double());
}

int run_sim(sim_options& options) {
  if (const auto set = set_listen_address(options.simulator.server, options.listen); !set)
    return complain("--listen: " + set.error().message, wrong_usage);
  if (!options.script_file.empty()) {
    std::ifstream file(options.script_file, std::ios::binary);
    if (!file) return complain("cannot read the script " + options.script_file, failed);
    options.simulator.script.assign(std::istreambuf_iterator<char>(file), {});
  }
  allow_many_connections();

  // Blocked before any thread starts, so that only sigwait below gets them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  sim::simulator simulator(std::move(options.simulator));
  if (const auto started = simulator.start(); !started) {
    const bool usage = started.error().kind == error_kind::configuration;
    return complain(describe(started.error()), usage ? wrong_usage : failed);
  }
  {
    runtime rt;  // for what looks at this process; the simulator has threads of its own
    const auto watched = rt.service<metrics_registry>()->collect_with(
        [&simulator](metrics_page& page) { write_metrics(simulator, page); });
    const auto servers = options.observation.start(rt);
    if (!servers) return complain(describe(servers.error()), wrong_usage);
    std::printf("listening on %s\n", simulator.url().c_str());
    std::fflush(stdout);
    int which = 0;
    sigwait(&ends, &which);
  }
  simulator.stop();
  return done;
}

const command registered{
    "sim", "run the provider simulator: language models that answer, and fail, on command",
    [](CLI::App& app) {
      auto options = std::make_shared<sim_options>();
      auto& server = options->simulator.server;
      app.add_option("--listen", options->listen, "HOST:PORT; port 0 takes a free one")
          ->capture_default_str();
      app.add_flag("--allow-public", server.allow_public,
                   "listen on addresses that other machines reach");
      app.add_option("--cert", server.cert_file, "certificate chain (PEM): speak TLS");
      app.add_option("--key", server.key_file, "key of the certificate (PEM)");
      app.add_option("--client-ca", server.client_ca_file,
                     "authority (PEM) whose certificate clients must show");
      app.add_option("--script", options->script_file,
                     "scripted replies (JSON), see docs/simulator.md");
      options->observation.add_to(app);
      sim::for_each_setting(options->simulator.behave,
                            [&app](std::string name, auto& field, const char* meaning) {
                              std::replace(name.begin(), name.end(), '_', '-');
                              app.add_option("--" + name, field, meaning)->capture_default_str();
                            });
      return [options] { return run_sim(*options); };
    }};

}  // namespace

}  // namespace graphbit::app
