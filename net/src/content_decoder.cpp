#include "content_decoder.hpp"

#include <zlib.h>

#include <algorithm>
#include <stdexcept>

namespace graphbit {

namespace {

constexpr std::size_t step_bytes = 32 * 1024;
constexpr int gzip_or_zlib = 15 + 32;  // zlib's window bits with header detection
constexpr int raw_deflate = -15;

std::string lower_trimmed(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '\t') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return out;
}

}  // namespace

struct content_decoder::inflater {
  z_stream stream{};
  bool is_deflate = false;  // "deflate" means zlib's format, but some servers send it raw
  bool begun = false;
  bool ended = false;
};

content_decoder::content_decoder(std::unique_ptr<inflater> with) : inflater_(std::move(with)) {
  if (inflateInit2(&inflater_->stream, gzip_or_zlib) != Z_OK)
    throw std::runtime_error("zlib cannot be initialised");
}

content_decoder::~content_decoder() { inflateEnd(&inflater_->stream); }

expected<std::unique_ptr<content_decoder>> content_decoder::make(std::string_view coding) {
  const auto name = lower_trimmed(coding);
  if (name.empty() || name == "identity") return nullptr;
  if (name != "gzip" && name != "x-gzip" && name != "deflate")
    return fail(core_error("the answer is encoded as '" + name.substr(0, 40) +
                           "', which was not asked for: only gzip and deflate are understood"));
  auto with = std::make_unique<inflater>();
  with->is_deflate = name == "deflate";
  return std::unique_ptr<content_decoder>(new content_decoder(std::move(with)));
}

/// Chooses the format at the first byte, and starts over for another gzip member. False: what is
/// left of the input is padding.
bool content_decoder::prepare(std::string_view input) {
  auto& z = inflater_->stream;
  const auto first = static_cast<unsigned char>(input.front());
  if (!inflater_->begun) {
    inflater_->begun = true;
    if (inflater_->is_deflate && (first & 0x0f) != Z_DEFLATED) inflateReset2(&z, raw_deflate);
    return true;
  }
  if (!inflater_->ended) return true;
  if (inflater_->is_deflate || first != 0x1f) return false;
  inflateReset(&z);
  inflater_->ended = false;
  return true;
}

expected<bool> content_decoder::decode(std::string_view& input, std::string& out,
                                       std::size_t room) {
  if (!input.empty() && !prepare(input)) input = {};
  if (inflater_->ended || room == 0) return !input.empty();
  auto& z = inflater_->stream;
  const auto step = std::min(room, step_bytes);
  const auto before = out.size();
  out.resize(before + step);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  z.avail_in = static_cast<uInt>(input.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data() + before);
  z.avail_out = static_cast<uInt>(step);
  const int result = inflate(&z, Z_SYNC_FLUSH);
  out.resize(out.size() - z.avail_out);
  input.remove_prefix(input.size() - z.avail_in);
  if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
    return fail(network_error("the compressed answer is corrupt: " +
                              std::string(z.msg != nullptr ? z.msg : "zlib error")));
  inflater_->ended = result == Z_STREAM_END;
  return inflater_->ended ? !input.empty() : z.avail_out == 0;
}

expected<void> content_decoder::finish() const {
  if (inflater_->begun && !inflater_->ended)
    return fail(network_error("the compressed answer was cut short"));
  return {};
}

}  // namespace graphbit
