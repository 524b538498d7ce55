#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace graphbit {

class random_source;

/// Which span of which trace something belongs to, as W3C Trace Context carries it
/// (https://www.w3.org/TR/trace-context/, version 00). A plain value of 25 bytes; ids in host
/// order. All zero: no trace.
struct trace_context {
  std::uint64_t trace_high = 0;  ///< the first 8 bytes of the trace's id
  std::uint64_t trace_low = 0;   ///< the other 8
  std::uint64_t span = 0;        ///< the span that is the parent of what follows
  bool sampled = true;           ///< its spans are recorded and exported

  /// Both ids are set, as the standard wants.
  [[nodiscard]] bool valid() const noexcept { return (trace_high | trace_low) != 0 && span != 0; }
  /// A new span of this trace, or of a new trace where there is none.
  [[nodiscard]] trace_context child(random_source& random) const noexcept;
  /// A span of this trace whose id follows from this one's and `number`, so that it need not be
  /// kept. Invalid where this is.
  [[nodiscard]] trace_context numbered_child(std::uint64_t number) const noexcept;

  /// "00-<32 hex digits>-<16 hex digits>-01". Precondition: valid().
  [[nodiscard]] std::string traceparent() const;
  /// From such a header of any version; nothing for one that the standard calls invalid.
  [[nodiscard]] static std::optional<trace_context> from_traceparent(std::string_view header);

  friend bool operator==(const trace_context&, const trace_context&) = default;
};

}  // namespace graphbit
