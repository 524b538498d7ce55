#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/trace_context.hpp>

namespace graphbit {

class runtime;

/// One fact about a span. Names are literals of the semantic conventions.
struct span_attribute {
  /// Several texts under one name.
  using list = std::vector<std::string>;
  std::string_view name;  ///< a literal: it is not copied
  /// Text, number, truth or texts.
  std::variant<std::string, std::int64_t, double, bool, list> value;
};

/// Work of this process, or a request that it sends to another.
enum class span_kind : std::uint8_t { internal, client };

/// One finished piece of work, as OpenTelemetry sees it.
struct trace_span {
  trace_context context;                   ///< its trace and its own id
  std::uint64_t parent = 0;                ///< the parent span's id; 0: the trace's root
  std::string name;                        ///< what kind of work, with its object: "chat gpt-4o"
  span_kind kind = span_kind::internal;    ///< `client` for requests to providers
  time_point started{};                    ///< by the process's clock
  time_point ended{};                      ///< never before `started`
  std::vector<span_attribute> attributes;  ///< in the order in which they were set
  bool failed = false;                     ///< see `failure`
  std::string failure;                     ///< why, in one line, where it failed

  ///@{
  /// Adds one fact.
  void set(std::string_view attribute, std::string text) { add(attribute) = std::move(text); }
  void set(std::string_view attribute, std::string_view text) {
    add(attribute) = std::string(text);
  }
  void set(std::string_view attribute, const char* text) { add(attribute) = std::string(text); }
  void set(std::string_view attribute, std::int64_t number) { add(attribute) = number; }
  void set(std::string_view attribute, double number) { add(attribute) = number; }
  void set(std::string_view attribute, bool yes) { add(attribute) = yes; }
  void set(std::string_view attribute, span_attribute::list texts) {
    add(attribute) = std::move(texts);
  }
  ///@}

 private:
  decltype(span_attribute::value)& add(std::string_view attribute) {
    auto& made = attributes.emplace_back();
    made.name = attribute;
    return made.value;
  }
};

/// Where spans go: a collector, a test.
class span_exporter {
 public:
  virtual ~span_exporter() = default;
  /// Takes one batch away; called on the tracer's thread, one at a time, and may take its time:
  /// new spans queue up meanwhile. False: they are lost. Once `ending` is stopped the runtime ends:
  /// nothing is worth a wait of more than a second then.
  [[nodiscard]] virtual bool take(const std::vector<trace_span>& spans,
                                  const std::stop_token& ending) = 0;
};

/// Where spans go, and how many at once.
struct tracer_options {
  std::shared_ptr<span_exporter> exporter;  ///< none: spans are logged at debug level
  bool content = false;                     ///< prompts, answers and tools' values are recorded too
  std::size_t queued_max = 8192;            ///< spans that wait; more are dropped and counted
  std::size_t batch_max = 512;              ///< spans that leave together
  milliseconds interval{1'000};             ///< a batch that is not full leaves after this time
};

/// What became of the spans.
struct tracer_stats {
  std::uint64_t recorded = 0;  ///< by `record`
  std::uint64_t exported = 0;  ///< handed to the exporter
  std::uint64_t dropped = 0;   ///< the queue was full
  std::uint64_t lost = 0;      ///< the exporter could not get rid of them
  std::size_t queued = 0;      ///< waiting now
};

/// Collects the finished spans of one runtime and hands them to an exporter in batches.
///
/// Problem: whoever finishes a piece of work must not wait for a collector, and a collector that is
/// down or slow must cost nothing but a count. `record` moves a span into a bounded queue, and a
/// thread of the tracer's own does the rest.
///
/// Lifecycle: `rt.service<tracer>()`, off until `start`; when its runtime ends, what is queued is
/// handed over for up to 2 s and the exporter let go of, whoever still holds the tracer. Threads:
/// any.
class tracer {
 public:
  /// Off until `start`; use `rt.service<tracer>()`.
  explicit tracer(runtime& rt);
  ~tracer();
  tracer(const tracer&) = delete;
  tracer& operator=(const tracer&) = delete;

  /// From now on spans are recorded. A second call changes the options.
  void start(tracer_options options);
  /// Asked before a span is made: one load.
  [[nodiscard]] bool on() const noexcept { return on_.load(std::memory_order_relaxed); }
  /// Spans may hold prompts and answers.
  [[nodiscard]] bool content() const noexcept { return content_.load(std::memory_order_relaxed); }
  /// Never blocks for long and never throws.
  void record(trace_span span) noexcept;
  /// Waits until what is recorded so far has left, at most for `patience`.
  bool flush(milliseconds patience);
  /// Since the tracer was made.
  [[nodiscard]] tracer_stats stats() const;

 private:
  class impl;
  class end_with_runtime;
  std::atomic<bool> on_{false};
  std::atomic<bool> content_{false};
  std::shared_ptr<impl> impl_;
};

/// One line for the debug log.
[[nodiscard]] std::string describe(const trace_span& span);

}  // namespace graphbit
