#pragma once

#include <cstdint>
#include <vector>

#include <graphbit/actors/workflow.hpp>

namespace graphbit {

/// Where a node stands in a drawing: columns go with the arrows, rows across them.
struct graph_place {
  std::uint32_t column = 0, row = 0;
};

/// A place for each node: one column beyond its farthest parent, close to its parents' rows.
/// Nodes of a cycle share what is left. Takes time in proportion to nodes and edges.
[[nodiscard]] std::vector<graph_place> graph_layout(const workflow& flow);

}  // namespace graphbit
