#include "src/wire/body_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace graphbit {

namespace {

template <class Number>
void append_digits(std::string& out, Number number) {
  std::array<char, 32> digits;
  const auto [end, ec] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  static_cast<void>(ec);  // 32 bytes hold every number
  out.append(digits.data(), end);
}

auto find_member(json_value::object& members, std::string_view name) {
  return std::find_if(members.begin(), members.end(),
                      [name](const json_value::member& m) { return m.first == name; });
}

}  // namespace

expected<body_writer> body_writer::open(std::string& out, const provider_config& config,
                                        std::string_view request_extra_body) {
  body_writer writer(out);
  for (const std::string_view extra : {std::string_view(config.extra_body), request_extra_body})
    if (auto merged = writer.merge(extra); !merged) return fail(std::move(merged.error()));
  return writer;
}

expected<void> body_writer::merge(std::string_view extra_body) {
  if (extra_body.empty()) return {};
  auto parsed = parse_json(extra_body);
  if (!parsed || !parsed->is_object())
    return fail(validation_error("extra_body", "extra_body must be a JSON object"));
  for (auto& [name, value] : parsed->as_object()) {
    if (name == "stream") continue;
    const auto found = find_member(extra_, name);
    if (found == extra_.end())
      extra_.emplace_back(std::move(name), std::move(value));
    else
      found->second = std::move(value);
  }
  return {};
}

void body_writer::put_key(std::string_view name) {
  if (!first_) out_ += ',';
  first_ = false;
  append_json_string(out_, name);
  out_ += ':';
}

bool body_writer::key(std::string_view name) {
  if (!extra_.empty() && find_member(extra_, name) != extra_.end()) return false;
  put_key(name);
  return true;
}

void body_writer::nested(std::string_view name, json_value options) {
  const auto extra = find_member(extra_, name);
  if (extra != extra_.end()) {
    if (options.is_null() || !extra->second.is_object()) return;  // close writes it as it is
    for (auto& [key, value] : extra->second.as_object()) options.set(key, std::move(value));
    extra_.erase(extra);
  }
  if (options.is_null()) return;
  put_key(name);
  out_ += to_json(options);
}

void body_writer::close() {
  for (const auto& [name, value] : extra_) {
    put_key(name);
    out_ += to_json(value);
  }
  out_ += '}';
}

void append_json_strings(std::string& out, const std::vector<std::string>& texts) {
  out += '[';
  for (const std::string& text : texts) {
    if (&text != &texts.front()) out += ',';
    append_json_string(out, text);
  }
  out += ']';
}

void append_number(std::string& out, std::uint32_t number) { append_digits(out, number); }
void append_number(std::string& out, double number) { append_digits(out, number); }

}  // namespace graphbit
