#include "bindings.hpp"
#include "loop_bridge.hpp"

PYBIND11_MODULE(_core, module) {
  using namespace graphbit::python;
  module.doc() = "The native half of graphbit. Not an interface: use the package's classes.";
  bind_loop_bridge(module);
  bind_runtime(module);
  bind_prices(module);
  bind_config(module);
  bind_observability(module);
  bind_llm(module);
  bind_workflow(module);
  bind_store(module);
  bind_embeddings(module);
  bind_testing(module);
  bind_cluster(module);
}
