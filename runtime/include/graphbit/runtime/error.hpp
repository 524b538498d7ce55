#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace graphbit {

/// What went wrong, in one taxonomy for C++, the wire between nodes, and Python.
/// Numbers are part of the wire between nodes and never change their meaning.
enum class error_kind : std::uint8_t {
  core = 1,            ///< a defect of ours, or an answer that cannot be understood
  configuration,       ///< a setting that cannot work (field)
  runtime,             ///< the process runtime refused or ended an operation (operation)
  network,             ///< refused, reset, truncated, DNS, TLS, 5xx, open breaker (retry_count)
  authentication,      ///< 401 and 403 (provider)
  validation,          ///< an argument, or a request that the provider refused (field, value)
  rate_limit,          ///< 429 and 402 (retry_after)
  timeout,             ///< 408, 504 and our own deadlines (operation, duration)
  resource_exhausted,  ///< 413 and our own limits (resource_type)
};

/// Whether another attempt may help; the provider client's retry loop is its only reader.
enum class retry_rule : std::uint8_t {
  never,      ///< a retry cannot help, or could act twice
  transient,  ///< a retry may help: connect failures, resets, 408, 429, 5xx
  once,       ///< one more try is worth it: an unparsable 2xx body
};

/// Whether a circuit breaker learns from this outcome.
enum class breaker_rule : std::uint8_t {
  counts,   ///< the provider failed
  ignored,  ///< the caller's fault, a cancellation, or one stale pooled connection
};

/// One failure as a value. Never holds an API key or an Authorization header.
struct error {
  error_kind kind = error_kind::core;  ///< decides which exception Python raises
  std::string message;                 ///< what happened and what to do next, in one line
  std::string field;                   ///< configuration, validation: the argument at fault
  std::string value;           ///< validation: the offending value, empty where it may be secret
  std::string operation;       ///< timeout, runtime: which wait or step
  std::string provider;        ///< which provider answered, where one did
  std::string resource_type;   ///< resource_exhausted: the limit that was hit
  std::string request_id;      ///< the provider's own id of the request
  std::string partial_text;    ///< what a broken stream had already delivered
  int status = 0;              ///< HTTP status, 0 where no answer came
  std::uint32_t attempts = 0;  ///< requests that were sent
  std::optional<std::chrono::milliseconds> retry_after;  ///< the server's word, or half-open time
  std::chrono::milliseconds duration{0};                 ///< timeout: how long was waited
  retry_rule retry = retry_rule::never;                  ///< may another attempt help?
  breaker_rule breaker = breaker_rule::ignored;          ///< does a circuit breaker learn from it?
  bool cancelled = false;  ///< the caller's own wish: neither success nor failure

  friend bool operator==(const error&, const error&) = default;
};

/// A value, or the error that is there instead.
template <class T>
using expected = tl::expected<T, error>;

/// Wraps an error for an early return from a function that gives `expected<T>`.
[[nodiscard]] inline tl::unexpected<error> fail(error e) {
  return tl::unexpected<error>(std::move(e));
}

/// The kind's name as Python shows it: "Network", "RateLimit", ...
[[nodiscard]] std::string_view to_string(error_kind kind);

/// The kind by its name, or nothing.
[[nodiscard]] std::optional<error_kind> error_kind_from(std::string_view name);

/// One line for a person: the kind's prefix ("Timeout in 'connect' after 10000ms: ") and the
/// message.
[[nodiscard]] std::string describe(const error& e);

// Makers, so that every error of a kind carries that kind's fields.
/// A defect of ours, or an answer that cannot be understood.
[[nodiscard]] error core_error(std::string message);
/// A setting, `field`, that cannot work.
[[nodiscard]] error configuration_error(std::string field, std::string message);
/// The process runtime refused or ended `operation`.
[[nodiscard]] error runtime_error(std::string operation, std::string message);
[[nodiscard]] error network_error(std::string message);  ///< transient, counts for the breaker
/// `provider` refused the key.
[[nodiscard]] error authentication_error(std::string provider, std::string message);
/// An argument, `field`, is wrong; `value` only where it is no secret.
[[nodiscard]] error validation_error(std::string field, std::string message,
                                     std::string value = {});
/// A 429 or 402, with the server's word on when to come back; transient.
[[nodiscard]] error rate_limit_error(
    std::string message, std::optional<std::chrono::milliseconds> retry_after = std::nullopt);
/// `operation` was given up after `waited`.
[[nodiscard]] error timeout_error(std::string operation, std::chrono::milliseconds waited,
                                  std::string message);
/// The limit named `resource_type` was hit.
[[nodiscard]] error resource_error(std::string resource_type, std::string message);
/// The caller gave `operation` up: neither success nor failure.
[[nodiscard]] error cancelled_error(std::string operation);

}  // namespace graphbit
