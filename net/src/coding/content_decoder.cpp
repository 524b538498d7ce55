#include "content_decoder.hpp"

namespace graphbit {

namespace {

std::string lower_trimmed(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '\t') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return out;
}

}  // namespace

expected<std::unique_ptr<content_decoder>> content_decoder::make(std::string_view coding) {
  const auto name = lower_trimmed(coding);
  if (name.empty() || name == "identity") return nullptr;
  if (name == "gzip" || name == "x-gzip") return make_inflating_decoder(false);
  if (name == "deflate") return make_inflating_decoder(true);
  if (name == "br") return make_brotli_decoder();
  if (name == "zstd") return make_zstd_decoder();
  return fail(core_error("the answer is encoded as '" + name.substr(0, 40) +
                         "', which was not asked for: only gzip, deflate, br and zstd are "
                         "understood, one at a time"));
}

expected<void> content_decoder::finish() const {
  if (begun_ && !ended_) return fail(network_error("the compressed answer was cut short"));
  return {};
}

error content_decoder::corrupt(std::string_view why) {
  return network_error("the compressed answer is corrupt: " + std::string(why));
}

}  // namespace graphbit
