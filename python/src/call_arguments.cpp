#include "call_arguments.hpp"

#include <graphbit/runtime/limits.hpp>

#include "error_translation.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

std::optional<milliseconds> default_timeout;  // guarded by the GIL

[[noreturn]] void refuse(const char* field, std::string message, std::string value = {}) {
  raise(validation_error(field, std::move(message), std::move(value)));
}

std::optional<std::uint32_t> check_token_limit(std::optional<std::int64_t> given,
                                               token_limit_rule rule) {
  if (!given) return std::nullopt;
  const bool full = rule == token_limit_rule::full;
  if (*given <= 0)
    refuse("max_tokens", full ? "max_tokens must be positive" : "max_tokens must be greater than 0",
           std::to_string(*given));
  if (full && *given > 100'000)
    refuse("max_tokens", "max_tokens cannot exceed 100,000", std::to_string(*given));
  if (*given > INT64_C(0xFFFFFFFF))
    refuse("max_tokens", "max_tokens is too large", std::to_string(*given));
  return static_cast<std::uint32_t>(*given);
}

void check_temperature(std::optional<double> given) {
  if (given && !(*given >= 0.0 && *given <= 2.0))
    refuse("temperature", "temperature must be between 0.0 and 2.0",
           std::string(py::str(py::float_(*given))));
}

void check_prompt(const std::string& prompt) {
  if (prompt.empty()) refuse("prompt", "Prompt cannot be empty");
  if (prompt.size() > limits::prompt_bytes_max)
    raise(resource_error("prompt_bytes",
                         "the prompt has " + std::to_string(prompt.size()) + " bytes, at most " +
                             std::to_string(limits::prompt_bytes_max) + " are sent; split it"));
}

priority_class priority_from(py::handle given) {
  const auto name = optional_text_argument(given, "priority");
  if (!name || *name == "live") return priority_class::live;
  if (*name != "batch") refuse("priority", "priority must be \"live\" or \"batch\"", *name);
  return priority_class::batch;
}

prepared_call prepare(const std::string* prompt, const call_arguments& given,
                      token_limit_rule rule) {
  // All types before any range, as the contract orders it.
  const auto max_tokens = optional_signed_argument(given.max_tokens, "max_tokens");
  const auto temperature = optional_real_argument(given.temperature, "temperature");
  const bool caching = given.enable_prompt_caching &&
                       bool_argument(given.enable_prompt_caching, "enable_prompt_caching");
  prepared_call call;
  if (prompt != nullptr) check_prompt(*prompt);
  call.request.max_tokens = check_token_limit(max_tokens, rule);
  check_temperature(temperature);
  call.request.temperature = temperature;
  call.request.prompt_caching = caching;
  call.request.extra_body = json_object_argument(given.extra_body, "extra_body");
  call.options = call_options_from(given.timeout_s, given.priority);
  return call;
}

}  // namespace

chat_message user_message(std::string text) {
  chat_message message;
  message.text = std::move(text);
  return message;
}

prepared_call prepare_call(py::handle prompt, const call_arguments& given, token_limit_rule rule) {
  std::string text = text_argument(prompt, "prompt");
  prepared_call call = prepare(&text, given, rule);
  call.request.messages.push_back(user_message(std::move(text)));
  return call;
}

prepared_call prepare_call(const call_arguments& given, token_limit_rule rule) {
  return prepare(nullptr, given, rule);
}

call_options call_options_from(py::handle timeout_s, py::handle priority) {
  call_options options;
  if (const auto timeout = timeout_or_default(timeout_s))
    options.deadline_at = steady_clock::now() + *timeout;
  options.priority = priority_from(priority);
  return options;
}

std::optional<milliseconds> timeout_or_default(py::handle timeout_s) {
  const auto given = optional_seconds_argument(timeout_s, "timeout_s");
  return given ? given : default_timeout;
}

void set_default_timeout(std::optional<milliseconds> timeout) { default_timeout = timeout; }

}  // namespace graphbit::python
