#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/limits.hpp>

namespace graphbit {

/// One server-sent event. Views point into the received bytes or the parser, and live until the
/// parser's next call.
struct sse_event {
  std::string_view name;  ///< "message" is given as an empty view
  std::string_view data;  ///< data lines joined by "\n"
};

/// Incremental parser of `text/event-stream` (WHATWG HTML, section 9.2.6): right at every byte
/// split, with CR, LF and CRLF, comments, a BOM and multi-line data. An event that lies whole
/// inside one receive is handed out without a copy.
///
/// Usage: `feed` bytes, then call `next` until it gives no event.
class sse_parser {
 public:
  sse_parser() = default;
  sse_parser(const sse_parser&) = delete;  // its views point into itself
  sse_parser& operator=(const sse_parser&) = delete;

  /// Takes the bytes of one receive. They must stay alive until `next` has given nothing.
  void feed(std::string_view bytes);
  /// The next complete event: true and `out` filled, false when more bytes are needed.
  /// Errors: ResourceExhausted past limits::sse_line_bytes_max or sse_event_bytes_max; the
  /// stream is over then.
  [[nodiscard]] expected<bool> next(sse_event& out);

 private:
  [[nodiscard]] expected<bool> take_line(std::string_view& line);
  [[nodiscard]] std::size_t line_end() const noexcept;
  void finish_line(std::string_view& line, std::size_t end);
  [[nodiscard]] expected<void> take_field(std::string_view line);
  [[nodiscard]] expected<void> take_data(std::string_view value);
  [[nodiscard]] bool dispatch(sse_event& out) noexcept;
  void own_views();

  std::string_view input_;
  std::size_t next_lf_ = 0;  // where input_'s next LF is, or its size; saves a second search
  std::string line_;         // a line that more than one receive brought
  bool line_spent_ = false;  // line_ was handed out whole
  std::string_view name_;    // of the event under construction; in input_ or owned_name_
  std::string_view data_;    // in input_ or owned_data_
  std::string owned_name_;
  std::string owned_data_;
  bool has_data_ = false;
  bool skip_lf_ = false;  // the last receive ended between CR and LF
  bool at_start_ = true;
};

/// Incremental splitter of newline-delimited JSON: one view per line, blank lines skipped.
class ndjson_parser {
 public:
  /// Takes the bytes of one receive. They must stay alive until `next` has given nothing.
  void feed(std::string_view bytes);
  /// The next complete line; the view lives until the next call.
  /// Errors: ResourceExhausted past limits::sse_line_bytes_max; the stream is over then.
  [[nodiscard]] expected<bool> next(std::string_view& line);
  /// The unfinished last line, for streams that end without a newline. Call it once `next` has
  /// given nothing.
  [[nodiscard]] std::string_view rest() const noexcept;

 private:
  std::string_view input_;
  std::string line_;         // a line that more than one receive brought
  bool line_spent_ = false;  // line_ was handed out whole
};

}  // namespace graphbit
