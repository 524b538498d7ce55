#include "src/error_json.hpp"

#include <optional>

namespace graphbit {

namespace {

void set_text(json_value& out, const char* key, const std::string& text) {
  if (!text.empty()) out.set(key, text);
}

json_value count_or_zero(const std::optional<std::uint32_t>& count) {
  return {std::uint64_t{count.value_or(0)}};
}

void add_count(std::optional<std::uint32_t>& total, const std::optional<std::uint32_t>& more) {
  if (more) total = total.value_or(0) + *more;
}

}  // namespace

json_value error_json(const error& e) {
  json_value out;
  out.set("kind", to_string(e.kind));
  out.set("message", e.message);
  set_text(out, "field", e.field);
  set_text(out, "value", e.value);
  set_text(out, "operation", e.operation);
  set_text(out, "provider", e.provider);
  set_text(out, "resource_type", e.resource_type);
  set_text(out, "request_id", e.request_id);
  if (e.status != 0) out.set("status", e.status);
  if (e.attempts != 0) out.set("attempts", std::uint64_t{e.attempts});
  if (e.retry_after) out.set("retry_after_ms", std::int64_t{e.retry_after->count()});
  if (e.duration.count() != 0) out.set("duration_ms", std::int64_t{e.duration.count()});
  if (e.cancelled) out.set("cancelled", true);
  return out;
}

json_value usage_json(const token_usage& usage) {
  json_value prompt;
  prompt.set("cached_tokens", count_or_zero(usage.cache_read_tokens));
  prompt.set("cache_creation_tokens", count_or_zero(usage.cache_creation_tokens));
  prompt.set("audio_tokens", 0);
  json_value completion;
  completion.set("reasoning_tokens", count_or_zero(usage.reasoning_tokens));
  completion.set("audio_tokens", 0);
  completion.set("accepted_prediction_tokens", 0);
  completion.set("rejected_prediction_tokens", 0);
  json_value out;
  out.set("prompt_tokens", std::uint64_t{usage.prompt_tokens});
  out.set("completion_tokens", std::uint64_t{usage.completion_tokens});
  out.set("total_tokens", std::uint64_t{usage.total_tokens});
  out.set("prompt_tokens_details", std::move(prompt));
  out.set("completion_tokens_details", std::move(completion));
  return out;
}

void add_usage(token_usage& total, const token_usage& more) {
  total.prompt_tokens += more.prompt_tokens;
  total.completion_tokens += more.completion_tokens;
  total.total_tokens += more.total_tokens;
  add_count(total.cache_read_tokens, more.cache_read_tokens);
  add_count(total.cache_creation_tokens, more.cache_creation_tokens);
  add_count(total.reasoning_tokens, more.reasoning_tokens);
}

}  // namespace graphbit
