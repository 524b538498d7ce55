// graphbit dashboard: the live page, with a workflow whose runs it starts.
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <graphbit/actors/executor.hpp>
#include <graphbit/actors/status_server.hpp>
#include <graphbit/net/otlp.hpp>

#include "command.hpp"
#include "interrupt.hpp"
#include "provider_options.hpp"
#include "provider_source.hpp"
#include "workflow_file.hpp"

namespace graphbit::app {

namespace {

struct dashboard_command_options {
  provider_options provider;
  std::string workflow_file;
  std::vector<std::string> values;  ///< NAME=TEXT
  std::string listen = "127.0.0.1:8088";
  std::string token;
};

// Something to look at where no workflow is named.
expected<workflow> example_workflow() {
  workflow flow{"example"};
  std::vector<std::string> ids;
  for (const auto* name : {"topic", "outline", "facts", "draft", "review"}) {
    agent_spec spec;
    spec.prompt = std::string("Write the ") + name + " of a short article.";
    auto step = node::agent(name, std::move(spec));
    if (!step) return fail(step.error());
    auto id = flow.add_node(std::move(*step));
    if (!id) return fail(id.error());
    ids.push_back(std::move(*id));
  }
  for (const auto& [from, to] : {std::pair{0, 1}, {0, 2}, {1, 3}, {2, 3}, {3, 4}})
    if (auto ok = flow.connect(ids[from], ids[to]); !ok) return fail(ok.error());
  return flow;
}

[[nodiscard]] int give_up(const error& e) {
  const bool usage = e.kind == error_kind::validation || e.kind == error_kind::configuration;
  return complain(describe(e), usage ? wrong_usage : failed);
}

int show_dashboard(const dashboard_command_options& o) {
  const auto flow = o.workflow_file.empty() ? example_workflow() : read_workflow(o.workflow_file);
  if (!flow) return give_up(flow.error());
  const auto values = values_of(o.values);
  if (!values) return give_up(values.error());
  const interrupt signals;
  provider_source source;
  const auto config = source.open(o.provider);
  if (!config) return give_up(config.error());
  runtime rt;
  if (environment_asks_for_traces())
    if (auto ok = start_tracing(rt, otlp_options_from_environment()); !ok)
      return give_up(ok.error());
  const auto runner = executor::open(rt, *config);
  if (!runner) return give_up(runner.error());
  const auto start_run = [&](json_value inputs, const trace_context& caller) {
    run_options options;
    options.trace = caller;
    options.inputs = *values;
    if (inputs.is_object())
      for (auto& [name, value] : inputs.as_object()) options.inputs.set(name, std::move(value));
    return runner->run(*flow, std::move(options), [](const run_result&) {});
  };
  const auto server = status_server::start(
      rt, {.listen = o.listen, .dashboard = true, .token = o.token, .start_run = start_run});
  if (!server) return give_up(server.error());
  std::printf("dashboard on %s\n", (*server)->dashboard_url().c_str());
  std::fprintf(stderr, "runs of '%s' ask %s; Ctrl-C ends\n", flow->name().c_str(),
               source.name(*config).c_str());
  std::fflush(stdout);
  while (!interrupt::came()) std::this_thread::sleep_for(milliseconds{100});
  return done;
}

const command registered{
    "dashboard", "a live page of runs, providers and actors, for a workflow that it starts",
    [](CLI::App& app) {
      auto o = std::make_shared<dashboard_command_options>();
      app.add_option("workflow", o->workflow_file,
                     "workflow (JSON, see docs/workflow.schema.json); default: an example");
      app.add_option("--set", o->values, "NAME=TEXT: an input of every run");
      app.add_option("--listen", o->listen, "HOST:PORT; port 0 takes a free one")
          ->capture_default_str();
      app.add_option("--token", o->token,
                     "what the page asks for (made where it listens beyond loopback)");
      o->provider.add_to(app);
      return [o] { return show_dashboard(*o); };
    }};

}  // namespace

}  // namespace graphbit::app
