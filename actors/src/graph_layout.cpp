#include "src/graph_layout.hpp"

#include <algorithm>
#include <numeric>

namespace graphbit {

namespace {

using indexes = std::vector<std::uint32_t>;

// Kahn's order; what a cycle keeps from being reached comes last.
indexes topological_order(const std::vector<indexes>& children, indexes missing_parents) {
  indexes order;
  for (std::uint32_t i = 0; i < missing_parents.size(); ++i)
    if (missing_parents[i] == 0) order.push_back(i);
  for (std::size_t next = 0; next < order.size(); ++next)
    for (const auto child : children[order[next]])
      if (--missing_parents[child] == 0) order.push_back(child);
  for (std::uint32_t i = 0; i < missing_parents.size(); ++i)
    if (missing_parents[i] != 0) order.push_back(i);
  return order;
}

}  // namespace

std::vector<graph_place> graph_layout(const workflow& flow) {
  const std::size_t size = flow.nodes().size();
  std::vector<indexes> children(size), parents(size);
  indexes parent_count(size);
  for (const auto& [from, to] : flow.edges()) {
    children[from].push_back(to);
    parents[to].push_back(from);
    ++parent_count[to];
  }
  std::vector<graph_place> places(size);
  std::vector<bool> placed(size);
  for (const auto node : topological_order(children, parent_count)) {
    for (const auto parent : parents[node])
      if (placed[parent])
        places[node].column = std::max(places[node].column, places[parent].column + 1);
    placed[node] = true;
  }
  // Column by column, so that each row follows from its parents' rows, which are known by then.
  indexes by_column(size);
  std::iota(by_column.begin(), by_column.end(), 0u);
  const auto wish = [&](std::uint32_t node) {
    double sum = 0;
    for (const auto parent : parents[node]) sum += places[parent].row;
    return parents[node].empty() ? static_cast<double>(node)
                                 : sum / static_cast<double>(parents[node].size());
  };
  std::stable_sort(by_column.begin(), by_column.end(),
                   [&](auto a, auto b) { return places[a].column < places[b].column; });
  for (auto from = by_column.begin(); from != by_column.end();) {
    const auto to = std::find_if(from, by_column.end(), [&](auto node) {
      return places[node].column != places[*from].column;
    });
    std::stable_sort(from, to, [&](auto a, auto b) { return wish(a) < wish(b); });
    std::uint32_t row = 0;
    for (; from != to; ++from) places[*from].row = row++;
  }
  return places;
}

}  // namespace graphbit
