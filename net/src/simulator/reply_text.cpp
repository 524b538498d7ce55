#include "reply_text.hpp"

#include <algorithm>
#include <functional>

namespace graphbit::sim {

namespace {

constexpr std::size_t read_bytes_max = 4 * 1024;
constexpr std::size_t word_bytes_min = 4;
constexpr std::size_t word_bytes_max = 24;

// Words that say nothing about a text, sorted.
constexpr std::array stop_words = {
    "about",   "above", "after", "also",    "another", "answer", "because", "been",      "before",
    "being",   "below", "both",  "could",   "does",    "each",   "either",  "following", "from",
    "given",   "have",  "here",  "however", "into",    "just",   "many",    "more",      "most",
    "much",    "must",  "only",  "other",   "over",    "please", "shall",   "should",    "some",
    "such",    "text",  "than",  "that",    "their",   "them",   "then",    "there",     "these",
    "they",    "this",  "those", "under",   "upon",    "used",   "using",   "very",      "were",
    "what",    "when",  "where", "which",   "while",   "whose",  "will",    "with",      "within",
    "without", "word",  "words", "would",   "write",   "your"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_word_byte(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || u >= 0x80;
}

bool is_stop_word(std::string_view word) {
  return std::binary_search(stop_words.begin(), stop_words.end(), word,
                            [](std::string_view a, std::string_view b) { return a < b; });
}

/// Counts words in a table of fixed size; what finds no place in it is rare and left out.
class word_table {
 public:
  void add(std::string_view word) {
    std::array<char, word_bytes_max> small;
    std::transform(word.begin(), word.end(), small.begin(), lower);
    const std::string_view key(small.data(), word.size());
    if (is_stop_word(key)) return;
    const auto hash = std::hash<std::string_view>{}(key);
    for (std::size_t i = 0; i < 8; ++i) {
      auto& e = entries_[(hash + i) % entries_.size()];
      if (e.count == 0) e = {word, hash, 0, order_++};
      if (e.hash == hash) {
        ++e.count;
        return;
      }
    }
  }

  void best(keywords& out) {
    const auto used = std::partition(entries_.begin(), entries_.end(),
                                     [](const entry& e) { return e.count > 0; });
    const auto wanted = std::min<std::size_t>(out.words.size(), used - entries_.begin());
    std::partial_sort(entries_.begin(), entries_.begin() + wanted, used,
                      [](const entry& a, const entry& b) {
                        return a.count != b.count ? a.count > b.count : a.order < b.order;
                      });
    for (std::size_t i = 0; i < wanted; ++i) out.words[i] = entries_[i].word;
    out.count = wanted;
  }

 private:
  struct entry {
    std::string_view word;
    std::size_t hash = 0;
    std::uint32_t count = 0, order = 0;
  };
  std::array<entry, 128> entries_{};
  std::uint32_t order_ = 0;
};

std::size_t next_word_end(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] == ' ') ++at;
  while (at < text.size() && text[at] != ' ') ++at;
  return at;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string_view cut_text(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && is_continuation(text[bytes_max])) --bytes_max;
  return text.substr(0, bytes_max);
}

keywords find_keywords(std::string_view text) {
  text = cut_text(text, read_bytes_max);
  word_table table;
  keywords found;
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && !is_word_byte(text[at])) ++at;
    const auto begin = at;
    while (at < text.size() && is_word_byte(text[at])) ++at;
    const auto size = at - begin;
    if (size > 0) ++found.words_read;
    if (size >= word_bytes_min && size <= word_bytes_max) table.add(text.substr(begin, size));
  }
  table.best(found);
  return found;
}

std::string digest_text(std::string_view prompt, std::uint64_t hash) {
  const auto about = find_keywords(prompt);
  std::string out;
  if (about.count < 2) {
    out = "You said: ";
    return out.append(cut_text(prompt, 200)).append(".");
  }
  constexpr std::array openings = {"In short, this is about ", "The key points are ",
                                   "Overall the text deals with ", "What matters here: "};
  out = openings[hash % openings.size()];
  const auto first = std::min<std::size_t>(about.count, 3);
  for (std::size_t i = 0; i < first; ++i)
    out.append(i == 0 ? "" : i + 1 == first ? " and " : ", ").append(about.words[i]);
  out.append(".");
  if (about.count > 3) {
    out.append(" It turns on ").append(about.words[3]);
    if (about.count > 4) out.append(", and on how ").append(about.words[4]);
    if (about.count > 5) out.append(" relates to ").append(about.words[5]);
    out.append(".");
  }
  return out.append(" (").append(std::to_string(about.words_read)).append(" words read.)");
}

std::string filler_text(std::size_t size, std::uint64_t hash) {
  static const std::string block = [] {
    constexpr std::string_view sentence =
        "The provider answers with a sentence that says little and keeps its length. ";
    std::string b;
    while (b.size() < 64 * 1024) b.append(sentence);
    return b;
  }();
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(size);
  for (int shift = 60; shift >= 0 && out.size() < size; shift -= 4)
    out += digits[(hash >> shift) & 15];
  if (out.size() < size) out += ' ';
  while (out.size() < size) out.append(block, 0, size - out.size());
  return out;
}

std::vector<std::string_view> split_text(std::string_view text, std::size_t count) {
  std::vector<std::string_view> pieces;
  const auto total = text.size();
  for (std::size_t at = 0; at < total;) {
    auto end = count == 0 ? next_word_end(text, at)
                          : std::max(at + 1, total * (pieces.size() + 1) / count);
    while (end < total && is_continuation(text[end])) ++end;
    pieces.push_back(text.substr(at, end - at));
    at = end;
  }
  return pieces;
}

}  // namespace graphbit::sim
