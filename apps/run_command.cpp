// graphbit run: a workflow file over documents, all of them at once.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <graphbit/actors/executor.hpp>
#include <graphbit/actors/timeline.hpp>
#include <graphbit/runtime/json_scan.hpp>

#include "cluster_options.hpp"
#include "command.hpp"
#include "interrupt.hpp"
#include "limits_option.hpp"
#include "observation_options.hpp"
#include "provider_options.hpp"
#include "provider_source.hpp"
#include "whole_file.hpp"
#include "workflow_file.hpp"

namespace graphbit::app {

namespace {

struct run_command_options {
  provider_options provider;
  cluster_options cluster;
  observation_options observation;
  limits_option limits;
  std::string workflow_file;
  std::vector<std::string> inputs;
  std::vector<std::string> values;  ///< NAME=TEXT
  std::string mode = "balanced";
  std::string out;
  double timeout_s = 0;
  bool json = false;
  bool quiet = false;
};

/// One document on its way; `result` is there once its run has ended.
struct document {
  std::string path;
  json_value inputs;
  std::optional<run_result> result;
};

/// One document per file; without files one run with the values alone.
expected<std::vector<document>> read_documents(const run_command_options& o) {
  const auto values = values_of(o.values);
  if (!values) return fail(values.error());
  std::vector<document> documents;
  if (o.inputs.empty()) documents.push_back({"", *values, std::nullopt});
  for (const std::string& path : o.inputs) {
    auto text = read_whole_file(path);
    if (!text) return fail(std::move(text.error()));
    if (!is_utf8(*text)) return fail(runtime_error("read", path + ": not a text in UTF-8"));
    json_value inputs = *values;
    inputs.set("path", path);
    inputs.set("name", path.substr(path.rfind('/') + 1));
    inputs.set("input", std::move(*text));
    documents.push_back({path, std::move(inputs), std::nullopt});
  }
  return documents;
}

/// Counts nodes as they end and redraws one line on a terminal.
class node_progress {
 public:
  node_progress(std::size_t nodes, bool quiet)
      : nodes_(nodes), shown_(!quiet && isatty(STDERR_FILENO) != 0) {}
  void heard(const run_event& event) {
    const auto kind = event.kind;
    if (kind == run_event_kind::node_completed || kind == run_event_kind::node_failed ||
        kind == run_event_kind::node_skipped)
      ++ended_;
    if (kind == run_event_kind::node_failed) ++failed_;
  }
  void show(bool last = false) const {
    if (!shown_) return;
    constexpr std::size_t bar_width = 40;
    const std::size_t ended = ended_, filled = nodes_ == 0 ? 0 : ended * bar_width / nodes_;
    const std::string bar = std::string(std::min(filled, bar_width), '#') +
                            std::string(bar_width - std::min(filled, bar_width), '.');
    std::fprintf(stderr, "\r\x1b[K[%s] %zu of %zu nodes, %zu failed%s", bar.c_str(), ended, nodes_,
                 failed_.load(), last ? "\n" : "");
    std::fflush(stderr);
  }

 private:
  std::size_t nodes_;
  bool shown_;
  std::atomic<std::size_t> ended_{0}, failed_{0};
};

/// Runs all documents through one executor and waits; a signal cancels what is left.
class document_runs {
 public:
  document_runs(executor e, node_progress& progress)
      : executor_(std::move(e)), progress_(progress) {}

  [[nodiscard]] expected<void> run(const workflow& flow, std::vector<document>& documents) {
    for (document& d : documents) {
      run_options options;
      options.inputs = d.inputs;
      options.run_id = d.path.empty() ? flow.name() : d.path;
      options.stop = stop_.get_token();
      options.on_event = [this](const run_event& event) { progress_.heard(event); };
      auto accepted = executor_.run(flow, std::move(options), [this, &d](const run_result& result) {
        const std::lock_guard guard(mutex_);
        d.result = result;
        --left_;
        changed_.notify_all();
      });
      if (!accepted) {
        stop_.request_stop();
        wait();
        return fail(std::move(accepted.error()));
      }
      const std::lock_guard guard(mutex_);
      ++left_;
    }
    wait();
    return {};
  }

