#include <graphbit/runtime/json_scan.hpp>

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace graphbit {

namespace {

bool is_plain(char c) noexcept {
  return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
}

/// Bytes at the front below 0x80.
std::size_t ascii_bytes(const char* text, std::size_t bytes) noexcept {
  constexpr std::uint64_t high_bits = 0x8080808080808080ULL;
  std::size_t at = 0;
  for (; bytes - at >= 16; at += 16) {
    std::uint64_t words[2];
    std::memcpy(words, text + at, 16);
    if (((words[0] | words[1]) & high_bits) != 0) break;
  }
  while (at < bytes && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

/// Length of the well-formed multi-byte character at `s`, or 0. Table 3-7 of the Unicode Standard.
std::size_t character_bytes(const unsigned char* s, std::size_t bytes) noexcept {
  const auto continues = [&](std::size_t i) { return i < bytes && (s[i] & 0xc0) == 0x80; };
  const unsigned char first = s[0];
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!continues(1) || !continues(2)) return 0;
    const bool overlong = first == 0xe0 && s[1] < 0xa0;
    const bool surrogate = first == 0xed && s[1] > 0x9f;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    const bool overlong = first == 0xf0 && s[1] < 0x90;
    const bool too_big = first == 0xf4 && s[1] > 0x8f;
    return overlong || too_big ? 0 : 4;
  }
  return 0;
}

}  // namespace

std::size_t json_plain_bytes(const char* text, std::size_t bytes) noexcept {
  std::size_t at = 0;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1f);
  for (; bytes - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + at));
    const __m128i control = _mm_cmpeq_epi8(_mm_max_epu8(block, last_control), last_control);
    const __m128i special = _mm_or_si128(
        control, _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
    if (mask != 0) return at + static_cast<std::size_t>(__builtin_ctz(mask));
  }
#endif
  while (at < bytes && is_plain(text[at])) ++at;
  return at;
}

bool is_utf8(std::string_view text) noexcept {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t at = ascii_bytes(text.data(), text.size());
  while (at < text.size()) {
    const std::size_t length = character_bytes(bytes + at, text.size() - at);
    if (length == 0) return false;
    at += length;
    if (at < text.size() && bytes[at] < 0x80) at += ascii_bytes(text.data() + at, text.size() - at);
  }
  return true;
}

}  // namespace graphbit
