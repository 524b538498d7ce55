#include "call_arguments.hpp"

#include <cmath>

#include <graphbit/runtime/limits.hpp>

#include "message_parts.hpp"
#include "plain_error.hpp"
#include "strict_arguments.hpp"
#include "trace_source.hpp"

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
           std::isnan(*given) ? "NaN" : std::string(py::str(py::float_(*given))));
}

void check_prompt(const std::string& prompt) {
  if (prompt.empty())
    raise_in_words(validation_error("prompt", "Prompt cannot be empty"),
                   "Validation error for field 'prompt' with value '': Prompt cannot be empty");
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

}  // namespace

chat_message user_message(std::string text, std::vector<content_part> attachments) {
  chat_message message;
  message.parts = std::move(attachments);
  if (message.parts.empty())
    message.text = std::move(text);
  else
    message.parts.insert(message.parts.begin(),
                         {content_part::kind::text, std::move(text), {}, {}});
  return message;
}

void refuse_attachments(const prepared_call& call, const char* why) {
  if (!call.attachments.empty()) refuse("attachments", why);
}

prepared_call prepare_call(const std::string* prompt, const call_arguments& given,
                           keyword_arguments& keywords, token_limit_rule rule) {
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
  call.request.extra_body = json_object_argument(keywords.take("extra_body"), "extra_body");
  call.request.response_format =
      json_object_argument(keywords.take("response_format"), "response_format");
  call.attachments = attachments_argument(keywords.take("attachments"));
  call.options = take_call_options(keywords);
  keywords.refuse_others();
  return call;
}

prepared_call prepare_call(const call_arguments& given, token_limit_rule rule) {
  keyword_arguments keywords(given.options);
  return prepare_call(nullptr, given, keywords, rule);
}

prepared_call prepare_call(py::handle prompt, const call_arguments& given, token_limit_rule rule) {
  std::string text = text_argument(prompt, "prompt");
  keyword_arguments keywords(given.options);
  prepared_call call = prepare_call(&text, given, keywords, rule);
  call.request.messages.push_back(user_message(std::move(text), std::move(call.attachments)));
  return call;
}

call_options take_call_options(keyword_arguments& keywords) {
  call_options options;
  if (const auto timeout = timeout_or_default(keywords.take("timeout_s")))
    options.deadline_at = steady_clock::now() + *timeout;
  options.priority = priority_from(keywords.take("priority"));
  options.session = optional_text_argument(keywords.take("session"), "session").value_or("");
  options.fresh = optional_bool_argument(keywords.take("fresh"), "fresh").value_or(false);
  options.trace = present_trace();
  return options;
}

budget_limits take_budget(keyword_arguments& keywords) {
  return {optional_amount_argument(keywords.take("max_cost"), "max_cost"),
          optional_unsigned_argument(keywords.take("max_total_tokens"), "max_total_tokens")};
}

std::optional<milliseconds> timeout_or_default(py::handle timeout_s) {
  const auto given = optional_seconds_argument(timeout_s, "timeout_s");
  return given ? given : default_timeout;
}

void set_default_timeout(std::optional<milliseconds> timeout) { default_timeout = timeout; }

}  // namespace graphbit::python
