#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <graphbit/net/provider_config.hpp>
#include <graphbit/net/url.hpp>
#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/metrics.hpp>

namespace graphbit {

/// A provider's name as OpenTelemetry's conventions for generative AI spell it (1.41.1); their list
/// is open, so names that it lacks stay as they are.
[[nodiscard]] std::string_view gen_ai_provider_name(std::string_view provider) noexcept;
/// The same for what a call is: "chat" or "embeddings".
[[nodiscard]] std::string_view gen_ai_operation_name(bool embedding) noexcept;
/// `error.type` of metrics and spans: the kind in lower case, or "cancelled".
[[nodiscard]] std::string_view error_type(const error& e) noexcept;
/// Labels of everything that is told of one provider client.
[[nodiscard]] metric_labels provider_labels(const provider_config& config, const origin& at);

/// What one shard measures of calls of one operation and model. Its thread alone writes.
class call_meter {
 public:
  call_meter(metrics_registry& registry, metric_labels labels);

  void succeeded(duration took, const token_usage& usage);
  void failed(duration took, const error& e);
  void first_chunk(duration after) { first_chunk_->observe_alone(seconds_of(after)); }
  void next_chunk(duration after) { next_chunk_->observe_alone(seconds_of(after)); }

  [[nodiscard]] static double seconds_of(duration d) {
    return std::chrono::duration<double>(d).count();
  }

 private:
  using histogram = std::shared_ptr<metric_histogram>;
  [[nodiscard]] histogram durations(std::string_view error) const;

  metrics_registry& registry_;
  metric_labels labels_;
  histogram took_, input_tokens_, output_tokens_, first_chunk_, next_chunk_;
  std::map<std::string_view, histogram> failures_;  // by error type; made when one happens
};

/// The metric cells of one shard: what the conventions for generative AI ask for, and what time we
/// add ourselves. Lives on the shard's thread, which alone writes.
class call_metrics {
 public:
  /// `registry` must outlive this.
  call_metrics(metrics_registry& registry, const provider_config& config, const origin& at);

  /// The meter of calls like this one; lives as long as this object.
  [[nodiscard]] call_meter& of(bool embedding, std::string_view model);
  /// A call left the limiter's queue after so long.
  void waited(duration d) { limiter_wait_->observe_alone(call_meter::seconds_of(d)); }
  /// What was spent on a call beyond waiting: for the provider, a limit, a retry's backoff.
  void own_time(duration d) { overhead_->observe_alone(call_meter::seconds_of(d)); }
  void paid(double dollars) { cost_->add_alone(dollars); }

 private:
  static constexpr std::size_t models_max = 64;  // those beyond are counted as "other"
  [[nodiscard]] call_meter& made(bool embedding, const std::string& model);

  metrics_registry& registry_;
  metric_labels labels_;
  std::string default_model_;
  std::shared_ptr<metric_histogram> limiter_wait_, overhead_;
  std::shared_ptr<metric_counter> cost_;
  std::array<call_meter*, 2> usual_{};  // of the default model: chat, embeddings
  std::array<std::map<std::string, std::unique_ptr<call_meter>, std::less<>>, 2> meters_;
};

}  // namespace graphbit