 private:
  void wait() {
    std::unique_lock guard(mutex_);
    while (!changed_.wait_for(guard, milliseconds{100}, [this] { return left_ == 0; })) {
      guard.unlock();
      progress_.show();
      if (interrupt::came()) stop_.request_stop();
      guard.lock();
    }
    progress_.show(true);
  }

  executor executor_;
  node_progress& progress_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int left_ = 0;  // a run may end before it is counted
};

/// The output of the last node that completed, in the order of the file.
std::string last_output(const run_result& r) {
  const auto& nodes = r.record().nodes;
  for (std::size_t i = nodes.size(); i-- > 0;)
    if (nodes[i].status == node_status::completed) return nodes[i].output.text();
  return {};
}

std::uint64_t completed_nodes(const run_result& r) {
  const auto& nodes = r.record().nodes;
  return static_cast<std::uint64_t>(std::count_if(nodes.begin(), nodes.end(), [](const auto& n) {
    return n.status == node_status::completed;
  }));
}

json_value record_of(const document& d) {
  const run_result& r = *d.result;
  json_value out;
  out.set("document", d.path);
  out.set("state", to_string(r.state()));
  out.set("output", last_output(r));
  out.set("completed_nodes", completed_nodes(r));
  out.set("total_tokens", std::uint64_t{r.total_usage().total_tokens});
  out.set("result", r.to_json());
  return out;
}

std::string json_lines(const std::vector<document>& documents) {
  std::string out;
  for (const document& d : documents) out += to_json(record_of(d)) + "\n";
  return out;
}

void print_table(const std::vector<document>& documents, const executor_stats& stats) {
  std::size_t width = 8;
  for (const document& d : documents)
    width = std::max(width, std::min<std::size_t>(d.path.size(), 48));
  const int w = static_cast<int>(width);
  std::printf("%-*s  %-10s %6s %9s %8s\n", w, "document", "state", "nodes", "tokens", "ms");
  for (const document& d : documents) {
    const run_result& r = *d.result;
    const std::string shown =
        d.path.size() <= width ? d.path : "..." + d.path.substr(d.path.size() - width + 3);
    std::printf("%-*s  %-10s %6llu %9u %8lld\n", w, shown.empty() ? "-" : shown.c_str(),
                std::string(to_string(r.state())).c_str(),
                static_cast<unsigned long long>(completed_nodes(r)), r.total_usage().total_tokens,
                static_cast<long long>(r.execution_time().count()));
    if (r.record().failure) std::printf("  %s\n", describe(*r.record().failure).c_str());
  }
  std::printf(
      "executor: %llu runs, %llu succeeded, %llu failed, average %.0f ms, p95 %.0f ms, "
      "mode %s\n",
      static_cast<unsigned long long>(stats.executions),
      static_cast<unsigned long long>(stats.succeeded),
      static_cast<unsigned long long>(stats.failed), stats.average_duration_ms, stats.p95_ms,
      std::string(to_string(stats.numbers.mode)).c_str());
}

expected<void> write_files(const std::string& folder, const std::vector<document>& documents) {
  std::vector<run_result> results;
  for (const document& d : documents) results.push_back(*d.result);
  if (auto ok = write_whole_file(folder + "/results.jsonl", json_lines(documents)); !ok) return ok;
  return write_whole_file(folder + "/timeline.svg", timeline_svg(results));
}

[[nodiscard]] int give_up(const error& e) {
  const bool usage = e.kind == error_kind::validation &&
                     (e.field == "set" || e.field == "provider" || e.field == "timeout_seconds");
  return complain(describe(e), usage ? wrong_usage : failed);
}

expected<executor_options> options_of(const run_command_options& o) {
  executor_options options;
  const auto mode = execution_mode_from(o.mode);
  if (!mode) return fail(validation_error("set", "no such --mode", o.mode));
  options.mode = *mode;
  options.max_retries = o.provider.max_retries;
  options.max_in_flight = o.provider.max_in_flight;
  if (o.timeout_s > 0)
    options.timeout = milliseconds{static_cast<std::int64_t>(o.timeout_s * 1000)};
  return options;
}

// The executor keeps its cluster.
expected<executor> open_executor(runtime& rt, const run_command_options& o,
                                 const provider_config& config, const executor_options& options) {
  if (!o.cluster.given()) return executor::open(rt, config, options);
  const auto members = o.cluster.own(rt);
  if (!members) return fail(members.error());
  return executor::open(rt, config, options, members->backends());
}

int run_workflow(const run_command_options& o) {
  const auto flow = read_workflow(o.workflow_file);
  if (!flow) return give_up(flow.error());
  auto documents = read_documents(o);
  if (!documents) return give_up(documents.error());
  const auto options = options_of(o);
  if (!options) return give_up(options.error());
  if (!o.out.empty())
    if (auto ok = make_writable_folder(o.out); !ok) return give_up(ok.error());

  const interrupt signals;
  provider_source source;
  const auto config = source.open(o.provider);
  if (!config) return give_up(config.error());
  runtime rt;
  const auto observed = o.observation.start(rt);
  if (!observed) return give_up(observed.error());
  if (auto shared = o.limits.apply_to(rt); !shared) return give_up(shared.error());
  auto e = open_executor(rt, o, *config, *options);
  if (!e) return give_up(e.error());
  if (!o.quiet)
    std::fprintf(stderr, "%zu documents on %s\n", documents->size(), source.name(*config).c_str());

  node_progress progress(flow->nodes().size() * documents->size(), o.quiet);
  if (auto ok = document_runs(*e, progress).run(*flow, *documents); !ok) return give_up(ok.error());
  if (o.json)
    std::fputs(json_lines(*documents).c_str(), stdout);
  else
    print_table(*documents, e->stats());
  if (!o.out.empty()) {
    if (auto ok = write_files(o.out, *documents); !ok) return give_up(ok.error());
    if (!o.quiet)
      std::fprintf(stderr, "written: %s/results.jsonl, %s/timeline.svg\n", o.out.c_str(),
                   o.out.c_str());
  }
  if (interrupt::came()) return complain("interrupted; what was done by then is kept", interrupted);
  const bool all_done = std::all_of(documents->begin(), documents->end(),
                                    [](const document& d) { return d.result->is_success(); });
  return all_done ? done : failed;
}

const command registered{
    "run", "run a workflow file over documents, all of them at once", [](CLI::App& app) {
      auto o = std::make_shared<run_command_options>();
      app.add_option("workflow", o->workflow_file, "workflow (JSON, see docs/workflow.schema.json)")
          ->required();
      app.add_option("--inputs", o->inputs,
                     "documents: each is one run, with {input}, {name} and {path}");
      app.add_option("--set", o->values, "NAME=TEXT: one more input of every run");
      app.add_option("--mode", o->mode,
                     "balanced, high_throughput, low_latency or memory_optimized")
          ->capture_default_str();
      app.add_option("--timeout", o->timeout_s,
                     "seconds for one run, 1 to 3600 (default: by mode)");
      app.add_option("--out", o->out, "folder for results.jsonl and timeline.svg");
      app.add_flag("--json", o->json, "print one JSON line per document instead of a table");
      app.add_flag("-q,--quiet", o->quiet, "no progress");
      o->provider.add_to(app);
      o->cluster.add_to(app, "--cluster");
      o->observation.add_to(app);
      o->limits.add_to(app);
      return [o] { return run_workflow(*o); };
    }};

}  // namespace

}  // namespace graphbit::app
