#pragma once

#include <graphbit/runtime/caf.hpp>
#include <graphbit/runtime/error.hpp>

/// Our errors as CAF messages and as `caf::error`, for actors of a service's own: an optional
/// header.
namespace graphbit {

/// The error as one of CAF's, of the category "graphbit", with all its fields inside: it can be
/// the answer to a request, and crosses machines.
[[nodiscard]] caf::error to_caf(const error& e);

/// The error that came as CAF's. One of another category becomes a Runtime error with `text`;
/// CAF's own timeout of a request a Timeout{request}.
[[nodiscard]] error from_caf(const caf::error& e);

/// How CAF writes, reads and prints an error.
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, error& e) {
  auto kind = static_cast<std::uint8_t>(e.kind);
  auto retry = static_cast<std::uint8_t>(e.retry);
  auto breaker = static_cast<std::uint8_t>(e.breaker);
  std::int64_t status = e.status;
  std::int64_t retry_after_ms = e.retry_after ? e.retry_after->count() : -1;
  std::int64_t duration_ms = e.duration.count();
  const auto load = [&]() -> caf::error {
    if (kind < 1 || kind > static_cast<std::uint8_t>(error_kind::resource_exhausted) || retry > 2 ||
        breaker > 1)
      return caf::sec::malformed_basp_message;
    e.kind = static_cast<error_kind>(kind);
    e.retry = static_cast<retry_rule>(retry);
    e.breaker = static_cast<breaker_rule>(breaker);
    e.status = static_cast<int>(status);
    e.retry_after.reset();
    if (retry_after_ms >= 0) e.retry_after = std::chrono::milliseconds(retry_after_ms);
    e.duration = std::chrono::milliseconds(duration_ms);
    return caf::none;
  };
  return f(caf::meta::type_name("graphbit.error"), kind, e.message, e.field, e.value, e.operation,
           e.provider, e.resource_type, e.request_id, e.partial_text, status, e.attempts,
           retry_after_ms, duration_ms, retry, breaker, e.cancelled,
           caf::meta::load_callback(load));
}

}  // namespace graphbit
