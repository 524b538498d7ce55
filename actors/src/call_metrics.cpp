#include "call_metrics.hpp"

#include <span>
#include <utility>

namespace graphbit {

namespace {

// Buckets that the conventions give for token counts.
constexpr std::array token_table{1.0,       4.0,       16.0,       64.0,      256.0,
                                 1024.0,    4096.0,    16384.0,    65536.0,   262144.0,
                                 1048576.0, 4194304.0, 16777216.0, 67108864.0};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> names_of_conventions{{
    {"azure", "azure.ai.openai"},
    {"azurellm", "azure.ai.openai"},
    {"gemini", "gcp.gemini"},
    {"mistralai", "mistral_ai"},
    {"xai", "x_ai"},
    {"openai_compatible", "openai"},
    {"togetherai", "together_ai"},
}};

metric_labels with(metric_labels labels, std::string name, std::string_view value) {
  labels.emplace_back(std::move(name), std::string(value));
  return labels;
}

}  // namespace

std::string_view gen_ai_provider_name(std::string_view provider) noexcept {
  for (const auto& [ours, theirs] : names_of_conventions)
    if (ours == provider) return theirs;
  return provider;
}

std::string_view gen_ai_operation_name(bool embedding) noexcept {
  return embedding ? "embeddings" : "chat";
}

std::string_view error_type(const error& e) noexcept {
  if (e.cancelled) return "cancelled";
  switch (e.kind) {
    case error_kind::core:
      return "core";
    case error_kind::configuration:
      return "configuration";
    case error_kind::runtime:
      return "runtime";
    case error_kind::network:
      return "network";
    case error_kind::authentication:
      return "authentication";
    case error_kind::validation:
      return "validation";
    case error_kind::rate_limit:
      return "rate_limit";
    case error_kind::timeout:
      return "timeout";
    case error_kind::resource_exhausted:
      return "resource_exhausted";
  }
  return "_OTHER";
}

metric_labels provider_labels(const provider_config& config, const origin& at) {
  return {{"gen_ai_provider_name", std::string(gen_ai_provider_name(config.provider))},
          {"gen_ai_request_model", config.model},
          {"server_address", at.unix_path.empty() ? at.host : at.unix_path},
          {"server_port", std::to_string(at.port)}};
}

// --- one operation and model ---------------------------------------------------------------------

call_meter::call_meter(metrics_registry& registry, metric_labels labels)
    : registry_(registry), labels_(std::move(labels)), took_(durations({})) {
  const auto tokens = [&](std::string_view type) {
    return registry_.histogram("gen_ai_client_token_usage",
                               "Tokens of a call, counted by the provider.", token_table,
                               with(labels_, "gen_ai_token_type", type));
  };
  input_tokens_ = tokens("input");
  output_tokens_ = tokens("output");
  first_chunk_ = registry_.histogram("gen_ai_client_operation_time_to_first_chunk_seconds",
                                     "Time from a streamed call to the first piece of its answer.",
                                     latency_bounds(), labels_);
  next_chunk_ = registry_.histogram("gen_ai_client_operation_time_per_output_chunk_seconds",
                                    "Time between two pieces of a streamed answer.",
                                    latency_bounds(), labels_);
}

call_meter::histogram call_meter::durations(std::string_view error) const {
  return registry_.histogram("gen_ai_client_operation_duration_seconds",
                             "Time of a call, from its submission to its end.", latency_bounds(),
                             error.empty() ? labels_ : with(labels_, "error_type", error));
}

void call_meter::succeeded(duration took, const token_usage& usage) {
  took_->observe_alone(seconds_of(took));
  if (usage.prompt_tokens != 0) input_tokens_->observe_alone(usage.prompt_tokens);
  if (usage.completion_tokens != 0) output_tokens_->observe_alone(usage.completion_tokens);
}

void call_meter::failed(duration took, const error& e) {
  auto& cell = failures_[error_type(e)];
  if (!cell) cell = durations(error_type(e));
  cell->observe_alone(seconds_of(took));
}

// --- one shard -----------------------------------------------------------------------------------

call_metrics::call_metrics(metrics_registry& registry, const provider_config& config,
                           const origin& at)
    : registry_(registry), labels_(provider_labels(config, at)), default_model_(config.model) {
  limiter_wait_ = registry_.histogram("graphbit_limiter_wait_seconds",
                                      "Time that calls waited for a limit, of those that had to.",
                                      latency_bounds(), labels_);
  overhead_ =
      registry_.histogram("graphbit_overhead_seconds",
                          "Time of a call that was neither the provider's nor waiting: our own.",
                          overhead_bounds(), labels_);
  cost_ = registry_.counter("graphbit_cost_dollars_total",
                            "What calls cost by the price table, in US dollars.", labels_);
}

call_meter& call_metrics::of(bool embedding, std::string_view model) {
  auto& usual = usual_[embedding ? 1 : 0];
  if (usual != nullptr && (model.empty() || model == default_model_)) return *usual;
  if (model.empty() || model == default_model_) return *(usual = &made(embedding, default_model_));
  const auto& known = meters_[embedding ? 1 : 0];
  if (const auto found = known.find(model); found != known.end()) return *found->second;
  return made(embedding, known.size() < models_max ? std::string(model) : "other");
}

call_meter& call_metrics::made(bool embedding, const std::string& model) {
  auto& place = meters_[embedding ? 1 : 0][model];
  if (place) return *place;
  auto labels = labels_;
  for (auto& [name, value] : labels)
    if (name == "gen_ai_request_model") value = model;
  labels.insert(labels.begin(),
                {"gen_ai_operation_name", std::string(gen_ai_operation_name(embedding))});
  place = std::make_unique<call_meter>(registry_, std::move(labels));
  return *place;
}

}  // namespace graphbit
