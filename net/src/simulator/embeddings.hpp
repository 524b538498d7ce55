#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace graphbit::sim {

/// A unit vector for a text: the same for the same text and seed, and the closer the more words
/// two texts share.
[[nodiscard]] std::vector<float> embed_text(std::string_view text, std::size_t dimensions,
                                            std::uint64_t seed);

/// Appends a vector as a JSON array of numbers.
void append_vector(const std::vector<float>& vector, std::string& out);
/// Appends a vector as base64 of its little-endian 32-bit floats.
void append_vector_base64(const std::vector<float>& vector, std::string& out);

}  // namespace graphbit::sim
