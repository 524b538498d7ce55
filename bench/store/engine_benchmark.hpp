#pragma once

#include <functional>
#include <memory>

#include <graphbit/actors/run_store.hpp>

namespace graphbit::bench {

/// Measures whole durable runs: what recording adds to runs of 50 nodes whose model answers 1 KB at
/// once, how large their journals are, and how long a run of 1,000 nodes takes to be taken up.
/// `server_cpu`: seconds that the store's own processes have spent so far.
void measure_engine(const char* name, const std::shared_ptr<run_store>& store,
                    const std::function<double()>& server_cpu);

/// The same runs without a store, to compare with: microseconds of CPU per node.
[[nodiscard]] double cost_without_store();

}  // namespace graphbit::bench
