#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/tracer.hpp>

namespace graphbit {

/// Where and as whom spans are sent by OTLP over HTTP. The names in brackets are the environment
/// variables of OpenTelemetry that `otlp_options_from_environment` reads.
struct otlp_options {
  /// Names and values, in order.
  using pairs = std::vector<std::pair<std::string, std::string>>;
  /// The full URL that takes traces, ".../v1/traces" [OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or
  /// OTEL_EXPORTER_OTLP_ENDPOINT + "/v1/traces"]. Empty: spans are logged at debug level.
  std::string endpoint;
  pairs headers;                          ///< with each request [OTEL_EXPORTER_OTLP_HEADERS]
  std::string service_name = "graphbit";  ///< [OTEL_SERVICE_NAME]
  pairs resource;                         ///< attributes beside it [OTEL_RESOURCE_ATTRIBUTES]
  std::string ca_file;                    ///< PEM [OTEL_EXPORTER_OTLP_CERTIFICATE]
  milliseconds timeout{10'000};  ///< of one batch, retries in it [OTEL_EXPORTER_OTLP_TIMEOUT]
  /// Record prompts, answers and tools' values
  /// [OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true].
  bool content = false;
};

/// The defaults, and over them what the environment says.
[[nodiscard]] otlp_options otlp_options_from_environment();
/// The environment names an endpoint, and does not turn tracing off (OTEL_SDK_DISABLED=true,
/// OTEL_TRACES_EXPORTER=none).
[[nodiscard]] bool environment_asks_for_traces();

/// An ExportTraceServiceRequest of OTLP 1.x in protobuf's binary form. `now` in both clocks places
/// the spans' times. A pure function.
[[nodiscard]] std::string encode_otlp_traces(const std::vector<trace_span>& spans,
                                             const otlp_options& options, time_point now,
                                             std::chrono::system_clock::time_point wall_now);

/// Sends spans to a collector by OTLP/HTTP, in protobuf, over a pooled connection of one of the
/// runtime's reactors. A batch that a collector cannot take now (429, 502, 503, 504, no connection)
/// is sent again for `timeout`, then given up.
/// Lifecycle: must end before its runtime's reactors do: give it to the runtime's tracer.
class otlp_exporter final : public span_exporter {
 public:
  /// Errors: Configuration{endpoint} for a URL that is none.
  [[nodiscard]] static expected<std::shared_ptr<otlp_exporter>> open(runtime& rt,
                                                                     otlp_options options);
  ~otlp_exporter() override;
  [[nodiscard]] bool take(const std::vector<trace_span>& spans,
                          const std::stop_token& ending) override;

  class impl;
  /// `open` is the way to one.
  explicit otlp_exporter(std::unique_ptr<impl> made);

 private:
  std::unique_ptr<impl> impl_;
};

/// Turns tracing on: the runtime's tracer sends to `options.endpoint`, or logs.
/// Errors: as `otlp_exporter::open`.
[[nodiscard]] expected<void> start_tracing(runtime& rt, const otlp_options& options);

}  // namespace graphbit
