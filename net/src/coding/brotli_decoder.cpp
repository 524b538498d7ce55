#include <brotli/decode.h>

#include <algorithm>
#include <new>

#include "content_decoder.hpp"

namespace graphbit {

namespace {

/// br (RFC 7932). What follows its end is ignored.
class brotli_decoder final : public content_decoder {
 public:
  brotli_decoder() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) throw std::bad_alloc();
  }
  ~brotli_decoder() override { BrotliDecoderDestroyInstance(state_); }

  expected<bool> decode(std::string_view& input, std::string& out, std::size_t room) override {
    if (ended_) input = {};
    if (ended_ || room == 0) return !input.empty();
    begun_ = begun_ || !input.empty();
    const auto step = std::min(room, step_bytes);
    const auto before = out.size();
    out.resize(before + step);
    const auto* from = reinterpret_cast<const std::uint8_t*>(input.data());
    auto* to = reinterpret_cast<std::uint8_t*>(out.data() + before);
    std::size_t left = input.size(), free = step;
    const auto result = BrotliDecoderDecompressStream(state_, &left, &from, &free, &to, nullptr);
    out.resize(out.size() - free);
    input.remove_prefix(input.size() - left);
    if (result == BROTLI_DECODER_RESULT_ERROR)
      return fail(corrupt(BrotliDecoderErrorString(BrotliDecoderGetErrorCode(state_))));
    ended_ = result == BROTLI_DECODER_RESULT_SUCCESS;
    if (ended_) input = {};
    return result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
  }

 private:
  BrotliDecoderState* state_;
};

}  // namespace

std::unique_ptr<content_decoder> make_brotli_decoder() {
  return std::make_unique<brotli_decoder>();
}

}  // namespace graphbit
