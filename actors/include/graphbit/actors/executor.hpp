#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/actors/call.hpp>
#include <graphbit/actors/chat_backend.hpp>
#include <graphbit/actors/event_valve.hpp>
#include <graphbit/actors/run_event.hpp>
#include <graphbit/actors/run_result.hpp>
#include <graphbit/actors/run_store.hpp>
#include <graphbit/actors/workflow.hpp>
#include <graphbit/runtime/limits.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit {

struct durable_request;

/// Which defaults an executor starts from.
enum class execution_mode : std::uint8_t {
  balanced,
  high_throughput,
  low_latency,
  memory_optimized
};
/// "Balanced", "HighThroughput", "LowLatency", "MemoryOptimized".
[[nodiscard]] std::string_view to_string(execution_mode mode) noexcept;
/// From those names or "high_throughput", ...; nothing for anything else.
[[nodiscard]] std::optional<execution_mode> execution_mode_from(std::string_view name) noexcept;

/// How an executor treats its runs. What is given wins over the mode.
struct executor_options {
  execution_mode mode = execution_mode::balanced;  ///< fills the gaps of the rest
  std::optional<milliseconds> timeout;             ///< of one run, 1 s to 3600 s
  std::optional<std::uint32_t> max_retries;        ///< of one call
  std::optional<std::uint32_t> max_in_flight;      ///< calls of this executor per key and model
  std::optional<std::uint32_t> max_concurrency;    ///< callables of this executor at once
  std::optional<double> max_cost;                  ///< of all its calls, US dollars; none: no bound
  std::optional<std::uint64_t> max_total_tokens;   ///< of all its calls; none: no bound
  /// Accepted and not started yet; more are refused.
  std::size_t runs_queued_max = limits::runs_queued_max;
  bool metrics = true;  ///< keep times per node
  bool debug = false;   ///< log what its calls do
  /// Where runs are recorded, so that they outlive the process; none: they do not.
  std::shared_ptr<run_store> store;
  /// Go on with runs of this store that others left: whose owner's lease has ended, or whose time
  /// to wake has come. Only those that this executor can run: see `workflows`.
  bool adopt = true;
  /// Workflows whose runs may be adopted although they call functions or name keys, which no store
  /// holds; those that were run here are known anyway.
  std::vector<workflow> workflows;
  /// Only executors with the same label, provider and model adopt this one's runs.
  std::string label;
  retention keep;  ///< of ended runs; applied about once in ten minutes
};

