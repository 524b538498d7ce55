#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// Undoes a body's content coding (gzip, deflate, br, zstd), piece by piece, giving at once all
/// that the bytes so far contain.
class content_decoder {
 public:
  /// The decoder for a Content-Encoding value; a null pointer for "identity" and "".
  /// Error: Core for a coding that is not understood.
  [[nodiscard]] static expected<std::unique_ptr<content_decoder>> make(std::string_view coding);
  content_decoder() = default;
  virtual ~content_decoder() = default;
  content_decoder(const content_decoder&) = delete;
  content_decoder& operator=(const content_decoder&) = delete;

  /// Decodes from the front of `input` and appends at most `room` bytes to `out`. True: call again,
  /// there is more to decode. Error: Network when the data is corrupt.
  [[nodiscard]] virtual expected<bool> decode(std::string_view& input, std::string& out,
                                              std::size_t room) = 0;
  /// The body ended. Error: Network when the coded data is cut short.
  [[nodiscard]] expected<void> finish() const;

 protected:
  /// How much of `room` one step of a decoder takes.
  static constexpr std::size_t step_bytes = 32 * 1024;
  [[nodiscard]] static error corrupt(std::string_view why);

  bool begun_ = false;
  bool ended_ = false;
};

// One per format; each throws std::bad_alloc when it has no memory for its window.
[[nodiscard]] std::unique_ptr<content_decoder> make_inflating_decoder(bool is_deflate);
[[nodiscard]] std::unique_ptr<content_decoder> make_brotli_decoder();
[[nodiscard]] std::unique_ptr<content_decoder> make_zstd_decoder();

}  // namespace graphbit
