#include <zstd.h>

#include <algorithm>
#include <new>

#include "content_decoder.hpp"

namespace graphbit {

namespace {

/// A server may ask for no larger window (RFC 9659), so a frame cannot claim more memory.
constexpr int window_log_max = 23;

/// zstd (RFC 8878): one frame or several in a row.
class zstd_decoder final : public content_decoder {
 public:
  zstd_decoder() : context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, window_log_max);
  }
  ~zstd_decoder() override { ZSTD_freeDCtx(context_); }

  expected<bool> decode(std::string_view& input, std::string& out, std::size_t room) override {
    if (room == 0) return !input.empty();
    if (input.empty() && (!begun_ || ended_)) return false;
    begun_ = true;
    const auto step = std::min(room, step_bytes);
    const auto before = out.size();
    out.resize(before + step);
    ZSTD_inBuffer from{input.data(), input.size(), 0};
    ZSTD_outBuffer to{out.data() + before, step, 0};
    const auto result = ZSTD_decompressStream(context_, &to, &from);
    out.resize(before + to.pos);
    input.remove_prefix(from.pos);
    if (ZSTD_isError(result) != 0) return fail(corrupt(ZSTD_getErrorName(result)));
    ended_ = result == 0;
    return !input.empty() || (!ended_ && to.pos == step);
  }

 private:
  ZSTD_DCtx* context_;
};

}  // namespace

std::unique_ptr<content_decoder> make_zstd_decoder() { return std::make_unique<zstd_decoder>(); }

}  // namespace graphbit
