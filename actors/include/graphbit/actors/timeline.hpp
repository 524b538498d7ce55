#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <graphbit/actors/run_result.hpp>

namespace graphbit {

/// A run as a self-contained SVG Gantt chart: one bar per node in order of start, coloured by
/// status, with a title and tooltip texts. `max_rows` bars at most; what is left out is said.
[[nodiscard]] std::string timeline_svg(const run_result& result, std::size_t rows_max = 500);
/// Several runs in one chart, one block per run (named by its run id), on one time axis.
[[nodiscard]] std::string timeline_svg(const std::vector<run_result>& results,
                                       std::size_t rows_max = 500);
/// A run as a trace file (JSON) for Perfetto (https://ui.perfetto.dev) and chrome://tracing: one
/// row per node, with its calls to models and tools inside. Holds no prompts and no answers.
[[nodiscard]] std::string timeline_trace(const run_result& result);

}  // namespace graphbit
