#include "src/wire/header_block.hpp"

#include <algorithm>

namespace graphbit {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_field(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

header_block::header_block(const provider_config& config) : config_(config) {
  add("Content-Type", "application/json");
}

bool header_block::is_extra(const provider_config& config, std::string_view name) {
  const auto& extra = config.extra_headers;
  return std::any_of(extra.begin(), extra.end(),
                     [name](const auto& field) { return same_field(field.first, name); });
}

header_block& header_block::add(std::string_view name, std::string_view value) {
  if (!value.empty() && !is_extra(config_, name)) put(name, value);
  return *this;
}

void header_block::put(std::string_view name, std::string_view value) {
  if (!is_header_value(value)) bad_field_ = name;
  lines_.append(name).append(": ").append(value).append("\r\n");
}

expected<std::string> header_block::finish() const {
  header_block whole = *this;
  for (const auto& [name, value] : config_.extra_headers) whole.put(name, value);
  if (!whole.bad_field_.empty())
    return fail(configuration_error("headers", "the value of the header '" + whole.bad_field_ +
                                                   "' holds a line break or a NUL byte"));
  return std::move(whole.lines_);
}

}  // namespace graphbit
