#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// Undoes a body's content coding (gzip, deflate), piece by piece, giving at once all that the
/// bytes so far contain.
class content_decoder {
 public:
  /// The decoder for a Content-Encoding value; a null pointer for "identity" and "".
  /// Error: Core for a coding that is not understood.
  [[nodiscard]] static expected<std::unique_ptr<content_decoder>> make(std::string_view coding);
  ~content_decoder();
  content_decoder(const content_decoder&) = delete;
  content_decoder& operator=(const content_decoder&) = delete;

  /// Decodes from the front of `input` and appends at most `room` bytes to `out`. True: call again,
  /// there is more to decode. Error: Network when the data is corrupt.
  [[nodiscard]] expected<bool> decode(std::string_view& input, std::string& out, std::size_t room);
  /// The body ended. Error: Network when the coded data is cut short.
  [[nodiscard]] expected<void> finish() const;

 private:
  struct inflater;
  explicit content_decoder(std::unique_ptr<inflater> with);
  [[nodiscard]] bool prepare(std::string_view input);
  std::unique_ptr<inflater> inflater_;
};

}  // namespace graphbit
