#include "src/graph_identity.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <openssl/sha.h>

#include "src/record_key.hpp"

namespace graphbit {

namespace {

/// The node as the workflow file has it, without what changes from one program start to the next.
json_value without_ids(const json_value& node) {
  json_value out;
  for (const auto& [key, value] : node.as_object()) {
    if (key == "id" || key == "agent_id" || key == "workflow") continue;
    out.set(key, value);
  }
  return out;
}

std::vector<std::string> connections(const workflow& flow, const std::vector<std::string>& keys) {
  std::vector<std::string> out;
  out.reserve(flow.edges().size());
  for (const auto& [from, to] : flow.edges()) out.push_back(keys[from] + " -> " + keys[to]);
  return out;
}

const json_value& member(const json_value& object, std::string_view key) {
  static const json_value none;
  const json_value* found = object.find(key);
  return found == nullptr ? none : *found;
}

std::string changed_fields(const json_value& before, const json_value& after) {
  std::string names;
  const auto add = [&](const std::string& key) { names += (names.empty() ? "" : ", ") + key; };
  for (const auto& [key, value] : before.as_object())
    if (member(after, key) != value) add(key);
  for (const auto& [key, value] : after.as_object())
    if (before.find(key) == nullptr) add(key);
  return names;
}

/// Collects differences; names a few and counts the others.
class difference_list {
 public:
  void add(const std::string& what) {
    constexpr std::size_t shown_max = 8;
    if (++count_ <= shown_max) text_ += (text_.empty() ? "" : "; ") + what;
  }
  [[nodiscard]] std::string text() const {
    constexpr std::size_t shown_max = 8;
    if (count_ <= shown_max) return text_;
    return text_ + "; and " + std::to_string(count_ - shown_max) + " more";
  }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

void compare_nodes(const json_value& before, const json_value& after, difference_list& out) {
  for (const auto& [key, node] : before.as_object()) {
    const json_value* now = after.find(key);
    if (now == nullptr)
      out.add("node '" + key + "' is gone");
    else if (*now != node)
      out.add("node '" + key + "' changed (" + changed_fields(node, *now) + ")");
  }
  for (const auto& [key, node] : after.as_object())
    if (before.find(key) == nullptr) out.add("node '" + key + "' is new");
}

void compare_connections(const json_value& before, const json_value& after, difference_list& out) {
  const auto has = [](const json_value& list, const json_value& edge) {
    const auto& edges = list.as_array();
    return std::find(edges.begin(), edges.end(), edge) != edges.end();
  };
  for (const json_value& edge : before.as_array())
    if (!has(after, edge)) out.add("connection " + edge.as_string() + " is gone");
  for (const json_value& edge : after.as_array())
    if (!has(before, edge)) out.add("connection " + edge.as_string() + " is new");
}

}  // namespace

json_value graph_identity(const workflow& flow) {
  const auto keys = node_keys(flow);
  const json_value document = flow.to_json();
  json_value::object nodes;
  const json_value& listed = member(document, "nodes");
  for (std::size_t i = 0; i < keys.size(); ++i) {
    json_value node = without_ids(listed.as_array()[i]);
    if (const auto* sub = std::get_if<sub_workflow_spec>(&flow.nodes()[i]->spec))
      node.set("workflow", graph_identity(*sub->flow));
    nodes.emplace_back(keys[i], std::move(node));
  }
  json_value::array edges;
  for (std::string& edge : connections(flow, keys)) edges.emplace_back(std::move(edge));
  json_value out;
  out.set("nodes", std::move(nodes));
  out.set("connections", std::move(edges));
  return out;
}

std::string graph_hash(const json_value& identity) {
  const std::string text = to_json(identity);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    out += digits[byte >> 4U];
    out += digits[byte & 15U];
  }
  return out;
}

std::string graph_difference(const json_value& before, const json_value& after) {
  difference_list out;
  compare_nodes(member(before, "nodes"), member(after, "nodes"), out);
  compare_connections(member(before, "connections"), member(after, "connections"), out);
  if (out.text().empty() && before != after) return "its nodes or connections are in another order";
  return out.text();
}

}  // namespace graphbit
