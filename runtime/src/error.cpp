#include <graphbit/runtime/error.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace graphbit {

namespace {

constexpr std::array<std::pair<error_kind, std::string_view>, 9> kind_names{{
    {error_kind::core, "Core"},
    {error_kind::configuration, "Configuration"},
    {error_kind::runtime, "Runtime"},
    {error_kind::network, "Network"},
    {error_kind::authentication, "Authentication"},
    {error_kind::validation, "Validation"},
    {error_kind::rate_limit, "RateLimit"},
    {error_kind::timeout, "Timeout"},
    {error_kind::resource_exhausted, "ResourceExhausted"},
}};

std::string whole_seconds(std::chrono::milliseconds ms) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(ms).count());
}

std::string prefix_of(const error& e) {
  switch (e.kind) {
    case error_kind::core:
    case error_kind::runtime:
      return "Core error: ";
    case error_kind::configuration:
      return e.field.empty() ? "Configuration error: "
                             : "Configuration error in field '" + e.field + "': ";
    case error_kind::network:
      return e.attempts == 0 ? "Network error: "
                             : "Network error (attempt " + std::to_string(e.attempts) + "): ";
    case error_kind::authentication:
      return e.provider.empty() ? "Authentication error: "
                                : "Authentication error with " + e.provider + ": ";
    case error_kind::validation:
      return "Validation error for field '" + e.field +
             (e.value.empty() ? "': " : "' with value '" + e.value + "': ");
    case error_kind::rate_limit:
      return e.retry_after
                 ? "Rate limit exceeded (retry after " + whole_seconds(*e.retry_after) + "s): "
                 : "Rate limit exceeded: ";
    case error_kind::timeout:
      return "Timeout in '" + e.operation + "' after " + std::to_string(e.duration.count()) +
             "ms: ";
    case error_kind::resource_exhausted:
      return "Resource exhausted (" + e.resource_type + "): ";
  }
  return {};
}

error make(error_kind kind, std::string message) {
  error e;
  e.kind = kind;
  e.message = std::move(message);
  return e;
}

}  // namespace

std::string_view to_string(error_kind kind) {
  for (const auto& [k, name] : kind_names)
    if (k == kind) return name;
  return "Core";
}

std::optional<error_kind> error_kind_from(std::string_view name) {
  for (const auto& [kind, n] : kind_names)
    if (n == name) return kind;
  return std::nullopt;
}

std::string describe(const error& e) {
  std::string line = prefix_of(e) + e.message;
  // Providers send messages of several lines; a log line or a traceback shows one.
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return line;
}

error core_error(std::string message) { return make(error_kind::core, std::move(message)); }

error configuration_error(std::string field, std::string message) {
  error e = make(error_kind::configuration, std::move(message));
  e.field = std::move(field);
  return e;
}

error runtime_error(std::string operation, std::string message) {
  error e = make(error_kind::runtime, std::move(message));
  e.operation = std::move(operation);
  return e;
}

error network_error(std::string message) {
  error e = make(error_kind::network, std::move(message));
  e.retry = retry_rule::transient;
  e.breaker = breaker_rule::counts;
  return e;
}

error authentication_error(std::string provider, std::string message) {
  error e = make(error_kind::authentication, std::move(message));
  e.provider = std::move(provider);
  return e;
}

error validation_error(std::string field, std::string message, std::string value) {
  error e = make(error_kind::validation, std::move(message));
  e.field = std::move(field);
  e.value = std::move(value);
  return e;
}

error rate_limit_error(std::string message, std::optional<std::chrono::milliseconds> retry_after) {
  error e = make(error_kind::rate_limit, std::move(message));
  e.retry_after = retry_after;
  return e;
}

error timeout_error(std::string operation, std::chrono::milliseconds waited, std::string message) {
  error e = make(error_kind::timeout, std::move(message));
  e.operation = std::move(operation);
  e.duration = waited;
  return e;
}

error resource_error(std::string resource_type, std::string message) {
  error e = make(error_kind::resource_exhausted, std::move(message));
  e.resource_type = std::move(resource_type);
  return e;
}

error cancelled_error(std::string operation) {
  error e = make(error_kind::runtime, operation + " was cancelled");
  e.operation = std::move(operation);
  e.cancelled = true;
  return e;
}

}  // namespace graphbit
