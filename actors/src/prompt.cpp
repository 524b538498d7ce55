#include "src/prompt.hpp"

#include <string>
#include <utility>

#include "src/transform.hpp"

namespace graphbit {

namespace {

constexpr std::string_view node_prefix = "{{node.";

void add_output(const node_output& output, text_pieces& out) {
  if (!output.is_null()) out.add(output.text(), output.shared_text());
}

bool add_path(const node_output& output, std::string_view path, text_pieces& out) {
  const json_value* root = output.structured();
  const json_value* found = root == nullptr ? nullptr : follow_path(*root, path);
  if (found == nullptr) return false;
  out.add_owned(to_text(*found));
  return true;
}

/// A name may hold dots: the longest name that is known wins, the rest is a path into its value.
template <class Lookup>
bool add_named(std::string_view reference, const Lookup& lookup, text_pieces& out) {
  if (const node_output* whole = lookup(reference)) {
    add_output(*whole, out);
    return true;
  }
  for (auto dot = reference.rfind('.'); dot != std::string_view::npos && dot > 0;
       dot = reference.rfind('.', dot - 1))
    if (const node_output* output = lookup(reference.substr(0, dot)))
      return add_path(*output, reference.substr(dot + 1), out);
  return false;
}

/// Resolves the reference at the front of `text`; gives how many bytes it took, 0 for none.
std::size_t add_reference(std::string_view text, const reference_scope& scope, text_pieces& out) {
  if (text.starts_with(node_prefix)) {
    const auto end = text.find_first_of("{}\n", node_prefix.size());
    if (end == std::string_view::npos || text.substr(end, 2) != "}}") return 0;
    const auto reference = text.substr(node_prefix.size(), end - node_prefix.size());
    const auto node = [&](std::string_view name) { return scope.node(name); };
    return add_named(reference, node, out) ? end + 2 : 0;
  }
  const auto end = text.find_first_of("{}\n", 1);
  if (end == std::string_view::npos || text[end] != '}' || end == 1) return 0;
  const auto variable = [&](std::string_view name) { return scope.variable(name); };
  return add_named(text.substr(1, end - 1), variable, out) ? end + 1 : 0;
}

}  // namespace

void expand_references(std::string_view text, const reference_scope& scope, text_pieces& out) {
  std::size_t from = 0;  // where text begins that stands for itself
  for (auto at = text.find('{'); at != std::string_view::npos; at = text.find('{', at)) {
    text_pieces resolved;
    const auto taken = add_reference(text.substr(at), scope, resolved);
    if (taken == 0) {
      ++at;
      continue;
    }
    out.add(text.substr(from, at - from));
    out.append(std::move(resolved));
    from = at += taken;
  }
  out.add(text.substr(from));
}

}  // namespace graphbit