/// The options with every gap filled by the mode's rule.
struct executor_numbers {
  execution_mode mode = execution_mode::balanced;  ///< that they come from
  milliseconds timeout{300'000};                   ///< of one run
  std::uint32_t max_retries = 3;                   ///< of one call
  std::uint32_t in_flight_max = 256;               ///< calls at once, per key and model
  std::uint32_t callables_max = 2;                 ///< functions at once
  std::uint32_t runs_active_max = 256;             ///< runs at once; more wait in the queue
  /// Accepted and not started yet; more are refused.
  std::size_t runs_queued_max = limits::runs_queued_max;
  priority_class priority = priority_class::live;  ///< of its calls
  bool reject_when_full = false;  ///< low latency: ResourceExhausted at once, instead of waiting
  bool metrics = true;            ///< keep times per node
  bool debug = false;             ///< log what its calls do
};
/// Errors: Validation{timeout_seconds}, Configuration.
[[nodiscard]] expected<executor_numbers> resolve(const executor_options& options, unsigned cores);

/// Changes to a living executor; what is not given stays.
struct executor_changes {
  std::optional<execution_mode> mode;        ///< with its defaults, but for what was given by name
  std::optional<milliseconds> timeout;       ///< of one run, 1 s to 3600 s
  std::optional<std::uint32_t> max_retries;  ///< 1 to 10
  std::optional<bool> metrics;               ///< keep times per node
  std::optional<bool> debug;                 ///< log what its calls do
};

/// What an executor has seen of the nodes of one name.
struct node_times {
  std::string name;             ///< the nodes'
  std::uint64_t completed = 0;  ///< so often
  std::uint64_t failed = 0;     ///< so often
  double p50_ms = 0;            ///< median of those that ran, within 3.2 %
  double p95_ms = 0;            ///< 19 of 20 took no longer, within 3.2 %
  double p99_ms = 0;            ///< 99 of 100 took no longer, within 3.2 %
};

/// What an executor has done since it was made, or since `reset_stats`.
struct executor_stats {
  std::uint64_t executions = 0;           ///< runs that were accepted
  std::uint64_t succeeded = 0;            ///< runs that completed
  std::uint64_t failed = 0;               ///< runs that failed
  std::uint64_t cancelled = 0;            ///< runs that were cancelled
  std::size_t active = 0;                 ///< runs under way
  std::size_t queued = 0;                 ///< runs that wait
  double total_duration_ms = 0;           ///< of all runs that ended
  double average_duration_ms = 0;         ///< of one run: the total by `executions`
  double p50_ms = 0;                      ///< median of the runs, within 3.2 %
  double p95_ms = 0;                      ///< 19 of 20 took no longer, within 3.2 %
  double p99_ms = 0;                      ///< 99 of 100 took no longer, within 3.2 %
  milliseconds uptime{0};                 ///< since it was made
  std::uint64_t crashes = 0;              ///< runs whose actor died; their callers got an error
  std::uint64_t callables_abandoned = 0;  ///< tools, transforms, conditions past their time limit
  std::uint64_t callables_late = 0;       ///< those of them that ended after all, unheard
  double cost = 0;                        ///< of all its calls, US dollars by the price table
  std::uint64_t total_tokens = 0;         ///< of all its calls
  /// In order of name; of the first 256 names; none where `metrics` is off.
  std::vector<node_times> nodes;
  executor_numbers numbers;  ///< in force now
  /// Of the runs that completed or failed, 0 to 1; 0 before the first.
  [[nodiscard]] double success_rate() const noexcept {
    const auto ended = succeeded + failed;
    return ended == 0 ? 0.0 : static_cast<double>(succeeded) / static_cast<double>(ended);
  }
};
/// The dict of contract section 6, with the resolved numbers and percentiles added.
[[nodiscard]] json_value to_json(const executor_stats& stats);

/// What happens to a stored run whose workflow is not the one that it is to go on with.
enum class change_rule : std::uint8_t {
  refuse,  ///< Validation{workflow} that names the difference
  map,     ///< what is recorded counts for the node of the same name
};

/// Where to begin anew, in `executor::fork`.
struct fork_options {
  std::string from_node;             ///< id or name; this node and what follows it are run again
  std::optional<json_value> inputs;  ///< instead of the run's own
  std::string run_id;                ///< of the fork; empty: made
};

/// How one run is treated.
struct run_options {
  json_value inputs;               ///< object; readable as `{name}` in prompts; null: none
  time_point deadline_at = never;  ///< besides the executor's timeout
  std::stop_token stop;            ///< cancels the run and its calls
  run_listener on_event;           ///< hears what happens; none: nobody asks
  bool stream_tokens = false;      ///< ask for streams and give `token` events
  /// Backpressure for `token` events: closed while the listener has enough; none: never.
  std::shared_ptr<event_valve> valve;
  std::optional<double> max_cost;  ///< of this run's calls, US dollars; none: the executor's
  std::optional<std::uint64_t> max_total_tokens;  ///< of this run's calls; none: the executor's
  /// Another source of backends for this run's calls (masking, recording); empty: the executor's.
  chat_backend_factory backends;
  /// Empty: made. With a store: the run of that name goes on from what is recorded of it.
  std::string run_id;
  change_rule on_change = change_rule::refuse;           ///< see there
  trace_context trace;                                   ///< the caller's span; see call_options
  std::string timeout_operation = "workflow_execution";  ///< named in the timeout error
};

/// A handle to one executor: the actor, supervised by the runtime's root executor, that owns a
/// mode, a queue and statistics, and supervises its runs (one_for_one).
/// Cheap to copy; all members may be called from any thread. The last copy cancels what still runs.
class executor {
 public:
  /// Called once per accepted run, on its reactor. Must not block and must not throw.
  using done_callback = std::function<void(const run_result& result)>;

