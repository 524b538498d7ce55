#pragma once

#include <memory>
#include <vector>

#include <graphbit/actors/supervision_tree.hpp>
#include <graphbit/runtime/metrics.hpp>

#include "provider_pipeline.hpp"

namespace graphbit {

/// What provider clients count anyway, as metrics: read when a page is made.
void collect_providers(metrics_page& page,
                       const std::vector<std::shared_ptr<provider_pipeline>>& clients);
/// Restarts and waiting messages of all supervised actors, by their kind.
void collect_supervision(metrics_page& page, const std::vector<supervised>& tree);

}  // namespace graphbit
