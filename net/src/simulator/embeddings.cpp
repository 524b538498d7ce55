#include "embeddings.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>

#include <graphbit/runtime/random.hpp>

#include "reply_text.hpp"

namespace graphbit::sim {

namespace {

void add_direction(std::vector<float>& vector, std::uint64_t seed, float weight) {
  random_source random(seed);
  for (auto& x : vector) {
    const auto bits = random.next();
    x += weight * (static_cast<float>(bits & 0xffffff) / 0x800000 - 1.0F);
  }
}

/// Six digits after the point, as text; much cheaper than printf for long vectors.
void append_fixed(float x, std::string& out) {
  const auto millionths = std::lround(static_cast<double>(x) * 1e6);
  auto n = static_cast<unsigned long>(std::labs(millionths));
  if (millionths < 0) out += '-';
  out.append(std::to_string(n / 1'000'000)).append(1, '.');
  char digits[6];
  n %= 1'000'000;
  for (int i = 5; i >= 0; --i, n /= 10) digits[i] = static_cast<char>('0' + n % 10);
  out.append(digits, sizeof digits);
}

}  // namespace

std::vector<float> embed_text(std::string_view text, std::size_t dimensions, std::uint64_t seed) {
  std::vector<float> vector(dimensions, 0.0F);
  const auto hash = std::hash<std::string_view>{};
  add_direction(vector, hash(text) ^ seed, 1.0F);
  const auto about = find_keywords(text);
  for (std::size_t i = 0; i < about.count; ++i)
    add_direction(vector, hash(about.words[i]) + seed, 2.0F);
  double sum = 0;
  for (const auto x : vector) sum += static_cast<double>(x) * x;
  const auto scale = static_cast<float>(sum > 0 ? 1 / std::sqrt(sum) : 0);
  for (auto& x : vector) x *= scale;
  return vector;
}

void append_vector(const std::vector<float>& vector, std::string& out) {
  out += '[';
  for (std::size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) out += ',';
    append_fixed(vector[i], out);
  }
  out += ']';
}

void append_vector_base64(const std::vector<float>& vector, std::string& out) {
  static_assert(std::endian::native == std::endian::little);
  constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto size = vector.size() * sizeof(float);
  std::vector<unsigned char> bytes(size + 2, 0);
  std::memcpy(bytes.data(), vector.data(), size);
  const auto start = out.size();
  for (std::size_t i = 0; i < size; i += 3) {
    const auto n = bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) out += alphabet[n >> shift & 63];
  }
  for (std::size_t i = out.size() - (3 - size % 3) % 3; i < out.size(); ++i)
    if (i >= start) out[i] = '=';
}

}  // namespace graphbit::sim
