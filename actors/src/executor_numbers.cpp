// The execution modes as numbers (SEMANTICS of modes), and their checks.
#include <algorithm>
#include <array>
#include <utility>

#include <graphbit/actors/executor.hpp>

namespace graphbit {

namespace {

struct mode_row {
  execution_mode mode;
  std::string_view name, snake_name;
  std::uint32_t in_flight_min, in_flight_per_core;
  seconds timeout;
  std::uint32_t max_retries;
  priority_class priority;
  std::uint32_t callables_per_core;
  bool reject_when_full;
};

constexpr std::array<mode_row, 4> modes{{
    {execution_mode::balanced, "Balanced", "balanced", 256, 16, seconds{300}, 3,
     priority_class::live, 2, false},
    {execution_mode::high_throughput, "HighThroughput", "high_throughput", 512, 64, seconds{900}, 3,
     priority_class::batch, 4, false},
    {execution_mode::low_latency, "LowLatency", "low_latency", 32, 4, seconds{30}, 1,
     priority_class::live, 2, true},
    {execution_mode::memory_optimized, "MemoryOptimized", "memory_optimized", 32, 0, seconds{300},
     3, priority_class::batch, 2, false},
}};

const mode_row& row_of(execution_mode mode) noexcept {
  return modes[static_cast<std::size_t>(mode)];
}

}  // namespace

std::string_view to_string(execution_mode mode) noexcept { return row_of(mode).name; }

std::optional<execution_mode> execution_mode_from(std::string_view name) noexcept {
  for (const mode_row& row : modes)
    if (name == row.name || name == row.snake_name) return row.mode;
  return std::nullopt;
}

expected<executor_numbers> resolve(const executor_options& options, unsigned cores) {
  const mode_row& row = row_of(options.mode);
  cores = std::max(1u, cores);
  executor_numbers n;
  n.mode = options.mode;
  n.timeout = options.timeout.value_or(row.timeout);
  if (n.timeout < seconds{1} || n.timeout > seconds{3600})
    return fail(validation_error("timeout_seconds", "Timeout must be between 1 and 3600 seconds",
                                 std::to_string(n.timeout.count() / 1000)));
  n.max_retries = options.max_retries.value_or(row.max_retries);
  n.in_flight_max =
      options.max_in_flight.value_or(std::max(row.in_flight_min, row.in_flight_per_core * cores));
  n.callables_max = options.max_concurrency.value_or(row.callables_per_core * cores);
  if (n.in_flight_max == 0)
    return fail(validation_error("max_in_flight", "max_in_flight must be greater than 0", "0"));
  if (n.callables_max == 0)
    return fail(validation_error("max_concurrency", "max_concurrency must be greater than 0", "0"));
  n.runs_active_max = n.in_flight_max;
  n.runs_queued_max = options.runs_queued_max;
  n.priority = row.priority;
  n.reject_when_full = row.reject_when_full;
  n.metrics = options.metrics;
  n.debug = options.debug;
  return n;
}

json_value to_json(const executor_stats& s) {
  const auto count = [](std::uint64_t n) { return json_value(n); };
  json_value out;
  out.set("total_executions", count(s.executions));
  out.set("successful_executions", count(s.succeeded));
  out.set("failed_executions", count(s.failed));
  out.set("success_rate", s.success_rate());
  out.set("average_duration_ms", s.average_duration_ms);
  out.set("total_duration_ms", static_cast<std::uint64_t>(s.total_duration_ms));
  out.set("uptime_seconds", std::int64_t{s.uptime.count() / 1000});
  out.set("execution_mode", to_string(s.numbers.mode));
  out.set("timeout_seconds", std::int64_t{s.numbers.timeout.count() / 1000});
  out.set("max_retries", count(s.numbers.max_retries));
  out.set("metrics_enabled", s.numbers.metrics);
  out.set("cancelled_executions", count(s.cancelled));
  out.set("active_executions", count(s.active));
  out.set("queued_executions", count(s.queued));
  out.set("crashed_executions", count(s.crashes));
  out.set("abandoned_callables", count(s.callables_abandoned));
  out.set("late_callables", count(s.callables_late));
  out.set("p50_duration_ms", s.p50_ms);
  out.set("p95_duration_ms", s.p95_ms);
  out.set("p99_duration_ms", s.p99_ms);
  out.set("max_in_flight", count(s.numbers.in_flight_max));
  out.set("max_concurrency", count(s.numbers.callables_max));
  out.set("max_active_executions", count(s.numbers.runs_active_max));
  out.set("max_queued_executions", count(s.numbers.runs_queued_max));
  out.set("cost", s.cost);
  out.set("total_tokens", count(s.total_tokens));
  json_value nodes = json_value::object{};
  for (const auto& n : s.nodes) {
    json_value one;
    one.set("completed", count(n.completed));
    one.set("failed", count(n.failed));
    one.set("p50_ms", n.p50_ms);
    one.set("p95_ms", n.p95_ms);
    one.set("p99_ms", n.p99_ms);
    nodes.set(n.name, std::move(one));
  }
  out.set("nodes", std::move(nodes));
  out.set("priority", s.numbers.priority == priority_class::live ? "live" : "batch");
  return out;
}

}  // namespace graphbit
