#include "src/record_key.hpp"

#include <unordered_map>
#include <utility>

namespace graphbit {

namespace {

std::string escaped(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (const char c : name) {
    if (c == '/')
      out += "%2F";
    else if (c == '#')
      out += "%23";
    else if (c == '%')
      out += "%25";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::vector<std::string> node_keys(const workflow& flow) {
  std::vector<std::string> keys;
  keys.reserve(flow.nodes().size());
  std::unordered_map<std::string_view, std::size_t> seen;
  for (const auto& n : flow.nodes()) {
    std::string key = escaped(n->name);
    if (const auto count = ++seen[n->name]; count > 1) key += "#" + std::to_string(count);
    keys.push_back(std::move(key));
  }
  return keys;
}

std::string call_key(std::string_view node_key, std::size_t slot) {
  return std::string(node_key) + "#call:" + std::to_string(slot);
}

std::string tool_key(std::string_view node_key, std::size_t slot) {
  return std::string(node_key) + "#tool:" + std::to_string(slot);
}

}  // namespace graphbit
