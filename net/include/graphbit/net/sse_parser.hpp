#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/limits.hpp>

namespace graphbit {

/// One server-sent event. Views point into the parser and live until its next call.
struct sse_event {
  std::string_view name;  ///< "message" is given as an empty view
  std::string_view data;  ///< data lines joined by "\n"
};

/// Incremental parser of `text/event-stream` (WHATWG HTML, section 9.2.6): right at every byte
/// split, with CR, LF and CRLF, comments, a BOM and multi-line data.
///
/// Usage: `feed` bytes, then call `next` until it gives no event.
class sse_parser {
 public:
  /// Takes the bytes of one receive. They must stay alive until `next` has given nothing.
  void feed(std::string_view bytes);
  /// The next complete event: true and `out` filled, false when more bytes are needed.
  /// Errors: ResourceExhausted past limits::sse_line_bytes_max or sse_event_bytes_max.
  [[nodiscard]] expected<bool> next(sse_event& out);

 private:
  std::string_view input_;
  std::string line_;   // an unfinished line from earlier receives
  std::string name_;
  std::string data_;
  std::string out_name_;
  std::string out_data_;
  bool skip_lf_ = false;
  bool has_data_ = false;
  bool at_start_ = true;
};

/// Incremental splitter of newline-delimited JSON: one view per line, blank lines skipped.
class ndjson_parser {
 public:
  void feed(std::string_view bytes);
  /// The next complete line. Errors: ResourceExhausted past limits::sse_line_bytes_max.
  [[nodiscard]] expected<bool> next(std::string_view& line);
  /// The unfinished last line, for streams that end without a newline.
  [[nodiscard]] std::string_view rest();

 private:
  std::string_view input_;
  std::string line_;
  std::string out_;
};

}  // namespace graphbit
