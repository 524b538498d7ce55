#include "pattern_sample.hpp"

#include <algorithm>
#include <utility>

namespace graphbit::sim {

namespace {

constexpr std::size_t text_bytes_max = 4'096;
constexpr std::size_t repeat_max = 256;
constexpr int depth_max = 32;

constexpr std::string_view digits = "0123456789";
constexpr std::string_view word = "abcdefghijklmnopqrstuvwxyz0123456789_";
constexpr std::string_view printable =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "
    "_-.,:;!?@#%&*()+/=<>[]{}|~^$\\\"'";

/// Reads a pattern once, writing what it matches as it goes; alternatives that are not chosen are
/// read without writing.
class pattern_writer {
 public:
  pattern_writer(std::string_view pattern, std::uint64_t hash) : rest_(pattern), hash_(hash) {}

  std::optional<std::string> run() {
    alternatives(0);
    if (failed_ || !rest_.empty()) return std::nullopt;
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool at(char c) const { return !rest_.empty() && rest_.front() == c; }
  char take() {
    if (rest_.empty()) {
      failed_ = true;
      return 0;
    }
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  /// The first alternative is written.
  void alternatives(int depth) {
    if (depth > depth_max) failed_ = true;
    sequence(depth);
    while (!failed_ && at('|')) {
      take();
      const auto kept = out_.size();
      sequence(depth);
      out_.resize(kept);
    }
  }

  void sequence(int depth) {
    while (!failed_ && !rest_.empty() && !at('|') && !at(')')) {
      const auto begin = out_.size();
      atom(depth);
      repeat(begin);
    }
  }

  void atom(int depth) {
    const char c = take();
    if (c == '^' || c == '$') return;
    if (c == '(') return group(depth);
    if (c == '[') return one_of(read_class());
    if (c == '.') return one_of(std::string(word));
    if (c == '\\') return escape();
    out_ += c;
  }

  void group(int depth) {
    if (at('?')) {
      take();
      if (take() != ':') failed_ = true;  // look-around and names are not followed
    }
    if (!failed_) alternatives(depth + 1);
    if (take() != ')') failed_ = true;
  }

  void escape() {
    const char c = take();
    if (c == 'b' || c == 'B') return;
    if (c >= '1' && c <= '9') failed_ = true;  // a back reference
    one_of(escaped(c));
  }

  static std::string escaped(char c) {
    switch (c) {
      case 'd':
        return std::string(digits);
      case 'w':
        return std::string(word);
      case 's':
        return " ";
      case 'D':
        return "abcdefgh";
      case 'W':
        return "-";
      case 'S':
        return std::string(word);
      case 'n':
        return "\n";
      case 't':
        return "\t";
      default:
        return {c};
    }
  }

  /// The characters of "[...]", the opening bracket read already.
  std::string read_class() {
    std::string chars;
    const bool negated = at('^');
    if (negated) take();
    for (bool first = true; !failed_ && (first || !at(']')); first = false) {
      const char c = take();
      if (c == '\\') {
        chars += escaped(take());
      } else if (at('-') && rest_.size() > 1 && rest_[1] != ']') {
        take();
        for (int i = static_cast<unsigned char>(c), last = static_cast<unsigned char>(take());
             i <= last; ++i)
          chars += static_cast<char>(i);
      } else {
        chars += c;
      }
    }
    take();
    if (!negated) return chars;
    std::string others;
    for (const char c : printable)
      if (chars.find(c) == std::string::npos) others += c;
    return others;
  }

  void one_of(const std::string& chars) {
    if (chars.empty()) {
      failed_ = true;
      return;
    }
    hash_ = hash_ * 6364136223846793005ULL + 1442695040888963407ULL;
    out_ += chars[(hash_ >> 33) % chars.size()];
  }

  /// Repeats what was written since `begin` as the quantifier asks: once where it may.
  void repeat(std::size_t begin) {
    std::size_t least = 1, most = 1;
    if (at('*') || at('+') || at('?')) {
      take();
    } else if (at('{')) {
      take();
      least = most = number();
      if (at(',')) {
        take();
        most = at('}') ? repeat_max : number();
      }
      if (take() != '}') failed_ = true;
    }
    if (at('?')) take();  // lazy or not makes no difference here
    const auto count = std::clamp<std::size_t>(1, std::min(least, most), most);
    const auto piece = out_.substr(begin);
    if (count > repeat_max || out_.size() + piece.size() * count > text_bytes_max) failed_ = true;
    out_.resize(begin);
    for (std::size_t i = 0; i < count && !failed_; ++i) out_ += piece;
  }

  std::size_t number() {
    std::size_t n = 0;
    while (!rest_.empty() && digits.find(rest_.front()) != std::string_view::npos &&
           n <= repeat_max)
      n = n * 10 + static_cast<std::size_t>(take() - '0');
    return n;
  }

  std::string_view rest_;
  std::uint64_t hash_;
  std::string out_;
  bool failed_ = false;
};

}  // namespace

std::optional<std::string> sample_pattern(std::string_view pattern, std::uint64_t hash) {
  return pattern_writer(pattern, hash).run();
}

}  // namespace graphbit::sim
