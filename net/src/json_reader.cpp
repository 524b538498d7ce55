#include "src/json_reader.hpp"

#include <charconv>
#include <cstring>
#include <limits>

#include <graphbit/runtime/json_scan.hpp>

#include <graphbit/runtime/decimal.hpp>

namespace graphbit {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// The value of four hex digits, or -1. A NUL byte is none, so the end of the text stops it.
int hex4(const char* s) noexcept {
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = s[i];
    int digit = -1;
    if (is_digit(c))
      digit = c - '0';
    else if (c >= 'a' && c <= 'f')
      digit = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
      digit = c - 'A' + 10;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

char* put_utf8(char* out, std::uint32_t c) noexcept {
  const auto put = [&out](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
  return out;
}

/// The character that a backslash and `c` stand for, or NUL for none.
char simple_escape(char c) noexcept {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    default:
      return '\0';
  }
}

}  // namespace

void json_reader::fault() noexcept {
  failed_ = true;
  at_ = end_;
}

json_reader::type json_reader::peek() noexcept {
  skip_space();
  switch (*at_) {
    case '{':
      return type::object;
    case '[':
      return type::array;
    case '"':
      return type::string;
    case 't':
    case 'f':
      return type::boolean;
    case 'n':
      return type::null;
    default:
      return *at_ == '-' || is_digit(*at_) ? type::number : type::fault;
  }
}

/// Enters a container; any other value is skipped.
bool json_reader::open(char bracket) noexcept {
  skip_space();
  if (*at_ != bracket) {
    skip();
    return false;
  }
  if (++depth_ > limits::json_depth_max) {
    fault();
    return false;
  }
  ++at_;
  return true;
}

/// Leaves a container that is empty.
bool json_reader::closes(char bracket) noexcept {
  skip_space();
  if (*at_ != bracket) return false;
  ++at_;
  --depth_;
  return true;
}

/// Steps over the comma to the next item, or leaves the container.
bool json_reader::more(char bracket) noexcept {
  skip_space();
  if (*at_ == ',') {
    ++at_;
    return true;
  }
  if (!closes(bracket)) fault();
  return false;
}

void json_reader::colon() noexcept {
  skip_space();
  if (*at_ == ':')
    ++at_;
  else
    fault();
}

std::string_view json_reader::string() noexcept {
  skip_space();
  if (*at_ == '"') return quoted();
  skip();
  return {};
}

std::string_view json_reader::quoted() noexcept {
  skip_space();
  if (*at_ != '"') {
    fault();
    return {};
  }
  char* const start = ++at_;
  at_ += json_plain_bytes(at_, static_cast<std::size_t>(end_ - at_));
  char* out = at_;
  while (*at_ == '\\') {
    out = unescape(out);
    const std::size_t plain = json_plain_bytes(at_, static_cast<std::size_t>(end_ - at_));
    std::memmove(out, at_, plain);
    out += plain;
    at_ += plain;
  }
  if (*at_ != '"' || failed_) {
    fault();
    return {};
  }
  ++at_;
  return {start, static_cast<std::size_t>(out - start)};
}

/// Writes the character of the escape at at_ to `out`, which is never past at_.
char* json_reader::unescape(char* out) noexcept {
  if (at_[1] == 'u') return unescape_unicode(out);
  const char c = simple_escape(at_[1]);
  if (c == '\0') {
    fault();
    return out;
  }
  *out = c;
  at_ += 2;
  return out + 1;
}

char* json_reader::unescape_unicode(char* out) noexcept {
  constexpr std::uint32_t replacement = 0xfffd;
  const int first = hex4(at_ + 2);
  if (first < 0) {
    fault();
    return out;
  }
  at_ += 6;
  if (first < 0xd800 || first > 0xdfff) return put_utf8(out, static_cast<std::uint32_t>(first));
  if (first > 0xdbff || at_[0] != '\\' || at_[1] != 'u') return put_utf8(out, replacement);
  const int second = hex4(at_ + 2);
  if (second < 0xdc00 || second > 0xdfff) return put_utf8(out, replacement);
  at_ += 6;
  return put_utf8(out, 0x10000u + (static_cast<std::uint32_t>(first - 0xd800) << 10) +
                           static_cast<std::uint32_t>(second - 0xdc00));
}

void json_reader::read(std::uint32_t& out) noexcept {
  if (peek() != type::number) {
    skip();
    return;
  }
  constexpr double largest = std::numeric_limits<std::uint32_t>::max();
  const double n = number();
  if (n >= largest)
    out = std::numeric_limits<std::uint32_t>::max();
  else
    out = n > 0 ? static_cast<std::uint32_t>(n) : 0;
}

double json_reader::number() noexcept {
  if (peek() != type::number) {
    skip();
    return 0;
  }
  return parse_decimal(digits());
}

bool json_reader::boolean() noexcept {
  skip_space();
  const bool value = *at_ == 't';
  skip();
  return value && !failed_;
}

bool json_reader::floats(std::vector<float>& out) {
  bool all = peek() == type::array;
  array([&] {
    all = all && peek() == type::number;
    if (all)
      out.push_back(static_cast<float>(parse_decimal(digits())));
    else
      skip();
  });
  return all && !failed_;
}

/// A number's text, checked against the grammar of RFC 8259.
std::string_view json_reader::digits() noexcept {
  const char* const start = at_;
  const auto run = [this] {
    if (!is_digit(*at_)) return false;
    while (is_digit(*at_)) ++at_;
    return true;
  };
  if (*at_ == '-') ++at_;
  bool good = true;
  if (*at_ == '0')
    ++at_;
  else
    good = run();
  if (good && *at_ == '.') {
    ++at_;
    good = run();
  }
  if (good && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (*at_ == '+' || *at_ == '-') ++at_;
    good = run();
  }
  if (!good) {
    fault();
    return {};
  }
  return {start, static_cast<std::size_t>(at_ - start)};
}

std::string_view json_reader::raw() noexcept {
  skip_space();
  const char* const start = at_;
  skip();
  return failed_ ? std::string_view{}
                 : std::string_view(start, static_cast<std::size_t>(at_ - start));
}

void json_reader::skip() noexcept {
  switch (peek()) {
    case type::object:
      return skip_object();
    case type::array:
      return skip_array();
    case type::string:
      return skip_quoted();
    case type::number:
      static_cast<void>(digits());
      return;
    case type::boolean:
      return word(*at_ == 't' ? "true" : "false");
    case type::null:
      return word("null");
    case type::fault:
      return fault();
  }
}

void json_reader::skip_object() noexcept {
  if (!open('{') || closes('}')) return;
  do {
    skip_space();
    skip_quoted();
    colon();
    skip();
  } while (more('}'));
}

void json_reader::skip_array() noexcept {
  if (!open('[') || closes(']')) return;
  do {
    skip();
  } while (more(']'));
}

void json_reader::skip_quoted() noexcept {
  if (*at_ != '"') return fault();
  ++at_;
  while (true) {
    at_ += json_plain_bytes(at_, static_cast<std::size_t>(end_ - at_));
    if (*at_ == '"') break;
    if (*at_ != '\\') return fault();
    const bool unicode = at_[1] == 'u';
    if (unicode ? hex4(at_ + 2) < 0 : simple_escape(at_[1]) == '\0') return fault();
    at_ += unicode ? 6 : 2;
  }
  ++at_;
}

void json_reader::word(std::string_view expected) noexcept {
  const auto left = static_cast<std::size_t>(end_ - at_);
  if (std::string_view(at_, left).substr(0, expected.size()) != expected) return fault();
  at_ += expected.size();
}

bool json_reader::finish() noexcept {
  skip_space();
  if (at_ != end_) fault();
  return !failed_;
}

bool is_json(std::string_view text, json_reader::type type) {
  std::string copy(text);
  json_reader reader(copy);
  if (reader.peek() != type) return false;
  reader.skip();
  return reader.finish();
}

}  // namespace graphbit
