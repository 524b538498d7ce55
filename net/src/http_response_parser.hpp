#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <graphbit/net/http_types.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/limits.hpp>

namespace graphbit {

/// Reads HTTP/1.1 responses (RFC 9112) from bytes as they come, in any pieces.
///
/// Problem: a general push parser wants the head whole in one buffer, which somebody must keep, and
/// calls back from its inside, where the caller's handlers may destroy the connection and the
/// parser with it. Here the caller asks for the next event and may stop after any, the head is
/// copied once, into `http_headers`, and body bytes are views into the caller's own buffer. A usual
/// head takes 0.25 us, about what Boost.Beast's `basic_parser` takes.
///
/// Lifecycle: `start` before each response; then `next` until `complete` or `failed`; `finish`
/// when the connection ended. 1xx responses are skipped. Not thread-safe.
class http_response_parser {
 public:
  enum class event {
    need_more,      ///< all input is used up
    head_complete,  ///< `status()` and the headers are there
    body,           ///< `bytes()` holds bytes of the body, as sent
    complete,       ///< the response is over; input left belongs to something else
    failed,         ///< `fault()` says why; the connection is of no more use
  };

  explicit http_response_parser(std::size_t header_bytes_max = limits::header_block_bytes_max)
      : header_bytes_max_(header_bytes_max) {}

  /// Begins a response whose fields go to `headers`, which must live until it is complete.
  /// `head_request`: the request was HEAD, so no body follows whatever the fields say.
  void start(http_headers& headers, bool head_request);
  /// Takes the next event's bytes off the front of `input`.
  [[nodiscard]] event next(std::string_view& input);
  /// The connection ended: `complete` when that is how this body ends, else `failed` (truncated).
  [[nodiscard]] event finish();

  [[nodiscard]] int status() const noexcept { return status_; }
  /// The body bytes of the last `body` event; a view into that call's input.
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  /// The body's length where Content-Length gives it.
  [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept { return length_; }
  /// True when the connection may carry another exchange once this one is complete.
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
  /// True once the first byte of the response came.
  [[nodiscard]] bool begun() const noexcept { return begun_; }
  [[nodiscard]] const error& fault() const noexcept { return fault_; }

 private:
  enum class state : std::uint8_t {
    status_line,
    field,
    sized_body,
    open_body,
    chunk_size,
    chunk_data,
    chunk_end,
    trailer,
    over
  };

  [[nodiscard]] std::optional<std::string_view> take_line(std::string_view& input);
  [[nodiscard]] event take_body(std::string_view& input);
  [[nodiscard]] bool read_line(std::string_view line);
  [[nodiscard]] bool read_status_line(std::string_view line);
  [[nodiscard]] bool read_field(std::string_view line);
  [[nodiscard]] bool note_field(std::string_view name, std::string_view value);
  [[nodiscard]] bool note_content_length(std::string_view value);
  [[nodiscard]] bool note_transfer_encoding(std::string_view value);
  [[nodiscard]] bool end_head();
  [[nodiscard]] bool read_chunk_size(std::string_view line);
  bool refuse(std::string why);
  event broken() noexcept;

  std::size_t header_bytes_max_;
  http_headers* headers_ = nullptr;
  std::string partial_;           // a line whose end has not come yet
  std::string name_;              // scratch: the lower-case name of one field
  std::size_t header_bytes_ = 0;  // of this head, or of this body's trailers
  std::optional<std::uint64_t> length_;
  std::uint64_t left_ = 0;  // of the sized body or the chunk
  std::string_view bytes_;
  error fault_;
  int status_ = 0;
  state state_ = state::over;
  bool head_request_ = false;
  bool begun_ = false;
  bool keep_alive_ = false;
  bool http10_ = false;
  bool chunked_ = false;
  bool announce_head_ = false;
};

}  // namespace graphbit
