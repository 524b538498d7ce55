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
#include <graphbit/actors/workflow.hpp>
#include <graphbit/runtime/limits.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit {

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
  execution_mode mode = execution_mode::balanced;
  std::optional<milliseconds> timeout;            ///< of one run, 1 s to 3600 s
  std::optional<std::uint32_t> max_retries;       ///< of one call
  std::optional<std::uint32_t> max_in_flight;     ///< calls of this executor per key and model
  std::optional<std::uint32_t> max_concurrency;   ///< callables of this executor at once
  std::optional<double> max_cost;                 ///< of all its calls, US dollars; none: no bound
  std::optional<std::uint64_t> max_total_tokens;  ///< of all its calls; none: no bound
  std::size_t runs_queued_max = limits::runs_queued_max;
  bool metrics = true;
  bool debug = false;
};

/// The options with every gap filled by the mode's rule.
struct executor_numbers {
  execution_mode mode = execution_mode::balanced;
  milliseconds timeout{300'000};
  std::uint32_t max_retries = 3;
  std::uint32_t in_flight_max = 256;
  std::uint32_t callables_max = 2;
  std::uint32_t runs_active_max = 256;
  std::size_t runs_queued_max = limits::runs_queued_max;
  priority_class priority = priority_class::live;
  bool reject_when_full = false;  ///< low latency: ResourceExhausted at once, instead of waiting
  bool metrics = true;
  bool debug = false;
};
/// Errors: Validation{timeout_seconds}, Configuration.
[[nodiscard]] expected<executor_numbers> resolve(const executor_options& options, unsigned cores);

/// Changes to a living executor; what is not given stays.
struct executor_changes {
  std::optional<execution_mode> mode;
  std::optional<milliseconds> timeout;
  std::optional<std::uint32_t> max_retries;  ///< 1 to 10
  std::optional<bool> metrics;
  std::optional<bool> debug;
};

/// What an executor has seen of the nodes of one name.
struct node_times {
  std::string name;
  std::uint64_t completed = 0, failed = 0;
  double p50_ms = 0, p95_ms = 0, p99_ms = 0;  ///< of those that ran, within 3.2 %
};

struct executor_stats {
  std::uint64_t executions = 0, succeeded = 0, failed = 0, cancelled = 0;
  std::size_t active = 0, queued = 0;
  double total_duration_ms = 0;
  double average_duration_ms = 0;
  double p50_ms = 0, p95_ms = 0, p99_ms = 0;  ///< within 3.2 %
  milliseconds uptime{0};
  std::uint64_t crashes = 0;              ///< runs whose actor died; their callers got an error
  std::uint64_t callables_abandoned = 0;  ///< tools, transforms, conditions past their time limit
  std::uint64_t callables_late = 0;       ///< those of them that ended after all, unheard
  double cost = 0;                        ///< of all its calls, US dollars by the price table
  std::uint64_t total_tokens = 0;
  /// In order of name; of the first 256 names; none where `metrics` is off.
  std::vector<node_times> nodes;
  executor_numbers numbers;
  [[nodiscard]] double success_rate() const noexcept {
    const auto ended = succeeded + failed;
    return ended == 0 ? 0.0 : static_cast<double>(succeeded) / static_cast<double>(ended);
  }
};
/// The dict of contract section 6, with the resolved numbers and percentiles added.
[[nodiscard]] json_value to_json(const executor_stats& stats);

/// How one run is treated.
struct run_options {
  json_value inputs;               ///< object; readable as `{name}` in prompts; null: none
  time_point deadline_at = never;  ///< besides the executor's timeout
  std::stop_token stop;            ///< cancels the run and its calls
  run_listener on_event;
  bool stream_tokens = false;  ///< ask for streams and give `token` events
  /// Backpressure for `token` events: closed while the listener has enough; none: never.
  std::shared_ptr<event_valve> valve;
  std::optional<double> max_cost;  ///< of this run's calls, US dollars; none: the executor's
  std::optional<std::uint64_t> max_total_tokens;
  /// Another source of backends for this run's calls (masking, recording); empty: the executor's.
  chat_backend_factory backends;
  std::string run_id;                                    ///< empty: made
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

  /// Waits on this thread, which runs the reactor meanwhile. Errors: those of `run`, and
  /// `run_result::raised()`. `interrupted` is asked every 50 ms; when it says true the run is
  /// cancelled and its partial result returned (state `cancelled`). Not from a reactor's thread.
  [[nodiscard]] expected<run_result> execute(workflow flow, run_options options = {},
                                             const std::function<bool()>& interrupted = {}) const;

  /// Errors: Validation in the contract's words.
  [[nodiscard]] expected<void> configure(const executor_changes& changes) const;
  [[nodiscard]] executor_stats stats() const;
  void reset_stats() const;
  [[nodiscard]] const provider_config& config() const;
  [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }

  class impl;

 private:
  explicit executor(std::shared_ptr<impl> p) : impl_(std::move(p)) {}
  std::shared_ptr<impl> impl_;
};

}  // namespace graphbit
