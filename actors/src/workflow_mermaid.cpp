#include <string>

#include <graphbit/actors/workflow.hpp>

namespace graphbit {

namespace {

/// Inside a quoted Mermaid label only quotes and angle brackets mean something.
std::string label(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '"':
        out += "#quot;";
        break;
      case '<':
        out += "#lt;";
        break;
      case '>':
        out += "#gt;";
        break;
      case '#':
        out += "#35;";
        break;
      case '\n':
        out += ' ';
        break;
      default:
        out += c;
    }
  return out;
}

struct brackets {
  std::string_view open, close;
};

brackets shape_of(node_kind kind) noexcept {
  switch (kind) {
    case node_kind::agent:
      return {"[\"", "\"]"};
    case node_kind::transform:
      return {"[/\"", "\"/]"};
    case node_kind::condition:
      return {"{\"", "\"}"};
    case node_kind::map:
      return {"[[\"", "\"]]"};
    case node_kind::sub_workflow:
      return {"([\"", "\"])"};
    case node_kind::wait:
      return {"{{\"", "\"}}"};
  }
  return {"[\"", "\"]"};
}

}  // namespace

std::string workflow::to_mermaid() const {
  std::string out = "flowchart TD\n";
  for (std::size_t i = 0; i < nodes().size(); ++i) {
    const auto [open, close] = shape_of(nodes()[i]->kind());
    out += "  n" + std::to_string(i);
    out += open;
    out += label(nodes()[i]->name);
    out += close;
    out += '\n';
  }
  for (const auto& [from, to] : edges())
    out += "  n" + std::to_string(from) + " --> n" + std::to_string(to) + "\n";
  return out;
}

}  // namespace graphbit
