#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace graphbit::sim {

/// The words a text seems to be about, most frequent first.
struct keywords {
  std::array<std::string_view, 6> words;
  std::size_t count = 0;
  std::size_t words_read = 0;
};

/// Reads the first 4 KiB of a text: enough for a plausible answer at a bounded cost.
[[nodiscard]] keywords find_keywords(std::string_view text);

/// A few sentences in answer to a prompt, made of its own words.
[[nodiscard]] std::string digest_text(std::string_view prompt, std::uint64_t hash);
/// A text of exactly `size` bytes of plain ASCII that tells prompts apart.
[[nodiscard]] std::string filler_text(std::size_t size, std::uint64_t hash);

/// Splits into `count` pieces of about equal size, or one per word for 0; never inside a UTF-8
/// character. An empty text has no pieces.
[[nodiscard]] std::vector<std::string_view> split_text(std::string_view text, std::size_t count);

/// The number of tokens a provider would count, roughly: four bytes each.
[[nodiscard]] constexpr std::size_t count_tokens(std::size_t bytes) { return (bytes + 3) / 4; }

/// `text` cut to at most `bytes_max`, never inside a UTF-8 character.
[[nodiscard]] std::string_view cut_text(std::string_view text, std::size_t bytes_max);

}  // namespace graphbit::sim
