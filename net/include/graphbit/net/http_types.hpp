#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// Response header fields in the order they came; names in lower case.
class http_headers {
 public:
  void add(std::string name_lower, std::string value) {
    fields_.emplace_back(std::move(name_lower), std::move(value));
  }
  /// The first field of that (lower-case) name, or an empty view.
  [[nodiscard]] std::string_view get(std::string_view name_lower) const noexcept {
    for (const auto& [name, value] : fields_)
      if (name == name_lower) return value;
    return {};
  }
  [[nodiscard]] bool has(std::string_view name_lower) const noexcept {
    for (const auto& [name, value] : fields_)
      if (name == name_lower) return true;
    return false;
  }
  [[nodiscard]] const auto& fields() const noexcept { return fields_; }
  [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }
  void clear() noexcept { fields_.clear(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// One request, ready for a connection. The header block is shared because all requests of a
/// configuration carry the same one.
struct http_request {
  std::string_view method = "POST";                  ///< a literal
  std::shared_ptr<const std::string> target;         ///< path and query
  std::shared_ptr<const std::string> headers;        ///< "Name: value\r\n"..., no Host, no Content-Length
  std::string extra_headers;                         ///< more lines of the same form, of this request only
  std::string body;
  bool stream = false;  ///< deliver the body as it comes instead of collected
};

/// The clocks of one attempt. Each that runs out gives a Timeout error with its own `operation`.
struct http_timeouts {
  milliseconds connect{10'000};         ///< operation "connect" (DNS and TCP)
  milliseconds tls{10'000};             ///< operation "tls_handshake"
  time_point first_byte_at = never;     ///< operation "first_byte"
  milliseconds idle{30'000};            ///< operation "idle": between two reads of a body
  time_point total_at = never;          ///< operation "request"
};

struct http_response {
  int status = 0;
  http_headers headers;
  std::string body;  ///< decompressed; empty when the body was streamed
};

/// True when `value` may stand in a header (no CR, LF or NUL).
[[nodiscard]] bool is_header_value(std::string_view value) noexcept;

/// Maps an HTTP status to the taxonomy: kind, retry rule and breaker rule. The message is
/// `words`, the provider's own. Statuses below 400 that reach this are treated as refused requests.
[[nodiscard]] error error_from_status(int status, std::string provider, std::string words);

/// What the server said about when to come back: `retry-after-ms`, then `retry-after` (seconds or
/// an HTTP date against `now_unix_s`); nothing when it said nothing.
[[nodiscard]] std::optional<milliseconds> retry_after(const http_headers& headers,
                                                      std::int64_t now_unix_s);

}  // namespace graphbit
