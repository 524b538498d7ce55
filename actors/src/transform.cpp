#include "src/transform.hpp"

#include <array>
#include <charconv>
#include <cwctype>
#include <memory>
#include <utility>

#include <clocale>

namespace graphbit {

namespace {

constexpr std::array<std::pair<std::string_view, transform_kind>, 10> names{{
    {"uppercase", transform_kind::uppercase},
    {"lowercase", transform_kind::lowercase},
    {"trim", transform_kind::trim},
    {"json_extract", transform_kind::json_extract},
    {"template", transform_kind::template_text},
    {"split", transform_kind::split},
    {"chunk", transform_kind::chunk},
    {"join", transform_kind::join},
    {"first", transform_kind::first},
    {"last", transform_kind::last},
}};

constexpr std::string_view white = " \t\r\n\v\f";

std::string_view trimmed(std::string_view text) noexcept {
  const auto from = text.find_first_not_of(white);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(white) - from + 1);
}

/// The C library's Unicode letters, whatever the process's own locale is.
locale_t unicode_letters() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

struct code_point {
  char32_t value = 0;
  std::size_t bytes = 1;  ///< 1 and value 0 for a byte that is no UTF-8
};

code_point decode(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto tail = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0) == 0x80; };
  const unsigned char b = at(0);
  if (b >= 0xC2 && b < 0xE0 && tail(1))
    return {static_cast<char32_t>((b & 0x1F) << 6 | (at(1) & 0x3F)), 2};
  if (b >= 0xE0 && b < 0xF0 && tail(1) && tail(2))
    return {static_cast<char32_t>((b & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F)), 3};
  if (b >= 0xF0 && b < 0xF5 && tail(1) && tail(2) && tail(3))
    return {static_cast<char32_t>((b & 0x07) << 18 | (at(1) & 0x3F) << 12 | (at(2) & 0x3F) << 6 |
                                  (at(3) & 0x3F)),
            4};
  return {};
}

void encode(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

char32_t changed_case(char32_t c, bool upper) {
  const auto letter = static_cast<wint_t>(c);
  const locale_t locale = unicode_letters();
  if (locale == nullptr) return c;
  return static_cast<char32_t>(upper ? towupper_l(letter, locale) : towlower_l(letter, locale));
}

std::string with_case(std::string_view text, bool upper) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char c = text.front();
    if (static_cast<unsigned char>(c) < 0x80) {
      const bool flips = upper ? (c >= 'a' && c <= 'z') : (c >= 'A' && c <= 'Z');
      out += static_cast<char>(flips ? c ^ 0x20 : c);
      text.remove_prefix(1);
      continue;
    }
    const code_point point = decode(text);
    if (point.value == 0)
      out += c;
    else
      encode(out, changed_case(point.value, upper));
    text.remove_prefix(point.bytes);
  }
  return out;
}

expected<node_output> extract(const node_output& input, std::string_view path) {
  json_value parsed;
  const json_value* root = input.structured();
  if (root == nullptr) {
    auto value = parse_json(trimmed(input.text()));
    if (!value)
      return fail(validation_error(
          "input", "json_extract needs JSON as its input: " + value.error().message));
    parsed = std::move(*value);
    root = &parsed;
  }
  const json_value* found = follow_path(*root, path);
  if (found == nullptr)
    return fail(validation_error("argument", "json_extract found nothing under this path",
                                 std::string(path)));
  return node_output::from_json(*found);
}

node_output split(std::string_view text, std::string_view separator) {
  json_value::array parts;
  while (true) {
    const auto at = text.find(separator);
    const auto part = trimmed(text.substr(0, at));
    if (!part.empty()) parts.emplace_back(std::string(part));
    if (at == std::string_view::npos) break;
    text.remove_prefix(at + separator.size());
  }
  return node_output::from_json(std::move(parts));
}

/// Where a piece of at most `bytes` may end: after the last empty line in it, else line, sentence,
/// word, else before the character that would not fit whole.
std::size_t good_end(std::string_view text, std::size_t bytes) {
  const std::string_view head = text.substr(0, bytes);
  for (const std::string_view mark : {"\n\n", "\n", ". ", " "})
    if (const auto at = head.rfind(mark); at != std::string_view::npos && at > 0)
      return at + mark.size();
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end == 0 ? bytes : end;
}

