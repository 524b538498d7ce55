#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// Response header fields in the order they came; names in lower case.
/// All text lies in one buffer, because every response has a dozen fields and few are looked at.
class http_headers {
 public:
  using field = std::pair<std::string_view, std::string_view>;  ///< name and value

  /// Puts one field behind those that are there.
  void add(std::string_view name_lower, std::string_view value) {
    places_.push_back({size32(text_), size32(name_lower), size32(value)});
    text_.append(name_lower).append(value);
  }
  /// Appends to the last field's value. Precondition: not empty.
  void extend_last(std::string_view more) {
    text_.append(more);
    places_.back().value_size += size32(more);
  }
  /// The first field of that (lower-case) name, or an empty view.
  [[nodiscard]] std::string_view get(std::string_view name_lower) const noexcept {
    const auto* found = find(name_lower);
    return found == nullptr ? std::string_view{} : at(*found).second;
  }
  /// Whether there is a field of that name.
  [[nodiscard]] bool has(std::string_view name_lower) const noexcept {
    return find(name_lower) != nullptr;
  }
  /// How many fields there are.
  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
  /// No field at all.
  [[nodiscard]] bool empty() const noexcept { return places_.empty(); }
  /// The field at `index` (below `size()`).
  [[nodiscard]] field operator[](std::size_t index) const noexcept { return at(places_[index]); }
  /// All fields; the views live as long as this object is unchanged.
  [[nodiscard]] std::vector<field> fields() const {
    std::vector<field> all;
    all.reserve(places_.size());
    for (const auto& p : places_) all.push_back(at(p));
    return all;
  }
  /// Keeps the memory for the next ones.
  void clear() noexcept {
    text_.clear();
    places_.clear();
  }
  /// Makes room for a usual response, so that it costs two allocations in all.
  void reserve_usual() {
    text_.reserve(1024);
    places_.reserve(24);
  }

 private:
  struct place {
    std::uint32_t name_at, name_size, value_size;  // the value follows its name
  };
  template <class Text>
  static std::uint32_t size32(const Text& text) noexcept {
    return static_cast<std::uint32_t>(text.size());
  }
  [[nodiscard]] field at(const place& p) const noexcept {
    const std::string_view all{text_};
    return {all.substr(p.name_at, p.name_size), all.substr(p.name_at + p.name_size, p.value_size)};
  }
  [[nodiscard]] const place* find(std::string_view name_lower) const noexcept {
    for (const auto& p : places_)
      if (at(p).first == name_lower) return &p;
    return nullptr;
  }

  std::string text_;
  std::vector<place> places_;
};

/// One request, ready for a connection. The header block is shared because all requests of a
/// configuration carry the same one.
struct http_request {
  std::string_view method = "POST";            ///< a literal
  std::shared_ptr<const std::string> target;   ///< path and query
  std::shared_ptr<const std::string> headers;  ///< "Name: value\r\n"..., no Host, no Content-Length
  std::string extra_headers;  ///< more lines of the same form, of this request only
  std::string body;           ///< Whole; empty: none is sent.
  bool stream = false;        ///< deliver the body as it comes instead of collected
};

/// The clocks of one attempt. Each that runs out gives a Timeout error with its own `operation`.
struct http_timeouts {
  milliseconds connect{10'000};      ///< operation "connect" (DNS and TCP)
  milliseconds tls{10'000};          ///< operation "tls_handshake"
  time_point first_byte_at = never;  ///< operation "first_byte"
  milliseconds idle{30'000};         ///< operation "idle": between two reads of a body
  time_point total_at = never;       ///< operation "request"
};

/// What came back, of any status.
struct http_response {
  int status = 0;        ///< 200, 404, ...
  http_headers headers;  ///< with names in lower case
  std::string body;      ///< decompressed; empty when the body was streamed
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
