#include "secret_removal.hpp"

#include <algorithm>
#include <array>

#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

namespace {

constexpr std::string_view removed = "REMOVED";
/// Shorter values ("EMPTY", "ollama") are words that stand in prompts too.
constexpr std::size_t secret_bytes_min = 8;

[[nodiscard]] std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  });
  return out;
}

[[nodiscard]] bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// A name without what its spellings differ in: "api_key", "Api-Key" and "apiKey" are one.
[[nodiscard]] std::string plain_name(std::string_view name) {
  auto out = lower(name);
  std::erase_if(out, [](char c) { return c == '_' || c == '-'; });
  return out;
}

[[nodiscard]] bool names_secret(std::string_view name) {
  static constexpr std::array<std::string_view, 10> names{
      "apikey",    "xapikey", "accesstoken", "refreshtoken",  "clientsecret",
      "secretkey", "secret",  "password",    "authorization", "subscriptionkey"};
  const auto plain = plain_name(name);
  return std::find(names.begin(), names.end(), plain) != names.end();
}

[[nodiscard]] bool query_names_secret(std::string_view name) {
  const auto plain = plain_name(name);
  return names_secret(name) || plain == "key" || plain == "token" || plain == "sig" ||
         plain == "signature" || plain == "code";
}

[[nodiscard]] bool header_carries_secret(std::string_view name) {
  const auto plain = lower(name);
  return contains(plain, "authorization") || contains(plain, "key") || contains(plain, "token") ||
         contains(plain, "secret") || contains(plain, "cookie");
}

[[nodiscard]] bool is_harmless_header(std::string_view name) {
  return name == "content-type" || name == "location" || name == "x-should-retry" ||
         contains(name, "retry-after") || contains(name, "ratelimit") ||
         contains(name, "request-id");
}

void remove_members(json_value& value, bool& changed) {
  if (value.is_array())
    for (auto& item : value.as_array()) remove_members(item, changed);
  if (!value.is_object()) return;
  for (auto& [name, member] : value.as_object()) {
    if (member.is_string() && !member.as_string().empty() && names_secret(name)) {
      changed = changed || member.as_string() != removed;
      member = removed;
    } else {
      remove_members(member, changed);
    }
  }
}

}  // namespace

secret_removal::secret_removal(std::string_view headers, std::string_view extra_headers) {
  for (auto lines : {headers, extra_headers}) {
    while (!lines.empty()) {
      const auto line = lines.substr(0, lines.find('\r'));
      lines.remove_prefix(std::min(lines.size(), line.size() + 2));
      const auto colon = line.find(": ");
      // Each request has another idempotency key, which is none to anything.
      if (colon == std::string_view::npos || lower(line.substr(0, colon)) == "idempotency-key" ||
          !header_carries_secret(line.substr(0, colon)))
        continue;
      auto value = line.substr(colon + 2);
      if (const auto space = value.rfind(' '); space != std::string_view::npos)
        value.remove_prefix(space + 1);  // "Bearer sk-..."
      if (value.size() >= secret_bytes_min) known_.emplace_back(value);
    }
  }
  std::sort(known_.begin(), known_.end(),
            [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::string secret_removal::without_known(std::string_view text) const {
  std::string out(text);
  for (const auto& known : known_)
    for (auto at = out.find(known); at != std::string::npos; at = out.find(known, at))
      out.replace(at, known.size(), removed);
  return out;
}

std::string secret_removal::from_url(std::string_view url) const {
  const auto query = url.find('?');
  if (query == std::string_view::npos) return without_known(url);
  std::string out(url.substr(0, query + 1));
  for (auto rest = url.substr(query + 1); !rest.empty();) {
    const auto part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const auto equals = part.find('=');
    if (equals != std::string_view::npos && query_names_secret(part.substr(0, equals)))
      out.append(part.substr(0, equals + 1)).append(removed);
    else
      out.append(part);
    if (!rest.empty()) out += '&';
  }
  return without_known(out);
}

std::string secret_removal::from_body(std::string_view body) const {
  auto out = without_known(body);
  auto value = parse_json(out);
  bool changed = false;
  if (value) remove_members(*value, changed);
  return changed ? to_json(*value) : out;
}

std::vector<std::string> secret_removal::from_chunks(std::vector<std::string> chunks) const {
  std::string whole;
  for (auto& chunk : chunks) whole += chunk = without_known(chunk);
  auto clean = without_known(whole);
  if (clean == whole) return chunks;
  return {std::move(clean)};
}

std::vector<std::pair<std::string, std::string>> secret_removal::from_headers(
    const http_headers& headers) const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [name, value] : headers.fields())
    if (is_harmless_header(name)) out.emplace_back(name, from_url(value));
  return out;
}

}  // namespace graphbit
