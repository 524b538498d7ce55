#pragma once

#include <string>

#include <graphbit/actors/run_result.hpp>
#include <graphbit/actors/workflow.hpp>

namespace graphbit {

/// A drawing of the workflow as one self-contained SVG image. With `last`, a run of it, each node
/// has the colour of its state and tells its time and its error as a tooltip. Workflows of more
/// than `nodes_max` nodes give an image that says so.
[[nodiscard]] std::string graph_svg(const workflow& flow, const run_result* last = nullptr,
                                    std::size_t nodes_max = 2000);

}  // namespace graphbit
