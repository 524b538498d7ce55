#include <graphbit/actors/graph_svg.hpp>

#include <algorithm>
#include <cstdio>

#include "src/graph_layout.hpp"
#include "src/svg_text.hpp"

namespace graphbit {

namespace {

constexpr int box_width = 168, box_height = 44, gap_x = 56, gap_y = 18, margin = 14;

struct box {
  int x = 0, y = 0;
  [[nodiscard]] int middle() const { return y + box_height / 2; }
};

box box_at(const graph_place& place) {
  return {margin + static_cast<int>(place.column) * (box_width + gap_x),
          margin + static_cast<int>(place.row) * (box_height + gap_y)};
}

std::string arrow(const box& from, const box& to) {
  const int x1 = from.x + box_width, x2 = to.x, bend = std::max(24, std::abs(x2 - x1) / 2);
  char text[200];
  std::snprintf(text, sizeof text,
                "<path class=\"edge\" marker-end=\"url(#tip)\" d=\"M%d %d C%d %d %d %d %d %d\"/>\n",
                x1, from.middle(), x1 + bend, from.middle(), x2 - bend, to.middle(), x2 - 4,
                to.middle());
  return text;
}

std::string title_of(const node& n, const node_result* state) {
  std::string text = n.name + " (" + std::string(to_string(n.kind())) + ")";
  if (state == nullptr) return text;
  text += ": " + std::string(to_string(state->status));
  if (state->started != time_point{} && state->ended != time_point{})
    text += " in " +
            std::to_string(
                std::chrono::duration_cast<milliseconds>(state->ended - state->started).count()) +
            " ms";
  if (state->failure) text += "\n" + describe(*state->failure);
  if (!state->why.empty()) text += "\n" + state->why;
  return text;
}

std::string node_box(const node& n, const box& at, const node_result* state) {
  const std::string x = std::to_string(at.x), y = std::to_string(at.y);
  std::string out = "<g><title>" + xml_text(title_of(n, state)) + "</title><rect x=\"" + x +
                    "\" y=\"" + y + "\" width=\"" + std::to_string(box_width) + "\" height=\"" +
                    std::to_string(box_height) + "\" rx=\"7\" class=\"box\"/>";
  if (state != nullptr)
    out += "<rect x=\"" + x + "\" y=\"" + y + "\" width=\"7\" height=\"" +
           std::to_string(box_height) + "\" rx=\"3\" fill=\"" +
           std::string(colour_of(state->status)) + "\"/>";
  const std::string text_x = std::to_string(at.x + 16);
  const std::string below = std::string(to_string(n.kind())) +
                            (state == nullptr ? "" : " · " + std::string(to_string(state->status)));
  out += "<text class=\"name\" x=\"" + text_x + "\" y=\"" + std::to_string(at.y + 19) + "\">" +
         xml_text(shortened(n.name, 20)) + "</text><text class=\"kind\" x=\"" + text_x + "\" y=\"" +
         std::to_string(at.y + 35) + "\">" + xml_text(below) + "</text></g>\n";
  return out;
}

std::string head(int width, int height, const std::string& title) {
  const std::string w = std::to_string(width), h = std::to_string(height);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + w + " " + h + "\" width=\"" +
         w + "\" height=\"" + h + "\" role=\"img\"><title>" + xml_text(title) +
         "</title>\n<style>text{font:12px system-ui,sans-serif;fill:#222}.name{font-weight:600}"
         ".kind{fill:#555;font-size:11px}.box{fill:#fff;stroke:#8a9099}"
         ".edge{fill:none;stroke:#6b7280;stroke-width:1.5}</style>\n"
         "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"6\" refY=\"4\" markerWidth=\"7\" "
         "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#6b7280\"/>"
         "</marker></defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
}

}  // namespace

std::string graph_svg(const workflow& flow, const run_result* last, std::size_t nodes_max) {
  const auto& nodes = flow.nodes();
  const std::string title = flow.name().empty() ? "Workflow" : flow.name();
  if (nodes.empty() || nodes.size() > nodes_max)
    return head(420, 40, title) + "<text x=\"14\" y=\"25\">" +
           (nodes.empty() ? "no nodes yet"
                          : std::to_string(nodes.size()) + " nodes: too many to draw") +
           "</text></svg>\n";
  const auto places = graph_layout(flow);
  std::uint32_t columns = 0, rows = 0;
  for (const auto& place : places) {
    columns = std::max(columns, place.column + 1);
    rows = std::max(rows, place.row + 1);
  }
  std::string out = head(2 * margin + static_cast<int>(columns) * (box_width + gap_x) - gap_x,
                         2 * margin + static_cast<int>(rows) * (box_height + gap_y) - gap_y, title);
  for (const auto& [from, to] : flow.edges())
    out += arrow(box_at(places[from]), box_at(places[to]));
  const bool matches = last != nullptr && last->record().nodes.size() == nodes.size();
  for (std::size_t i = 0; i < nodes.size(); ++i)
    out += node_box(*nodes[i], box_at(places[i]), matches ? &last->record().nodes[i] : nullptr);
  return out + "</svg>\n";
}

}  // namespace graphbit
