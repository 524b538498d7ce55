#pragma once

namespace graphbit {

class metrics_page;

/// What Prometheus clients say of their process: CPU, memory, descriptors, start.
void collect_process_metrics(metrics_page& page);

}  // namespace graphbit
