#include <zlib.h>

#include <algorithm>
#include <new>

#include "content_decoder.hpp"

namespace graphbit {

namespace {

constexpr int gzip_or_zlib = 15 + 32;  // zlib's window bits with header detection
constexpr int raw_deflate = -15;

/// gzip and deflate, by zlib.
class inflating_decoder final : public content_decoder {
 public:
  /// "deflate" means zlib's format, but some servers send it raw.
  explicit inflating_decoder(bool is_deflate) : is_deflate_(is_deflate) {
    if (inflateInit2(&stream_, gzip_or_zlib) != Z_OK) throw std::bad_alloc();
  }
  ~inflating_decoder() override { inflateEnd(&stream_); }

  expected<bool> decode(std::string_view& input, std::string& out, std::size_t room) override {
    if (!input.empty() && !prepare(input)) input = {};
    if (ended_ || room == 0) return !input.empty();
    const auto step = std::min(room, step_bytes);
    const auto before = out.size();
    out.resize(before + step);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream_.avail_out = static_cast<uInt>(step);
    const int result = inflate(&stream_, Z_SYNC_FLUSH);
    out.resize(out.size() - stream_.avail_out);
    input.remove_prefix(input.size() - stream_.avail_in);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      return fail(corrupt(stream_.msg != nullptr ? stream_.msg : "zlib error"));
    ended_ = result == Z_STREAM_END;
    return ended_ ? !input.empty() : stream_.avail_out == 0;
  }

 private:
  /// Chooses the format at the first byte, and starts over for another gzip member. False: what is
  /// left of the input is padding.
  bool prepare(std::string_view input) {
    const auto first = static_cast<unsigned char>(input.front());
    if (!begun_) {
      begun_ = true;
      if (is_deflate_ && (first & 0x0f) != Z_DEFLATED) inflateReset2(&stream_, raw_deflate);
      return true;
    }
    if (!ended_) return true;
    if (is_deflate_ || first != 0x1f) return false;
    inflateReset(&stream_);
    ended_ = false;
    return true;
  }

  z_stream stream_{};
  const bool is_deflate_;
};

}  // namespace

std::unique_ptr<content_decoder> make_inflating_decoder(bool is_deflate) {
  return std::make_unique<inflating_decoder>(is_deflate);
}

}  // namespace graphbit
