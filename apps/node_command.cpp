// graphbit node: a member of a cluster.
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <graphbit/actors/executor.hpp>
#include <graphbit/cluster/node.hpp>
#include <graphbit/cluster/open_run_store.hpp>
#include <graphbit/runtime/log.hpp>

#include "command.hpp"
#include "interrupt.hpp"
#include "limits_option.hpp"
#include "observation_options.hpp"
#include "provider_options.hpp"
#include "python_node.hpp"

namespace graphbit::app {

namespace {

struct node_command_options {
  cluster::node_options node;
  std::vector<std::string> python;
  observation_options observation;
  limits_option limits;
  std::string config;
  double drain_s = 30;
  double heartbeat_s = 0.5, pause_max_s = 0.5;
  bool quiet = false;
  std::string adopt, adopt_label;
  provider_options provider;  // of the runs that are adopted
};

/// Goes on with the durable runs that others leave in a store, beside the cluster's work.
expected<executor> adopt_runs(runtime& rt, const node_command_options& o) {
  auto config = o.provider.config();
  if (!config) return fail(config.error());
  auto store = open_run_store(o.adopt);
  if (!store) return fail(store.error());
  executor_options options;
  options.store = std::move(*store);
  options.label = o.adopt_label;
  options.max_retries = o.provider.max_retries;
  options.max_in_flight = o.provider.max_in_flight;
  return executor::open(rt, std::move(*config), std::move(options));
}

/// For `/readyz`: whoever draws work from a list of ready members leaves this one out.
health_check takes_work(const cluster::node& node) {
  const bool draining = node.draining();
  return {.name = "draining", .ok = !draining, .says = draining ? "this node drains" : ""};
}

// CLI11 reads a configuration file for a whole program only, not for one subcommand.
[[nodiscard]] expected<void> read_options(CLI::App& app, const std::string& file) try {
  if (file.empty()) return {};
  for (const auto& item : CLI::ConfigTOML{}.from_file(file)) {
    auto* option = app.get_option_no_throw("--" + item.name);
    if (option == nullptr || !item.parents.empty())
      return fail(configuration_error(
          "config", file + " has \"" + item.fullname() + "\", which is no option of this command"));
    if (option->count() > 0) continue;  // given on the command line
    const bool flag = option->get_expected_max() == 0;
    for (const auto& value : item.inputs)
      option->add_result(flag ? option->get_flag_value(item.name, value) : value);
    option->run_callback();
  }
  return {};
} catch (const CLI::Error& e) {
  return fail(configuration_error("config", file + ": " + e.what()));
}

/// What `graphbit.node` is told, which is this node with an interpreter in it.
[[nodiscard]] json_value settings_of(const node_command_options& o) {
  const auto list = [](const std::vector<std::string>& texts) {
    return json_value::array(texts.begin(), texts.end());
  };
  json_value out;
  out.set("python", list(o.python));
  out.set("listen", o.node.listen);
  out.set("advertise", o.node.advertise);
  out.set("cert", o.node.certificates.certificate);
  out.set("key", o.node.certificates.key);
  out.set("ca", o.node.certificates.ca);
  out.set("seeds", list(o.node.seeds));
  out.set("cluster", o.node.cluster);
  out.set("name", o.node.name);
  out.set("slots", std::uint64_t{o.node.slots});
  out.set("labels", list(o.node.labels));
  out.set("heartbeat_s", o.heartbeat_s);
  out.set("pause_max_s", o.pause_max_s);
  out.set("protocol_version", std::uint64_t{o.node.protocol_version});
  out.set("limits_store", o.limits.store);
  out.set("metrics_address", o.observation.metrics_address);
  out.set("dashboard", o.observation.dashboard);
  out.set("dashboard_token", o.observation.dashboard_token);
  out.set("drain_s", o.drain_s);
  out.set("quiet", o.quiet);
  return out;
}

int become_python_node(const node_command_options& o) {
  if (!o.adopt.empty())
    return complain("--adopt does not go with --python: start a node of its own for the runs",
                    wrong_usage);
  return run_python_node(to_json(settings_of(o)));
}

[[nodiscard]] milliseconds from_seconds(double s) {
  return milliseconds{static_cast<std::int64_t>(s * 1000)};
}

int run_node(node_command_options o) {
  if (!o.quiet) set_log_level(log_level::info);
  const interrupt signals;
  runtime rt;
  o.node.limits_are_shared = !o.limits.store.empty();
  o.node.heartbeat = from_seconds(o.heartbeat_s);
  o.node.pause_max = from_seconds(o.pause_max_s);
  if (auto shared = o.limits.apply_to(rt); !shared)
    return complain(describe(shared.error()), failed);
  auto started = cluster::node::start(rt, o.node);
  if (!started) return complain(describe(started.error()), failed);
  auto& node = **started;
  std::optional<executor> adopter;
  if (!o.adopt.empty()) {
    auto opened = adopt_runs(rt, o);
    if (!opened) return complain(describe(opened.error()), failed);
    adopter = std::move(*opened);
  }
  const auto observed = o.observation.start(rt, [&node] { return takes_work(node); });
  if (!observed) return complain(describe(observed.error()), failed);
  std::printf("listening on %s\n", node.address().c_str());
  std::fflush(stdout);
  while (!interrupt::came() && !node.draining()) std::this_thread::sleep_for(milliseconds{50});
  adopter.reset();  // hands over what it works on
  const bool in_time = node.drain(from_seconds(o.drain_s));
  const bool has_failed = node.failed();  // systemd starts it again
  if (!has_failed)
    std::fprintf(stderr, in_time ? "drained\n" : "not drained in time; the rest was given back\n");
  started->reset();
  return has_failed ? failed : done;
}

const command registered{
    "node", "be a member of a cluster: carry out calls for the processes that dial this node",
    [](CLI::App& app) {
      auto o = std::make_shared<node_command_options>();
      auto& n = o->node;
      app.add_option(
             "--config", o->config,
             "read options from this file (TOML or INI, the same names); those given beside "
             "it count for more")
          ->check(CLI::ExistingFile);
      app.add_option("--listen", n.listen,
                     "HOST:PORT to listen on; beyond loopback needs certificates")
          ->capture_default_str();
      app.add_option("--advertise", n.advertise,
                     "HOST:PORT where others reach it (default: --listen)");
      app.add_option("--cert", n.certificates.certificate, "this node's certificate, PEM");
      app.add_option("--key", n.certificates.key, "its key, PEM");
      app.add_option("--ca", n.certificates.ca,
                     "the authority that peers must be certified by, PEM");
      app.add_option("--seed", n.seeds, "another member, HOST:PORT; may be repeated");
      app.add_option("--cluster", n.cluster, "the cluster's name")->capture_default_str();
      app.add_option("--name", n.name, "this node's name, unique in the cluster");
      app.add_option("--slots", n.slots, "pieces of work at once")
          ->check(CLI::Range(1, 65'536))
          ->capture_default_str();
      app.add_option("--labels", n.labels, "what this node has: gpu,eu")->delimiter(',');
      app.add_option("--python", o->python,
                     "run the functions of this Python module here (needs the graphbit package); "
                     "may be repeated");
      app.add_option("--heartbeat", o->heartbeat_s,
                     "seconds between signs of life; the same on all nodes and owners")
          ->capture_default_str();
      app.add_option("--pause-max", o->pause_max_s,
                     "seconds of silence beyond the usual after which an owner is gone; less than "
                     "owners' own")
          ->capture_default_str();
      app.add_option("--adopt", o->adopt,
                     "go on with runs that others left in this store of durable runs; with the "
                     "provider and model of these runs");
      app.add_option("--adopt-label", o->adopt_label, "only those of executors with this label");
      o->provider.add_to(app);
      app.add_option("--drain", o->drain_s, "seconds that SIGTERM gives to what is in flight")
          ->check(CLI::Range(0, 86'400))
          ->capture_default_str();
      app.add_option("--protocol-version", n.protocol_version,
                     "speak an older version, to rehearse an upgrade");
      o->limits.add_to(app);
      o->observation.add_to(app);
      app.add_flag("-q,--quiet", o->quiet, "log warnings only");
      return [o, &app] {
        if (const auto read = read_options(app, o->config); !read)
          return complain(describe(read.error()), wrong_usage);
        return o->python.empty() ? run_node(*o) : become_python_node(*o);
      };
    }};

}  // namespace

}  // namespace graphbit::app