/// Pieces of at most `argument` bytes, cut where a reader would pause.
expected<node_output> chunk(std::string_view text, std::string_view argument) {
  constexpr std::size_t bytes_default = 4000;
  std::size_t bytes = bytes_default;
  argument = trimmed(argument);
  const auto [end, code] =
      std::from_chars(argument.data(), argument.data() + argument.size(), bytes);
  const bool given = !argument.empty();
  if (given && (code != std::errc() || end != argument.data() + argument.size() || bytes < 4))
    return fail(validation_error("argument", "chunk needs a number of bytes, at least 4",
                                 std::string(argument)));
  json_value::array parts;
  while (!text.empty()) {
    const std::size_t cut = text.size() <= bytes ? text.size() : good_end(text, bytes);
    if (const auto part = trimmed(text.substr(0, cut)); !part.empty())
      parts.emplace_back(std::string(part));
    text.remove_prefix(cut);
  }
  return node_output::from_json(std::move(parts));
}

node_output join(const node_output& input, std::string_view separator) {
  const json_value* list = input.structured();
  if (list == nullptr || !list->is_array()) return input;
  std::string out;
  bool first = true;
  for (const json_value& item : list->as_array()) {
    if (!std::exchange(first, false)) out += separator;
    out += to_text(item);
  }
  return node_output::from_text(std::move(out));
}

/// The first or last item of a list, or line of a text that is not blank.
node_output end_of(const node_output& input, bool first) {
  if (const json_value* list = input.structured(); list != nullptr && list->is_array()) {
    const auto& items = list->as_array();
    if (items.empty()) return {};
    return node_output::from_json(first ? items.front() : items.back());
  }
  std::string_view text = trimmed(input.text());
  const auto at = first ? text.find('\n') : text.rfind('\n');
  if (at != std::string_view::npos) text = first ? text.substr(0, at) : text.substr(at + 1);
  return node_output::from_text(std::string(trimmed(text)));
}

const json_value* item_at(const json_value::array& list, std::string_view index) noexcept {
  std::size_t i = 0;
  const auto [end, code] = std::from_chars(index.data(), index.data() + index.size(), i);
  if (code != std::errc() || end != index.data() + index.size() || i >= list.size()) return nullptr;
  return &list[i];
}

}  // namespace

std::optional<named_transform> parse_transform(std::string_view transformation,
                                               std::string_view argument) {
  std::string_view name = trimmed(transformation);
  if (const auto colon = transformation.find(':');
      argument.empty() && colon != std::string_view::npos) {
    name = trimmed(transformation.substr(0, colon));
    argument = transformation.substr(colon + 1);
  }
  for (const auto& [known, kind] : names)
    if (known == name) return named_transform{kind, std::string(argument)};
  return std::nullopt;
}

expected<node_output> apply_transform(const named_transform& t, const node_output& input) {
  switch (t.kind) {
    case transform_kind::uppercase:
      return node_output::from_text(with_case(input.text(), true));
    case transform_kind::lowercase:
      return node_output::from_text(with_case(input.text(), false));
    case transform_kind::trim:
      return node_output::from_text(std::string(trimmed(input.text())));
    case transform_kind::json_extract:
      return extract(input, trimmed(t.argument));
    case transform_kind::split:
      return split(input.text(), t.argument.empty() ? "\n\n" : t.argument);
    case transform_kind::chunk:
      return chunk(input.text(), t.argument);
    case transform_kind::join:
      return join(input, t.argument.empty() ? "\n" : t.argument);
    case transform_kind::first:
      return end_of(input, true);
    case transform_kind::last:
      return end_of(input, false);
    case transform_kind::template_text:
      break;
  }
  return fail(core_error("a template is expanded where its references are known"));
}

const json_value* follow_path(const json_value& value, std::string_view path) noexcept {
  const json_value* at = &value;
  while (!path.empty() && at != nullptr) {
    const auto dot = path.find('.');
    const auto key = path.substr(0, dot);
    at = at->is_array() ? item_at(at->as_array(), key) : at->find(key);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return at;
}

}  // namespace graphbit
