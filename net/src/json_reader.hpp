#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/runtime/limits.hpp>

namespace graphbit {

/// Reads one JSON text from front to back, in place, without building a document.
///
/// Problem: a provider's reply is one long string among a few wanted members and many unwanted
/// ones. A document allocates for all of them, and event handlers turn a simple shape into a state
/// machine. With this reader the decoder has the shape of the JSON: it names what it wants, skips
/// the rest, and strings come as views, unescaped where they stand.
///
/// Usage: each call takes exactly one value. A value of another type than the one asked for is
/// skipped and gives the empty answer, because providers send null where they have nothing. Faults
/// are remembered: after one every call gives the empty answer, and `finish` says false.
/// The text's UTF-8 is not checked (see is_utf8); half a surrogate pair becomes U+FFFD.
class json_reader {
 public:
  enum class type : std::uint8_t { object, array, string, number, boolean, null, fault };

  /// `text` is changed by reading, and must outlive the views.
  explicit json_reader(std::string& text) noexcept
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {}

  /// The type of the next value.
  [[nodiscard]] type peek() noexcept;

  /// Calls `member(key)` for each member of an object; it must take the member's value.
  template <class F>
  void object(F&& member) {
    if (!open('{')) return;
    if (closes('}')) return;
    do {
      const std::string_view key = quoted();
      colon();
      if (failed_) return;
      member(key);
    } while (more('}'));
  }

  /// Calls `item()` for each item of an array; it must take the item.
  template <class F>
  void array(F&& item) {
    if (!open('[')) return;
    if (closes(']')) return;
    do {
      item();
    } while (more(']'));
  }

  /// A string, unescaped.
  [[nodiscard]] std::string_view string() noexcept;
  /// A string into `out`, which stays as it is for any other type.
  void read(std::string& out) {
    if (peek() == type::string)
      out = string();
    else
      skip();
  }
  /// A count; negative ones give 0, too large ones the largest.
  void read(std::uint32_t& out) noexcept;
  /// A number; 0 for any other type.
  [[nodiscard]] double number() noexcept;
  /// true; false for anything else.
  [[nodiscard]] bool boolean() noexcept;
  /// An array of nothing but numbers, appended to `out`. False when it was something else.
  [[nodiscard]] bool floats(std::vector<float>& out);
  /// The next value's text as it stands.
  [[nodiscard]] std::string_view raw() noexcept;
  void skip() noexcept;

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  /// True when the whole text was one value and nothing else.
  [[nodiscard]] bool finish() noexcept;

 private:
  void skip_space() noexcept {
    while (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t') ++at_;
  }
  void fault() noexcept;
  [[nodiscard]] bool open(char bracket) noexcept;
  [[nodiscard]] bool closes(char bracket) noexcept;
  [[nodiscard]] bool more(char bracket) noexcept;
  void colon() noexcept;
  [[nodiscard]] std::string_view quoted() noexcept;
  [[nodiscard]] char* unescape(char* out) noexcept;
  [[nodiscard]] char* unescape_unicode(char* out) noexcept;
  void skip_quoted() noexcept;
  void skip_object() noexcept;
  void skip_array() noexcept;
  [[nodiscard]] std::string_view digits() noexcept;
  void word(std::string_view expected) noexcept;

  // The text ends with a NUL byte (as a std::string's does), which no rule of JSON lets pass, so
  // that looking at *at_ needs no check against end_.
  char* begin_;
  char* at_;
  char* end_;
  std::size_t depth_ = 0;
  bool failed_ = false;
};

/// True when `text` is one JSON value of that type and nothing else.
[[nodiscard]] bool is_json(std::string_view text, json_reader::type type);

}  // namespace graphbit