  executor() = default;
  /// Errors: as `resolve` of the configuration and of the options.
  [[nodiscard]] static expected<executor> open(runtime& rt, provider_config config,
                                               executor_options options = {});
  /// With another source of backends: tests, remote execution.
  [[nodiscard]] static expected<executor> open(runtime& rt, provider_config config,
                                               executor_options options,
                                               chat_backend_factory backends);

  /// Starts a run, or queues it. Returns its id. Errors, with nothing started: Validation{workflow}
  /// "Workflow cannot be empty" or "Invalid workflow: Graph error: ...", ResourceExhausted for a
  /// full queue in low latency mode, and what opening a node's own provider gives.
  [[nodiscard]] expected<std::string> run(workflow flow, run_options options,
                                          done_callback done) const;
  /// Cancels one run: its sockets close, its result says Cancelled.
  void cancel(const std::string& run_id) const;

  /// Tells a run something: nodes that wait for this signal go on with `value`. What came first
  /// under a name counts. With a store the run may be anybody's, parked or not begun to wait yet;
  /// without, it must be at work here. Error: Validation{run_id} (with a store) for a run that is
  /// not there.
  [[nodiscard]] expected<void> signal(const std::string& run_id, const std::string& name,
                                      json_value value = {}) const;

  /// Waits on this thread, which runs the reactor meanwhile. Errors: those of `run`, and
  /// `run_result::raised()`. `interrupted` is asked every 50 ms; when it says true the run is
  /// cancelled and its partial result returned (state `cancelled`). Not from a reactor's thread.
  [[nodiscard]] expected<run_result> execute(workflow flow, run_options options = {},
                                             const std::function<bool()>& interrupted = {}) const;

  // Durable runs. Error of each without a store: Configuration{store}. With one: Validation{run_id}
  // for a run that is not there, or that another executor works on; Validation{workflow} that names
  // what changed; what the store gives.

  /// Goes on with a run of the store, by its stored workflow unless `flow` is given; also with one
  /// that failed or was cancelled: what failed is run again. Waits as `execute`.
  [[nodiscard]] expected<run_result> resume(const std::string& run_id, run_options options = {},
                                            std::optional<workflow> flow = {},
                                            const std::function<bool()>& interrupted = {}) const;
  /// The same for a run that has completed, too: nodes that failed, and what follows them, run
  /// again.
  [[nodiscard]] expected<run_result> retry_failed(
      const std::string& run_id, run_options options = {}, std::optional<workflow> flow = {},
      const std::function<bool()>& interrupted = {}) const;
  /// Begins another run that has all that is recorded of `run_id` but for one node and what follows
  /// it, and runs it. Errors besides: Validation{from_node}, Validation{new_run_id}.
  [[nodiscard]] expected<run_result> fork(const std::string& run_id, fork_options where,
                                          run_options options = {},
                                          std::optional<workflow> flow = {},
                                          const std::function<bool()>& interrupted = {}) const;
  /// Cancels a run of the store wherever it is; gives its state then: `running` means that its
  /// owner will hear of it within seconds. Blocks on the store.
  [[nodiscard]] expected<stored_state> cancel_stored(const std::string& run_id) const;
  /// Where this executor records its runs; null: it does not. Its calls may be made beside the
  /// executor's (`list`, `records`), not from a reactor.
  [[nodiscard]] std::shared_ptr<run_store> store() const;

  /// Errors: Validation in the contract's words.
  [[nodiscard]] expected<void> configure(const executor_changes& changes) const;
  /// A picture of now.
  [[nodiscard]] executor_stats stats() const;
  /// Counts and times begin at zero; settings and uptime stay.
  void reset_stats() const;
  /// The provider configuration that its nodes use by default.
  [[nodiscard]] const provider_config& config() const;
  /// Whether it was opened.
  [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }

  class impl;

 private:
  [[nodiscard]] expected<run_result> go_on(durable_request request,
                                           const std::function<bool()>& interrupted) const;
  explicit executor(std::shared_ptr<impl> p) : impl_(std::move(p)) {}
  std::shared_ptr<impl> impl_;
};

}  // namespace graphbit
