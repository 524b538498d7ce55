#include <graphbit/runtime/secret.hpp>

#include <algorithm>

namespace graphbit {

namespace {

constexpr std::string_view ellipsis = "\xe2\x80\xa6";  // U+2026
constexpr std::size_t long_secret_bytes = 20;  // below this, seven bytes would tell too much

}  // namespace

std::string secret::redacted() const {
  if (text_.empty()) return {};
  const bool ascii =
      std::all_of(text_.begin(), text_.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (text_.size() < long_secret_bytes || !ascii) return std::string(ellipsis);
  std::string out = text_.substr(0, 3);
  out += ellipsis;
  out.append(text_, text_.size() - 4);
  return out;
}

std::string redact(std::string_view text, const secret& key) {
  if (key.empty()) return std::string(text);
  const std::string shown = key.redacted();
  std::string out;
  std::size_t from = 0;
  for (auto at = text.find(key.expose()); at != std::string_view::npos;
       at = text.find(key.expose(), from)) {
    out.append(text, from, at - from).append(shown);
    from = at + key.expose().size();
  }
  return out.append(text, from);
}

}  // namespace graphbit
