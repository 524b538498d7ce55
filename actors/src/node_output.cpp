#include <graphbit/actors/node_output.hpp>

#include <string_view>
#include <utility>

namespace graphbit {

namespace {

/// Whether parsing is worth a try: decided by the first byte, and by the whole for literals.
bool looks_like_json(std::string_view text) noexcept {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return false;
  text.remove_prefix(from);
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  const char first = text.front(), last = text.back();
  switch (first) {
    case '{':
      return last == '}';
    case '[':
      return last == ']';
    case '"':
      return text.size() > 1 && last == '"';
    case 't':
      return text == "true";
    case 'f':
      return text == "false";
    case 'n':
      return text == "null";
    default:
      return (first == '-' || (first >= '0' && first <= '9')) && last >= '0' && last <= '9';
  }
}

}  // namespace

node_output node_output::from_answer(std::string text) {
  if (looks_like_json(text))
    if (auto value = parse_json(text)) return from_json(std::move(*value));
  return from_text(std::move(text));
}

node_output node_output::from_text(std::string text) {
  node_output out;
  out.text_ = std::make_shared<const std::string>(std::move(text));
  return out;
}

node_output node_output::from_json(json_value value) {
  if (value.is_null()) return {};
  if (value.is_string()) return from_text(std::move(value.as_string()));
  node_output out = from_text(graphbit::to_json(value));
  out.json_ = std::make_shared<const json_value>(std::move(value));
  return out;
}

const std::string& node_output::text() const noexcept {
  static const std::string empty;
  return text_ ? *text_ : empty;
}

json_value node_output::json() const {
  if (json_) return *json_;
  return text_ ? json_value(*text_) : json_value();
}

std::string node_output::json_text() const {
  if (!text_) return "null";
  if (json_) return *text_;
  std::string out;
  append_json_string(out, *text_);
  return out;
}

}  // namespace graphbit
